"""SQLite's errors and how to fix them: a full disk must never look like a damaged file, or users
would throw good data away.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FIXES = {
    sqlite3.SQLITE_BUSY: "Try again; end the process that holds it.",
    sqlite3.SQLITE_LOCKED: "Try again; end the process that holds it.",
    sqlite3.SQLITE_READONLY: (
        "Make the folder writable, or set `home` in mlinfra.toml to one that is."
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "Make the folder writable and see that the disk has room, or set `home` in mlinfra.toml to"
        " another."
    ),
    sqlite3.SQLITE_FULL: "Free some space, then do it again.",
    # SQLite also says this when its log or its shared memory cannot grow.
    sqlite3.SQLITE_IOERR: (
        "Free some space, then do it again; where there is enough, the disk itself fails."
    ),
    sqlite3.SQLITE_CORRUPT: "Restore the file from a backup, or move it away to start empty.",
    sqlite3.SQLITE_NOTADB: "Restore the file from a backup, or move it away to start empty.",
}


def can_write(file: Path) -> bool:
    """Whether a connection could write a file, and beside it: in WAL mode even reading needs that.
    A file that is not there can be made.
    """
    return (os.access(file.parent, os.W_OK) and os.access(file, os.W_OK)) or not file.exists()


def mode_of_reading(file: Path) -> str:
    """How a file is opened that this user cannot write. Without a log of commits that are not in it
    yet, it is read as it is; so it is opened for each question, since others may write it.
    """
    log = Path(f"{file}-wal")
    has_log = log.exists() and log.stat().st_size > 0
    return "mode=ro" if has_log else "mode=ro&immutable=1"


def sqlite_error(error: BaseException) -> sqlite3.Error | None:
    """The SQLite error that `error` is, or that a library (SQLAlchemy, MLflow) wrapped in it."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, sqlite3.Error):
        found = found.__cause__
    return found


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code, as in `sqlite3.SQLITE_FULL`; 0 when the module itself raised
    it.
    """
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite found the file itself to be damaged."""
    return code_of(error) in _DAMAGED


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection held the file for longer than this one waits."""
    return code_of(error) in _BUSY


def holder_said(file: Path) -> str:
    """Who holds a file that is busy, as a sentence; empty if the system does not tell."""
    from .holders import holder_of

    holder = holder_of(file)
    return f"It is held by {holder}." if holder else ""


def fix_of(error: sqlite3.Error) -> str | None:
    """What a user can do about it; None if the statement was wrong, not the file or its disk."""
    return _FIXES.get(code_of(error))
