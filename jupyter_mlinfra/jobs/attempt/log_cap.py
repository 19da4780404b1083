"""The log of a running job stays below a cap: when it grows beyond it, its middle is dropped, and a
line says so.

A job writes its log itself, with O_APPEND, so there is no process in between that could die. The
process that watches the job cuts the file in place: the beginning stays, the end is written again
after a line that counts what is gone, and the job continues after that. What it writes at the
moment of the cut may be dropped too. Offsets still count what the job wrote, not what is kept: a
reader that follows a log notices only the gap.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from dataclasses import asdict, dataclass

from ...core.files import open_regular, read_regular
from .files import Attempt

LOOK_SECONDS = 1.0
"""Seconds between two checks of the logs of running jobs: a flood writes some gigabytes in that
time.
"""
_END_BYTES = 65_536
"""How much of the end is kept."""
_GAP_BYTES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What is missing in the middle of a log. at: where in the file. dropped: bytes. marker: length
    of the line that reports it, which is there.
    """

    at: int
    dropped: int
    marker: int

    @property
    def shift(self) -> int:
        """How far the part after the gap is from where the job wrote it."""
        return self.dropped - self.marker

    @classmethod
    def read(cls, attempt: Attempt) -> Gap | None:
        """The gap of this attempt's log; None if the log is complete."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            values = json.loads(read_regular(attempt.gap, _GAP_BYTES))
            found = cls(**{name: int(value) for name, value in values.items()})
            return found if found.at >= 0 and 0 <= found.marker <= found.dropped else None
        return None

    def write(self, attempt: Attempt) -> None:
        """Store it. Raises OSError."""
        draft = attempt.gap.with_name(f".{attempt.gap.name}.{os.getpid()}")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(attempt.gap)

    @staticmethod
    def forget(attempt: Attempt) -> None:
        """The log has been replaced."""
        attempt.gap.unlink(missing_ok=True)


def size_of(attempt: Attempt) -> tuple[Gap | None, int]:
    """The gap in an attempt's log, and how many bytes were written to it; 0 for anything but a
    file.
    """
    try:
        found = os.lstat(attempt.log)
    except OSError:
        return None, 0
    if not stat.S_ISREG(found.st_mode):
        return None, 0
    gap = Gap.read(attempt)
    if gap is None or found.st_size < gap.at:
        return None, found.st_size
    return gap, found.st_size + gap.shift


def cap_log(attempt: Attempt, most: int) -> int:
    """Drop the middle of a log of more than `most` bytes, down to half of that; returns how many
    bytes. Raises OSError.
    """
    try:
        if os.lstat(attempt.log).st_size <= most:
            return 0
    except FileNotFoundError:
        return 0
    handle = open_regular(attempt.log, os.O_RDWR | os.O_APPEND)
    try:
        before = Gap.read(attempt) or Gap(at=_line_end(handle, most // 2), dropped=0, marker=0)
        size = os.fstat(handle).st_size
        end = os.pread(
            handle,
            min(_END_BYTES, most // 4),
            max(before.at + before.marker, size - min(_END_BYTES, most // 4)),
        )
        end = end[end.find(b"\n") + 1 :]
        if (
            now := os.fstat(handle).st_size
            # The job is writing at this moment: the rest of its last line is about to be dropped.
        ) > size:
            end, size = end[: end.rfind(b"\n") + 1], now
        dropped = size - before.at - before.marker - len(end)
        total = before.dropped + dropped
        line = (
            f"[{total:,} bytes were dropped here: the log of a job keeps at most {most:,} bytes,"
            " see log_gib in [jobs] of mlinfra.toml]\n".encode()
        )
        os.ftruncate(handle, before.at)
        os.write(handle, line + end)
        Gap(at=before.at, dropped=total, marker=len(line)).write(attempt)
    finally:
        os.close(handle)
    return dropped


def _line_end(handle: int, place: int) -> int:
    """The position after the last line end before `place`; `place` itself if no line ends in the
    last part.
    """
    start = max(0, place - _END_BYTES)
    found = os.pread(handle, place - start, start).rfind(b"\n")
    return start + found + 1 if found >= 0 else place
