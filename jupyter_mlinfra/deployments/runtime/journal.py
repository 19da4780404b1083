"""The payload log of one serving process: a bounded queue, and a thread that appends JSON lines to
a file of its own.

A prediction never waits for the log and never fails because of it: what does not fit is counted and
dropped. Each flush writes whole lines with one `write`; after a kill at most the last line is torn,
and readers skip it. While the disk is full, entries wait in the queue, and no further file is
started. Losses are also counted in a `Ledger`, which stays right despite a full disk or a kill.

File `<version>-<started, µs>-<pid>.jsonl`, with `.open` at the end of its name while it is written
to. One line each:

    first line          {"format": 1, "deployment": …, "version": …, "model": …, "started": s,
                         "names": [inputs], "types": [theirs], "categories": [[texts]]}
    answered            {"k": "p", "id": …, "u": …, "ts": s, "ms": latency, "st": 200,
                         "x": [[…]], "y": […]}   x: rows, y: scores; with parameters of the
                                                 model "q": they, as JSON text
    refused or failed   {"k": "e", "id": …, "u": …, "ts": …, "ms": …, "st": 400, "what": …,
                         "b": …}                 b: its body
    feedback            {"k": "f", "id": …, "ts": …, "reward": …, "truth": […]}
    dropped             {"k": "d", "ts": …, "n": 17}   since the last such line

A copy that a shadow answered has the ids of its original and "sh": 1.

id comes from the caller, so it may occur twice; u is the gateway's own id, which repeats only if
the gateway retried the request. x holds numbers: true as 1, a text as its position in `categories`
(one list per input, empty for others), missing as null. Texts in x are a text without categories,
a date (ISO 8601), bytes (base64) and a nested value (JSON); in y they are names of classes. ts:
seconds since 1970 (UTC) at the arrival. ms: time in the model's process, without network and queue.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

FLUSH_SECONDS = 0.1
QUEUE_BYTES = 64 << 20
"""Memory of what may wait for the disk; more is dropped and counted."""

ENTRY_BYTES = 1 << 10
"""Memory of an entry beside its values."""

WRITE_BYTES = 1 << 20
"""About so much of that is written at a time, and tried again while the disk is full."""

RETRY_SECONDS = 1.0
"""Pause before a failed write is repeated."""

BODY_BYTES = 16 << 10
"""How much of a refused request's body is kept."""

SEGMENT_BYTES = 16 << 20
SEGMENT_SECONDS = 3600.0
"""At this size or age a file is closed and another one started: closed files can be compacted."""


LEDGER = struct.Struct("@QQQd")
"""Entries received; those accounted for (written, or counted in a line of the log); those dropped
and in no line yet; time of the last one.
"""


