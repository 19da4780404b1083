"""SQLite's errors and what mends them: a full disk must never read as a damaged file, for which
good data would be thrown away.
"""

from __future__ import annotations

import sqlite3

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
    # Also what it says when its log or its shared memory cannot grow.
    sqlite3.SQLITE_IOERR: (
        "Free some space, then do it again; where there is enough, the disk itself fails."
    ),
    sqlite3.SQLITE_CORRUPT: "Restore the file from a backup, or move it away to start empty.",
    sqlite3.SQLITE_NOTADB: "Restore the file from a backup, or move it away to start empty.",
}


def sqlite_error(error: BaseException) -> sqlite3.Error | None:
    """The error of SQLite that `error` is, or that a library (SQLAlchemy, MLflow) has wrapped in
    it.
    """
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
    """Whether SQLite found the file itself to be broken."""
    return code_of(error) in _DAMAGED


def fix_of(error: sqlite3.Error) -> str | None:
    """What a user can do about it; None when the statement was at fault, not the file or its
    disk.
    """
    return _FIXES.get(code_of(error))
