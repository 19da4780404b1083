"""What serving processes print: their logs stay below a size, and go with their versions."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection
from pathlib import Path

LOG_BYTES = 4 << 20
"""A log that is longer is begun anew; so much of its end is kept beside it."""

_READ_BYTES = 64 << 10
_NAME = re.compile(r"(?P<cluster>.+\..+)\.\d+(?:\.old)?\.log")


def log_file(folder: Path, cluster: str, slot: int) -> Path:
    """Where the process in a slot of a version writes to."""
    return folder / f"{cluster}.{slot}.log"


def cut(log: Path) -> None:
    """Empty a log that is too long; its end goes to `….old.log`. Its process goes on writing at its
    beginning, because it appends. What it writes at this very moment may be lost, and on a full
    disk the end is.
    """
    with contextlib.suppress(OSError), log.open("rb+") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= LOG_BYTES:
            return
        file.seek(size - LOG_BYTES)
        with contextlib.suppress(OSError):
            log.with_suffix(".old.log").write_bytes(file.read(LOG_BYTES))
        file.truncate(0)


def last_error(log: Path) -> str:
    """The last line that looks like an error, else the last one; empty without any."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _READ_BYTES))
        lines = file.read().decode(errors="replace").splitlines()[-80:]
        lines = [line.strip() for line in lines if line.strip()]
        errors = [line for line in lines if "Error" in line or "error" in line]
        if lines:
            return (errors or lines)[-1][:400]
    return ""


def remove_others(folder: Path, clusters: Collection[str]) -> None:
    """Remove the logs of versions that are gone."""
    for log in folder.glob("*.log"):
        found = _NAME.fullmatch(log.name)
        if found and found["cluster"] not in clusters:
            with contextlib.suppress(OSError):
                log.unlink()
