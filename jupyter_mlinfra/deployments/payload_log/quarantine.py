"""Files of the payload log that cannot be read: they are set aside and reported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from .journals import begun_at, may_begin_before, may_hold

QUARANTINE = "quarantine"
_REASON = ".reason"


def set_aside(folder: Path, file: Path, reason: str) -> None:
    """Move a file to `quarantine/`, with the reason beside it; both keep the time of its rows."""
    home = folder / QUARANTINE
    home.mkdir(exist_ok=True)
    told, at = home / f"{file.name}{_REASON}", file.stat().st_mtime
    told.write_text(reason[:2000])
    os.utime(told, (at, at))
    file.rename(home / file.name)


def set_aside_files(folder: Path) -> list[Path]:
    """What was set aside, and the reasons."""
    return sorted((folder / QUARANTINE).glob("*"))


def broken_files(folder: Path) -> list[Path]:
    """What was set aside."""
    return [file for file in set_aside_files(folder) if file.suffix != _REASON]


def problems(folder: Path, since: datetime | None, until: datetime | None) -> Iterator[str]:
    """What is missing in a span of time because its file was set aside: one text per file."""
    for file in broken_files(folder):
        if not may_hold(file, since):
            continue
        if until is not None and not may_begin_before(file.name, until):
            continue
        try:
            reason = file.with_name(f"{file.name}{_REASON}").read_text()
        except OSError:
            reason = ""
        why = f": {reason[:200]}" if reason else ""
        yield f"{file.stem} could not be read and is in {QUARANTINE}/{why}"


def starts(folder: Path) -> list[float]:
    """When the files that were set aside were begun."""
    return [begun_at(file.name) for file in broken_files(folder)]
