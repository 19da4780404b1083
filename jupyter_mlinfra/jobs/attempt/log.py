"""The log of a job: the logs of its attempts one after the other, as byte ranges from which a
reader can continue.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import BadRequest
from ...core.files import open_regular
from ..spec import LogChunk, LogHit, LogHits
from .files import Attempt
from .log_cap import Gap, size_of

MAX_BYTES = 4_000_000
"""The most bytes in one answer."""
CLEARED = "The log was removed, as those of all but the newest jobs are."
PRINTED_NOTHING = "The job printed nothing."
_LINE = 65_536
"""A longer line is cut."""
SCANNED_BYTES = 256 << 20
"""How much of a log one search reads; the cursor continues from there."""
_BLOCK = 1 << 20
_AROUND = 120
"""Characters shown before and after a hit."""


def read_log(
    home: Path,
    job: str,
    attempts: int,
    *,
    offset: int,
    limit: int,
    tail: int | None,
    ended: bool,
    until: int | None = None,
    executed: str | None = None,
) -> LogChunk:
    """Read a part of a job's log.

    offset: first byte. limit: most bytes. tail: lines counted from the end, or from byte `until`,
    instead of an offset. A part that is not the end of the log ends after a line if possible.
    ended: whether the job is in a final state, so that the log is complete. executed: the notebook
    that it wrote, if it is one.
    """
    if offset < 0 or limit < 1 or (tail is not None and tail < 1):
        raise BadRequest(
            "That part of a log cannot be read.",
            f"offset={offset}, limit={limit}, tail={tail}.",
            "Use an offset from 0, a limit and a tail from 1.",
        )
    parts = _parts(home, job, attempts)
    size = _size(parts)
    limit = min(limit, MAX_BYTES)
    if tail is not None:
        last = size if until is None else min(size, until)
        offset = _start_of_tail(parts, last, tail, limit)
        limit = last - offset
    start, data = _read(parts, min(offset, size), limit)
    if tail is None and start + len(data) < size:
        data = data[: data.rfind(b"\n") + 1] or data
    if until is None and not (ended and start + len(data) >= size):
        # An incomplete character comes with the next part.
        data = data[: len(data) - _torn(data)]
    end = start + len(data)
    note = _why_empty(home, job, attempts, executed) if ended and not parts else ""
    return LogChunk(
        text=data.decode("utf-8", "replace"),
        offset=start,
        next=end,
        size=size,
        ended=ended and end >= size,
        note=note,
    )


def search_log(
    home: Path, job: str, attempts: int, *, text: str, limit: int, cursor: str | None
) -> LogHits:
    """The lines of a job's log that contain `text`, ignoring case; counts them up to
    `SCANNED_BYTES`.

    cursor: of the previous hits. A line that is too long and was cut counts as two.
    """
    start, line, before = _place(cursor)
    parts = _parts(home, job, attempts)
    size, needle = _size(parts), text.lower()
    hits, total, place, scanned = list[LogHit](), before, start, 0
    onward: str | None = None
    while place < size and scanned < SCANNED_BYTES:
        place, block = _read(parts, place, min(_BLOCK, SCANNED_BYTES - scanned))
        if not block:  # it was cut just now
            break
        cut = block.rfind(b"\n") + 1
        if cut and place + len(block) < size:
            block = block[:cut]
        for number, offset, found in _lines_with(block, needle):
            if len(hits) < limit:
                hits.append(
                    LogHit(line=line + number, offset=place + offset, text=_around(found, needle))
                )
            elif onward is None:
                onward = f"{place + offset}.{line + number}.{total}"
            total += 1
        line, place, scanned = line + block.count(b"\n"), place + len(block), scanned + len(block)
    if onward is None and place < size:
        onward = f"{place}.{line}.{total}"
    return LogHits(items=hits, shown=len(hits), total=total, more=place < size, cursor=onward)


def _place(cursor: str | None) -> tuple[int, int, int]:
    """Byte, line number and earlier hits of a cursor. Raises BadRequest for one that no answer
    contained.
    """
    if not cursor:
        return 0, 1, 0
    parts = cursor.split(".")
    if len(parts) != 3 or not all(
        part.isascii() and part.isdecimal() and len(part) < 19 for part in parts
    ):
        raise BadRequest(
            f"cursor {cursor[:40]!r} is not one of ours.", fix="Use the cursor of the last answer."
        )
    start, line, before = map(int, parts)
    return start, line, before


def _lines_with(block: bytes, needle: str) -> Iterator[tuple[int, int, str]]:
    """Number from 0, first byte and text of the lines that contain `needle`; a block without it is
    skipped as a whole.
    """
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
    """Leave the last `keep` bytes of a log, from the start of a line, below a line that says so."""
    draft = log.with_name(f".log.{os.getpid()}")
    try:
        with os.fdopen(open_regular(log), "rb") as source, open(draft, "wb") as target:
            source.seek(-keep, os.SEEK_END)
            source.readline(_LINE)
            target.write(
                f"[{source.tell():,} bytes were removed before this: the logs of all jobs"
                " together were too long.]\n".encode()
            )
            shutil.copyfileobj(source, target)
        Gap.forget(Attempt(log.parent))
        os.replace(draft, log)
    finally:
        draft.unlink(missing_ok=True)


def _why_empty(home: Path, job: str, attempts: int, executed: str | None) -> str:
    """Why an ended job has no text in its logs; empty if no attempt began."""
    if any(os.path.lexists(Attempt.of(home, job, n).log) for n in range(1, attempts + 1)):
        return PRINTED_NOTHING + (f" The executed notebook is {executed}." if executed else "")
    # Only the executed notebook may be left of the last attempt of a job whose log was removed.
    folder = Attempt.of(home, job, attempts).folder
    cleared = attempts > 0 and (not folder.exists() or any(folder.glob("*.ipynb")))
    return CLEARED if cleared else ""


@dataclass(frozen=True, slots=True)
class _Part:
    """Existing bytes. begin, end: their offsets in the job's output. place: of the first one in its
    file.
    """

    path: Path
    begin: int
    end: int
    place: int


def _parts(home: Path, job: str, attempts: int) -> list[_Part]:
    """The existing parts of a job's log, in order; if a log was too long, bytes are missing between
    two parts. Only the last part still grows.
    """
    found, base = list[_Part](), 0
    for number in range(1, attempts + 1):
        attempt = Attempt.of(home, job, number)
        gap, size = size_of(attempt)
        if gap is None:
            found.append(_Part(attempt.log, base, base + size, 0))
        else:
            found.append(_Part(attempt.log, base, base + gap.at, 0))
            found.append(_Part(attempt.log, base + gap.at + gap.shift, base + size, gap.at))
        base += size
    return [part for part in found if part.begin < part.end]


def _size(parts: Sequence[_Part]) -> int:
    return parts[-1].end if parts else 0


def _read(parts: Sequence[_Part], start: int, limit: int) -> tuple[int, bytes]:
    """At most `limit` bytes from `start`, or from the next existing byte, with the offset of the
    first. Nothing is read across a gap.
    """
    data = b""
    for part in parts:
        if part.end <= start + len(data):
            continue
        if not data:
            start = max(start, part.begin)
        end = start + len(data)
        if part.begin > end or len(data) >= limit:
            break
        with os.fdopen(open_regular(part.path), "rb") as file:
            file.seek(part.place + end - part.begin)
            data += file.read(min(limit - len(data), part.end - end))
    return start, data


def _start_of_tail(parts: Sequence[_Part], size: int, lines: int, limit: int) -> int:
    """First byte of the last `lines` lines before byte `size`, as many as fit the limit without a
    gap between them.

    It is inside a line only if that line is longer than the limit.
    """
    first = size
    for part in reversed(parts):
        if part.begin < first <= part.end:
            first = part.begin
    start = max(first, size - limit)
    _, data = _read(parts, start, size - start)
    end = len(data) - data.endswith(b"\n")
    for _ in range(lines):
        end = data.rfind(b"\n", 0, end)
        if end < 0:
            return start + (data.find(b"\n", 0, len(data) - 1) + 1 if start > first else 0)
    return start + end + 1


def _torn(data: bytes) -> int:
    """How many bytes at the end start a UTF-8 character without completing it."""
    for count in range(1, min(4, len(data)) + 1):
        byte = data[-count]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return count if needed > count else 0
    return 0
