"""The log of a job: the logs of its attempts one after the other, as byte ranges that a reader can go on from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import BadRequest
from .attempt import Attempt
from .spec import LogChunk

MAX_BYTES = 4_000_000
"""No answer holds more."""
CLEARED = "The log was cleared away, as those of all but the newest jobs are."
_LINE = 65_536
"""A line that is longer than this is cut within it."""


def read_log(home: Path, job: str, attempts: int, *, offset: int, limit: int, tail: int | None, ended: bool) -> LogChunk:
    """Read a part of a job's log.

    offset: first byte. limit: most bytes. tail: lines counted from the end, instead of an offset.
    ended: whether the job is in a final state, so that what is there is all there will be.
    """
    if offset < 0 or limit < 1 or (tail is not None and tail < 1):
        raise BadRequest(
            "That part of a log cannot be read.", f"offset={offset}, limit={limit}, tail={tail}.", "Use an offset from 0, a limit and a tail from 1."
        )
    parts = _parts(home, job, attempts)
    size = sum(length for _, length in parts)
    limit = min(limit, MAX_BYTES)
    if tail is not None:
        offset = _start_of_tail(parts, size, tail, limit)
    start = min(offset, size)
    data = _read(parts, start, limit)
    if not (ended and start + len(data) >= size):
        data = data[: len(data) - _torn(data)]  # a character that is not all there comes with the next part
    end = start + len(data)
    note = CLEARED if ended and not parts and _cleared(home, job, attempts) else ""
    return LogChunk(text=data.decode("utf-8", "replace"), offset=start, next=end, size=size, ended=ended and end >= size, note=note)


def cut_log(log: Path, *, keep: int) -> None:
    """Leave the last `keep` bytes of a log, from the beginning of a line, below a line that says so."""
    draft = log.with_name(f".log.{os.getpid()}")
    try:
        with open(log, "rb") as source, open(draft, "wb") as target:
            source.seek(-keep, os.SEEK_END)
            source.readline(_LINE)
            target.write(f"[{source.tell():,} bytes were cleared away before this: the logs of all jobs together were too long.]\n".encode())
            shutil.copyfileobj(source, target)
        os.replace(draft, log)
    finally:
        draft.unlink(missing_ok=True)


def _cleared(home: Path, job: str, attempts: int) -> bool:
    """Whether a job without a log had one: then nothing is left of its last attempt but, perhaps, the executed notebook."""
    folder = Attempt.of(home, job, attempts).folder
    return attempts > 0 and (not folder.exists() or any(folder.glob("*.ipynb")))


def _parts(home: Path, job: str, attempts: int) -> list[tuple[Path, int]]:
    """Log files in order, with their lengths. Only the last one still grows."""
    found = []
    for number in range(1, attempts + 1):
        log = Attempt.of(home, job, number).log
        if log.exists():
            found.append((log, log.stat().st_size))
    return found


def _read(parts: Sequence[tuple[Path, int]], start: int, limit: int) -> bytes:
    data, skipped = b"", 0
    for path, length in parts:
        here = max(0, start + len(data) - skipped)
        skipped += length
        if here >= length or len(data) >= limit:
            continue
        with open(path, "rb") as file:
            file.seek(here)
            data += file.read(min(limit - len(data), length - here))
    return data


def _start_of_tail(parts: Sequence[tuple[Path, int]], size: int, lines: int, limit: int) -> int:
    start = max(0, size - limit)
    data = _read(parts, start, limit)
    end = len(data) - data.endswith(b"\n")
    for _ in range(lines):
        end = data.rfind(b"\n", 0, end)
        if end < 0:
            return start
    return start + end + 1


def _torn(data: bytes) -> int:
    """Bytes at the end that begin a UTF-8 character and do not finish it."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return back if needed > back else 0
    return 0
