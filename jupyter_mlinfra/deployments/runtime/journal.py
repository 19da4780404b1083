"""The payload log of one serving process: a bounded queue, and a thread that appends JSON lines to a file of its own.

A prediction never waits for the log and never fails because of it: what does not fit is counted and left out.
Lines are written whole with one `write` each flush; after a kill at most the last line is torn, and a reader passes over it.

File `<version>-<started, µs>-<pid>.jsonl`, kept `.open` at the end of its name while it is written to:

    {"format": 1, "deployment": …, "version": …, "model": …, "names": [inputs], "categories": [[texts]], "started": s}   first line
    {"k": "p", "id": request id, "u": …, "ts": s, "ms": latency, "st": 200, "x": [[…]], "y": […]}  answered: rows, scores
    {"k": "e", "id": …, "u": …, "ts": …, "ms": …, "st": 400, "what": …}                            refused or failed
    {"k": "f", "id": …, "ts": …, "reward": …, "truth": […]}                                        feedback on a request
    {"k": "d", "ts": …, "n": 17}                                                                   left out since the last such line

id is what the caller calls the request, so it may come twice; u is the gateway's own id, the same only when the gateway has tried again.
x holds numbers: true as 1, a text as its place in `categories` (one list an input, empty for numbers), missing as null.
ts: seconds since 1970 (UTC) at the arrival. ms: time in the model's process, without network and queue.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

FLUSH_SECONDS = 0.1
QUEUE_CELLS = 2_000_000
"""Values that may wait for the disk (16 MB); more are dropped and counted."""

SEGMENT_BYTES = 16 << 20
SEGMENT_SECONDS = 3600.0
"""A file is closed, and another begun, at this size or age: closed files can be compacted."""


class Journal:
    """The log of one process. `put` may be called by many threads; the writer starts with the first entry, so after a fork."""

    def __init__(self, folder: Path, head: Mapping[str, Any], *, segment_bytes: int = SEGMENT_BYTES, queue_cells: int = QUEUE_CELLS) -> None:
        self._folder, self._head = folder, dict(head)
        self._segment_bytes, self._queue_cells = segment_bytes, queue_cells
        self._waiting: deque[tuple[dict[str, Any], int]] = deque()
        self._cells = 0
        self._dropped = 0
        self._lock = threading.Lock()  # of the queue: held for microseconds
        self._writing = threading.Lock()  # of the file: an end waits for a write that is under way
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._handle: int | None = None
        self._path: Path | None = None
        self._size, self._begun = 0, 0.0

    def put(self, entry: dict[str, Any], cells: int = 1) -> None:
        """Queue one entry; dropped and counted when too much waits. Takes microseconds."""
        with self._lock:
            if self._cells + cells > self._queue_cells:
                self._dropped += 1
                return
            self._waiting.append((entry, cells))
            self._cells += cells
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="payload-log", daemon=True)
                self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Write what waits and close the file; for an orderly end."""
        with self._writing:
            self._write_waiting()
            self._finish()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            self._flush()
            time.sleep(FLUSH_SECONDS)  # so that a busy process writes ten times a second, not a thousand times

    def _flush(self) -> None:
        with self._writing:
            self._write_waiting()

    def _write_waiting(self) -> None:
        with self._lock:
            entries, self._waiting = self._waiting, deque()
            dropped, self._dropped = self._dropped, 0
        if not entries and not dropped:
            return
        try:
            lines = [orjson.dumps(entry, option=orjson.OPT_SERIALIZE_NUMPY) for entry, _ in entries]
            if dropped:
                lines.append(orjson.dumps({"k": "d", "ts": time.time(), "n": dropped}))
            self._append(b"\n".join(lines) + b"\n")
        except (OSError, TypeError):
            with self._lock:  # disk full or gone, or a value that has no JSON form: say so in the next file that can be written
                self._dropped += dropped + len(entries)
            self._finish()
        finally:
            with self._lock:
                self._cells -= sum(cells for _, cells in entries)

    def _append(self, block: bytes) -> None:
        if self._handle is not None and (self._size + len(block) > self._segment_bytes or time.time() - self._begun > SEGMENT_SECONDS):
            self._finish()
        if self._handle is None:
            self._begin()
        assert self._handle is not None
        written = os.write(self._handle, block)
        if written != len(block):
            raise OSError("short write")  # the torn line is the last one of this file
        self._size += written

    def _begin(self) -> None:
        self._begun = time.time()
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._head['version']}-{int(self._begun * 1e6)}-{os.getpid()}.jsonl"
        self._path = self._folder / (name + ".open")
        self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0
        head = orjson.dumps({"format": 1, **self._head, "started": self._begun}) + b"\n"
        if os.write(self._handle, head) != len(head):
            raise OSError("short write")
        self._size = len(head)

    def _finish(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.close(self._handle)
            with contextlib.suppress(OSError):
                assert self._path is not None
                self._path.rename(self._path.with_suffix(""))  # drops `.open`
        self._handle = None