class Ledger:
    """Counts of one process in memory that is mapped to a file, `<version>-<started,
    µs>-<pid>.count`, so that they survive a `kill -9`. Its one block is allocated at creation, so
    that counting continues while the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Kept open, so that a reader sees which process counts.
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self._handle, 0, LEDGER.size)
            self._memory = mmap.mmap(self._handle, LEDGER.size)
        except OSError:
            self.remove()
            raise

    def note(self, received: int, accounted: int, lost: int) -> None:
        """Write the counts."""
        LEDGER.pack_into(self._memory, 0, received, accounted, lost, time.time())

    def remove(self) -> None:
        """For a process that ends with nothing missing."""
        with contextlib.suppress(OSError):
            os.close(self._handle)
        with contextlib.suppress(OSError):
            self._path.unlink()


class Journal:
    """The log of one process. Many threads may call `put`; the writer starts with the first entry,
    and thus after a fork.
    """

    def __init__(
        self,
        folder: Path,
        head: Mapping[str, Any],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self._folder, self._head = folder, dict(head)
        self._segment_bytes, self._queue_bytes = segment_bytes, queue_bytes
        self._waiting: deque[tuple[dict[str, Any], int]] = deque()
        self._bytes = 0
        self._dropped = 0
        self._received = self._accounted = 0
        self._ledger: Ledger | None = None
        self._lock = threading.Lock()  # of the queue: held for microseconds
        self._writing = threading.Lock()  # of the file: closing waits for a write in progress
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._handle: int | None = None
        self._path: Path | None = None
        self._size, self._started_at = 0, 0.0

    def put(self, entry: dict[str, Any], size: int = 0) -> None:
        """Queue one entry; it is dropped and counted if too much waits. Takes microseconds. size:
        bytes of its values (see `weighed`).
        """
        size += ENTRY_BYTES
        with self._lock:
            self._received += 1
            if self._bytes + size > self._queue_bytes:
                self._dropped += 1
            else:
                self._waiting.append((entry, size))
                self._bytes += size
            self._note()
            if self._thread is None:
                self._start()
        self._wake.set()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="payload-log", daemon=True)
        with contextlib.suppress(RuntimeError):  # none is to be had: the next entry tries again
            thread.start()
            self._thread = thread

    def close(self) -> None:
        """Write what waits and close the file; called when the process ends in order."""
        with self._writing:
            self._write_waiting()
            self._close_segment()
            if self._ledger is not None and self._accounted == self._received:
                self._ledger.remove()

    def _run(self) -> None:
        written = True
        while True:
            self._wake.wait(None if written else RETRY_SECONDS)
            self._wake.clear()
            written = self._flush()
            # So that a busy process writes ten times a second, not a thousand times.
            time.sleep(FLUSH_SECONDS if written else RETRY_SECONDS)

    def _flush(self) -> bool:
        with self._writing:
            return self._write_waiting()

    def _note(self) -> None:
        if self._ledger is not None:
            self._ledger.note(self._received, self._accounted, self._dropped)

    def _make_folder(self) -> None:
        # Not its parent: of a project that was removed nothing may come back.
        self._folder.mkdir(exist_ok=True)

    def _open_ledger(self) -> None:
        if self._ledger is None:
            with contextlib.suppress(OSError):  # a full disk: at the next try
                self._make_folder()
                self._ledger = Ledger(
                    self._folder
                    / f"{self._head['version']}-{int(time.time() * 1e6)}-{os.getpid()}.count"
                )
            with self._lock:
                self._note()

    def _write_waiting(self) -> bool:
        """Write what waits; returns whether that worked. Otherwise it stays in the queue."""
        self._open_ledger()
        while written := self._write_some():
            if not self._waiting:
                break
        return written

    def _write_some(self) -> bool:
        with self._lock:
            entries = self._take()
            dropped, self._dropped = self._dropped, 0
        lines = [line for entry, _ in entries if (line := _line(entry))]
        lost = dropped + len(entries) - len(lines)
        if lost:
            lines.append(orjson.dumps({"k": "d", "ts": time.time(), "n": lost}))
        written = not lines or self._try_append(b"\n".join(lines) + b"\n")
        with self._lock:
            if written:
                self._accounted += len(entries) + dropped
                self._bytes -= sum(size for _, size in entries)
            else:
                self._waiting.extendleft(reversed(entries))
                self._dropped += dropped
            self._note()
        return written

    def _take(self) -> list[tuple[dict[str, Any], int]]:
        taken, size = [], 0
        while self._waiting and size < WRITE_BYTES:
            taken.append(self._waiting.popleft())
            size += taken[-1][1]
        return taken

    def _try_append(self, block: bytes) -> bool:
        try:
            self._append(block)
        except OSError:
            return False
        return True

    def _append(self, block: bytes) -> None:
        if self._handle is not None and (
            self._size + len(block) > self._segment_bytes
            or time.time() - self._started_at > SEGMENT_SECONDS
        ):
            self._close_segment()
        if self._handle is None:
            self._open_segment()
        assert self._handle is not None
        written = os.write(self._handle, block)
        if written != len(block):
            os.ftruncate(self._handle, self._size)  # it will be written whole when there is room
            raise OSError("short write")
        self._size += written

    def _open_segment(self) -> None:
        started_at = time.time()
        self._make_folder()
        name = f"{self._head['version']}-{int(started_at * 1e6)}-{os.getpid()}.jsonl"
        path = self._folder / (name + ".open")
        head = orjson.dumps({"format": 1, **self._head, "started": started_at}) + b"\n"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.write(handle, head) != len(head):
                raise OSError("short write")
        except OSError:  # no room: the new file is removed, so that no try leaves one behind
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        self._handle, self._path, self._size, self._started_at = handle, path, len(head), started_at

    def _close_segment(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.close(self._handle)
            with contextlib.suppress(OSError):
                assert self._path is not None
                self._path.rename(self._path.with_suffix(""))  # drops `.open`
        self._handle = None


def weighed(value: Any) -> tuple[Any, int]:
    """A value as it waits for the disk, and its size in bytes. Lists and texts are JSON already:
    Python's objects take many times that.
    """
    if isinstance(value, np.ndarray):
        return value, value.nbytes
    try:
        text = orjson.dumps(value)
    except TypeError:
        return value, 0  # its entry is dropped and counted when it is to be written
    return orjson.Fragment(text), len(text)


def _line(entry: Mapping[str, Any]) -> bytes:
    """The entry as a JSON line; empty for a value that has no JSON form."""
    try:
        return orjson.dumps(entry, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:
        return b""
