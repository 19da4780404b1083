"""The log of a job: the logs of its attempts one after the other, as byte ranges that a reader can go on from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core.errors import BadRequest
from .attempt import Attempt
from .spec import LogChunk, LogHit, LogHits

MAX_BYTES = 4_000_000
"""No answer holds more."""
CLEARED = "The log was cleared away, as those of all but the newest jobs are."
_LINE = 65_536
"""A line that is longer than this is cut within it."""
SCANNED_BYTES = 256 << 20
"""How much of a log one search reads; it goes on with its cursor."""
_BLOCK = 1 << 20
_AROUND = 120
"""Characters shown before and behind what was found."""


def read_log(home: Path, job: str, attempts: int, *, offset: int, limit: int, tail: int | None, ended: bool, until: int | None = None) -> LogChunk:
    """Read a part of a job's log.

    offset: first byte. limit: most bytes. tail: lines counted from the end, or from byte `until`, instead of an offset.
    A part that is not the end of the log ends behind a line where it can.
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
        last = size if until is None else min(size, until)
        offset = _start_of_tail(parts, last, tail, limit)
        limit = last - offset
    start = min(offset, size)
    data = _read(parts, start, limit)
    if tail is None and start + len(data) < size:
        data = data[: data.rfind(b"\n") + 1] or data
    if until is None and not (ended and start + len(data) >= size):
        data = data[: len(data) - _torn(data)]  # a character that is not all there comes with the next part
    end = start + len(data)
    note = CLEARED if ended and not parts and _cleared(home, job, attempts) else ""
    return LogChunk(text=data.decode("utf-8", "replace"), offset=start, next=end, size=size, ended=ended and end >= size, note=note)


def search_log(home: Path, job: str, attempts: int, *, text: str, limit: int, cursor: str | None) -> LogHits:
    """The lines of a job's log that hold `text`, in any case; reads on for how many there are, as far as `SCANNED_BYTES`.

    cursor: of the hits before. A line in which the log was cut, since it is too long, counts as two.
    """
    start, line, before = _place(cursor)
    parts = _parts(home, job, attempts)
    size, needle = sum(length for _, length in parts), text.lower()
    hits, total, place = list[LogHit](), before, start
    onward: str | None = None
    end = min(size, start + SCANNED_BYTES)
    while place < end:
        block = _read(parts, place, min(_BLOCK, end - place))
        if not block:  # it was cut just now
            break
        cut = block.rfind(b"\n") + 1
        if cut and place + len(block) < size:
            block = block[:cut]
        for number, offset, found in _lines_with(block, needle):
            if len(hits) < limit:
                hits.append(LogHit(line=line + number, offset=place + offset, text=_around(found, needle)))
            elif onward is None:
                onward = f"{place + offset}.{line + number}.{total}"
            total += 1
        line, place = line + block.count(b"\n"), place + len(block)
    if onward is None and place < size:
        onward = f"{place}.{line}.{total}"
    return LogHits(items=hits, shown=len(hits), total=total, more=place < size, cursor=onward)


def _place(cursor: str | None) -> tuple[int, int, int]:
    """Byte, number of its line and hits before, of a cursor. Raises BadRequest for what no answer gave."""
    if not cursor:
        return 0, 1, 0
    words = cursor.split(".")
    if len(words) != 3 or not all(word.isascii() and word.isdecimal() and len(word) < 19 for word in words):
        raise BadRequest(f"cursor {cursor[:40]!r} is not one of ours.", fix="Use the cursor of the last answer.")
    start, line, before = map(int, words)
    return start, line, before


def _lines_with(block: bytes, needle: str) -> Iterator[tuple[int, int, str]]:
    """Number from 0, first byte and text of the lines that hold `needle`; a block that holds it nowhere is passed over as a whole."""
    if needle not in block.decode("utf-8", "replace").lower():
        return
    offset = 0
    for number, line in enumerate(block.split(b"\n")):
        text = line.decode("utf-8", "replace")
        if needle in text.lower():
            yield number, offset, text
        offset += len(line) + 1


def _around(text: str, needle: str) -> str:
    start = max(0, text.lower().find(needle) - _AROUND)
    return text[start : start + len(needle) + 2 * _AROUND]


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
    """First byte of the last `lines` lines before byte `size`; of as many as the limit has room for, and within a line only where that is longer."""
    start = max(0, size - limit)
    data = _read(parts, start, limit)
    end = len(data) - data.endswith(b"\n")
    for _ in range(lines):
        end = data.rfind(b"\n", 0, end)
        if end < 0:
            return start + (data.find(b"\n", 0, len(data) - 1) + 1 if start else 0)
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
