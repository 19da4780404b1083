"""A detached process that runs or follows jobs, from the client's side: start it, wake it, end it.
Each kind stores its identity in its own place.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ...core.errors import Unavailable
from ...core.files import read_regular
from ...core.passwords import without_passwords
from ...core.processes import Identity, is_stopped, spawn_detached
from .bell import beat_path

START_SECONDS = 30.0
"""How long a start may take on a busy machine."""
END_SECONDS = 30.0
"""How long it may take to end, and then to die."""
SILENT_SECONDS = 60.0
"""After this long without a heartbeat a supervisor hangs. One step may take a while: it waits up to
30 s for a busy database.
"""
_LOG_BYTES = 1_000_000


class Running(Protocol):
    """A running process of this kind. socket: where it listens. settings: digest; if it differs,
    the process must be replaced.
    """

    @property
    def process(self) -> Identity: ...
    @property
    def socket(self) -> str: ...
    @property
    def settings(self) -> str: ...


def poke(who: Running) -> bool:
    """Wake it; returns whether it runs. A message that was taken proves nothing: a child of a
    killed process keeps its socket open until it has started its program.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(b"!", who.socket)
        except BlockingIOError:
            pass  # it has many such messages to read, and will check anyway
        except OSError:
            # Nothing listens there, or the folder was removed: the signal makes it open the socket
            # again.
            return who.process.signal(signal.SIGHUP)
    return who.process.alive()


def trouble(who: Running, what: str, *, silent_seconds: float) -> str:
    """Why an existing process does not work; empty if it does. what: its name, with a capital
    letter. silent_seconds: as in `hangs`.
    """
    pid = who.process.pid
    if is_stopped(pid):
        return f"{what} (process {pid}) is suspended. It continues after `kill -CONT {pid}`."
    if hangs(who, silent_seconds=silent_seconds):
        return (
            f"{what} (process {pid}) has not moved for {_silence(who):.0f} s: it waits for a disk"
            " or a network share. `mlinfra up` replaces it."
        )
    return ""


def died(who: Running, what: str) -> str:
    """Why nobody sees to the jobs when it was killed. what: it is, with a capital letter."""
    return (
        f"{what} (process {who.process.pid}) does not run any more. Jobs that run go on; none is"
        " started and no end is noted until it runs again: by the next submit, or `mlinfra up`."
    )


def hangs(who: Running, *, silent_seconds: float) -> bool:
    """Whether its heartbeat has stopped although it is not suspended. silent_seconds: how long it
    may be silent while it works.
    """
    return (
        _silence(who) > silent_seconds and not is_stopped(who.process.pid) and who.process.alive()
    )


def _silence(who: Running) -> float:
    """Seconds since its last heartbeat; 0 if none can be read, which proves nothing."""
    try:
        return max(
            0.0, time.monotonic() - int(read_regular(beat_path(Path(who.socket)), 100)) / 1e9
        )
    except (OSError, ValueError):
        return 0.0


def end(who: Running, what: str) -> None:
    """End it; its jobs do not notice, and the next one finds them. Raises Unavailable if even
    SIGKILL does not end it. what: its name, with a capital letter.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        who.process.signal(number)
        if is_stopped(who.process.pid):
            who.process.signal(signal.SIGCONT)  # until then it receives nothing
        limit = time.monotonic() + END_SECONDS
        while time.monotonic() < limit:
            if not who.process.alive():
                return
            time.sleep(0.005)
    why = (
        f"Process {who.process.pid} was killed and is still there: it waits for a disk or a network"
        " share."
    )
    raise Unavailable(
        f"{what} does not end.", why, "Repair what it waits for, or restart the machine."
    )


def say(text: str) -> None:
    """Write a line to the log of this process, if the disk has room."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {without_passwords(text)}\n")
        sys.stderr.flush()


def rotate(log: Path) -> None:
    """Set a log that has become large aside, before a process is started that appends to it."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        os.replace(log, log.with_suffix(".log.1"))


def start[R: Running](
    module: str,
    arguments: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    alive: Callable[[], R | None],
    settings: str,
    what: str,
    seconds: float,
) -> R:
    """Start it, and return it once it has reported its identity. Raises Unavailable with the end of
    its log if it does not start.
    """
    rotate(log)
    spawn_detached(module, arguments, log=log, environment=environment)
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        found = alive()
        if found is not None and found.settings == settings:
            return found
        time.sleep(0.005)
    tail = log.read_text(errors="replace")[-500:].strip() if log.exists() else ""
    raise Unavailable(
        f"{what} did not start.",
        tail or f"It wrote nothing in {seconds:.0f} s.",
        f"See {log}; jobs wait until it runs.",
    )
