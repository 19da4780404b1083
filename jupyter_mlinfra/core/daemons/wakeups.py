"""What wakes a daemon: a datagram, a signal, or the end of a watched process. Otherwise it sleeps
and writes a heartbeat.

The heartbeat is the time (of the monotonic clock) in a file in memory: it stops when the process is
suspended or hangs.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEAT_SECONDS = 10.0
"""Seconds between two heartbeats of a sleeping process."""


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Why a wait is over. early: before its time. ended: name and handle of each watched process
    that ended.
    """

    early: bool
    ended: tuple[tuple[str, int], ...]


class Wakeups:
    """What one daemon waits for. path: of its socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stopping = False
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._lost = False
        self._beat: int | None = None

    def open(self) -> None:
        """Receive signals and datagrams from now on: SIGTERM asks to end, SIGHUP to open the socket
        again (its file is gone).
        """
        reader, self._writer = socket.socketpair()
        reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno())
        self._selector.register(reader, selectors.EVENT_READ)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._note_loss)
        self._listen()

    def wait(
        self,
        seconds: float,
        *,
        meanwhile: Callable[[], bool] | None = None,
        every: float = BEAT_SECONDS,
    ) -> Wakeup:
        """Sleep until something happens, or for this long. meanwhile: small things to do from time
        to time; returns whether to sleep on.
        """
        happened: list[tuple[selectors.SelectorKey, int]] = []
        limit = time.monotonic() + seconds
        while not happened and not self._lost and not self.stopping:
            self.beat()
            left = limit - time.monotonic()
            happened = self._selector.select(max(0.0, min(left, every, BEAT_SECONDS)))
            if (meanwhile is not None and not meanwhile()) or left <= every:
                break
        self.beat()
        ended = []
        for key, _ in happened:
            if key.data is None:
                _drain(key.fileobj)
            else:
                self._selector.unregister(key.fileobj)
                ended.append((str(key.data), int(key.fd)))
        if self._lost:
            self._listen()
            self._lost = False  # until then the next wait tries again
        return Wakeup(bool(happened), tuple(ended))

    def add(self, source: Any) -> None:
        """Also wake when this can be read; it has `fileno` and `recv` like a socket."""
        self._selector.register(source, selectors.EVENT_READ)

    def watch(self, name: str, handle: int) -> None:
        """Wake, once, when the process behind a pidfd ends, or a socket can be read."""
        self._selector.register(handle, selectors.EVENT_READ, name)

    def unwatch(self, handles: Iterable[int]) -> None:
        """Stop watching these; those that have woken the daemon are not watched any more anyway."""
        for handle in handles:
            with contextlib.suppress(KeyError):
                self._selector.unregister(handle)

    def close(self) -> None:
        """Remove the socket."""
        if self._listener is not None:
            self._listener.close()
        if self._beat is not None:
            os.close(self._beat)
            self._beat = None
        for path in (self.path, beat_path(self.path)):
            path.unlink(missing_ok=True)

    def beat(self) -> None:
        """Write a heartbeat; for a process that does much between two waits."""
        if self._beat is not None:
            with contextlib.suppress(OSError):  # memory is full
                os.pwrite(self._beat, b"%020d" % time.monotonic_ns(), 0)

    def _listen(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            listener.bind(str(self.path))
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)
        self._listener = listener
        if self._beat is not None:
            os.close(self._beat)
            self._beat = None
        self._beat = os.open(
            beat_path(self.path),
            os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW,
            0o600,
        )
        self.beat()

    def _stop(self, *_: Any) -> None:
        self.stopping = True

    def _note_loss(self, *_: Any) -> None:
        self._lost = True


def beat_path(socket_path: Path) -> Path:
    """The heartbeat file of the process that listens at that socket."""
    return socket_path.with_suffix(".beat")


def _drain(source: Any) -> None:
    with contextlib.suppress(BlockingIOError):
        while source.recv(4096):
            pass
