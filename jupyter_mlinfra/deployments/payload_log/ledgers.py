"""What serving processes had to log, and how much of it is missing."""

from __future__ import annotations

import contextlib
import struct
from datetime import datetime
from pathlib import Path

from ..runtime.journal import LEDGER
from .journals import has_open, pid_of


def missing_entries(ledger: Path, since: datetime | None = None) -> int:
    """Entries of one process that are in no line of its journals."""
    try:
        received, accounted, dropped, last_at = LEDGER.unpack(ledger.read_bytes()[: LEDGER.size])
        running = has_open(pid_of(ledger), ledger)
    except (OSError, ValueError, struct.error):
        return 0
    if since is not None and last_at < since.timestamp():
        return 0
    return int(dropped if running else max(0, received - accounted))


def dead_ledgers(folder: Path) -> list[Path]:
    """Those whose process is gone."""
    ledgers = []
    for file in folder.glob("*.count"):
        with contextlib.suppress(ValueError):
            if not has_open(pid_of(file), file):
                ledgers.append(file)
    return ledgers
