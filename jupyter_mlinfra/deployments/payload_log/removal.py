"""Until when the payload log has been removed, by age or size."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

from ...core.errors import MLInfraError
from ...core.files import write_atomic

REMOVED = ".removed"


def removed_until(folder: Path) -> float:
    """The newest time of a file that was removed, in seconds since 1970; 0 if none was."""
    with contextlib.suppress(OSError, ValueError):
        return float((folder / REMOVED).read_text())
    return 0.0


def note_removed(folder: Path, at: float) -> None:
    """Note that a file with rows up to a time is going to be removed. A disk that is too full for
    that does not keep the file.
    """
    if at <= removed_until(folder):
        return
    with contextlib.suppress(MLInfraError):
        write_atomic(folder / REMOVED, str(at).encode())


def left_out(until: datetime) -> str:
    """What is missing where files up to a time were removed."""
    return f"what was removed from the log, by age or size, of before {until:%Y-%m-%d %H:%M} UTC"
