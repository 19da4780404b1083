"""`state.db`: SQLite in WAL mode, one writer at a time, migrated by Alembic.

Plain SQL with bound parameters on the standard library's sqlite3: the supervisor, which must stay
small, and the command line, which must start fast, use the same code as the server. Alembic is
imported only when the schema is behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .errors import MLInfraError, Unavailable
from .files import explain_os_error, file_lock, sync_folder
from .imports import load_modules
from .sqlite import (
    can_write,
    code_of,
    fix_of,
    holder_said,
    is_busy,
    is_damaged,
    mode_of_reading,
    sqlite_error,
)

_MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = _MIGRATIONS / "newest.sql"
"""What all migrations make of an empty file; `scripts/state_schema.py` writes it."""
BUSY_SECONDS = 30.0
_UNFORCED = "PRAGMA synchronous=NORMAL"
# Alembic keeps the migration under way in globals: two threads with two files would mix them.
_ALEMBIC = threading.Lock()
# WAL lets a panel read while a job writes. FULL: what was reported as accepted survives a power
# cut.
_PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON")


@cache
def newest_revision() -> str:
    """The revision that this version of the code needs: the last file in `migrations/versions`."""
    names = sorted(
        name for name in os.listdir(_MIGRATIONS / "versions") if re.match(r"\d{4}_\w+\.py\Z", name)
    )
    return names[-1][:4]


class Database:
    """Connections to one SQLite file; safe to share between threads.

    forced: each commit is forced to the disk before it returns; without, none is until `sync`, see
    `unforced`. anew: whether a missing file is created. A user wants that; a background process
    must not bring a deleted project back.
    """

    def __init__(self, path: Path, *, forced: bool = True, anew: bool = True) -> None:
        self.path, self._anew = path, anew
        self._synchronous = "PRAGMA synchronous=FULL" if forced else _UNFORCED
        self._local = threading.local()
        self._ready = False
        self._opening = threading.Lock()

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection for SELECTs; each statement sees the newest commit."""
        with self._explained("read"):
            if can_write(self.path):
                yield self._connection()
            else:
                with self._read_only() as connection:
                    yield connection

    @contextlib.contextmanager
    def write(self, *, busy_seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end of the block, rolled back if the block raises.

        BEGIN IMMEDIATE, because a read that later becomes a write would fail at once under load, in
        spite of the timeout. busy_seconds: how long to wait while another process writes,
        `BUSY_SECONDS` by default; then Unavailable is raised.
        """
        with self._explained(busy_seconds=busy_seconds):
            connection = self._connection()
            _begin(connection, busy_seconds)
            try:
                yield connection
                connection.execute("COMMIT")
            # COMMIT can fail too: a full disk must not leave the transaction, and its lock, to the
            # next block.
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def unforced(self) -> Iterator[None]:
        """Every process sees the writes of this block, and they survive the death of any process,
        but a power cut only after `sync`.
        """
        with self.read() as connection:
            connection.execute(_UNFORCED)
        try:
            yield
        finally:
            with self.read() as connection:
                connection.execute(self._synchronous)

    def sync(self) -> None:
        """Force to disk what was committed so far, as a commit outside `unforced` does: commits are
        in the write-ahead log.

        Without a log, a checkpoint has already forced it into the database itself.
        """
        with self._explained(), contextlib.suppress(FileNotFoundError):
            handle = os.open(f"{self.path}-wal", os.O_RDWR)
            try:
                os.fdatasync(handle)
            finally:
                os.close(handle)

    def data_version(self) -> int:
        """A number that changes when another connection commits; costs microseconds."""
        with self.read() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        identity = None if connection is None else (os.getpid(), self._inode())
        if connection is None or identity != self._local.identity:
            if (
                connection is not None
                and identity is not None
                and identity[0] == self._local.identity[0]
            ):
                # The file was replaced: nothing may be written to one that is gone.
                self.close()
                self._ready = False
            self._migrate()
            connection = self._open()
            self._local.connection, self._local.identity = connection, (os.getpid(), self._inode())
        return connection

    def _inode(self) -> int | None:
        try:
            return os.stat(self.path).st_ino
        except FileNotFoundError:
            return None

    def _open(self) -> sqlite3.Connection:
        # Never create it here: an empty file would pass for a database.
        connection = self._connect("mode=rw")
        for pragma in (*_PRAGMAS, self._synchronous):
            connection.execute(pragma)
        return connection

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
        )
        connection.row_factory = sqlite3.Row
        return connection

    @contextlib.contextmanager
    def _read_only(self) -> Iterator[sqlite3.Connection]:
        """A connection to a state that this user cannot write: on a read-only file system, or
        another user's.
        """
        with contextlib.closing(self._connect(mode_of_reading(self.path))) as connection:
            if (found := _revision(connection, self.path)) != newest_revision():
                why = (
                    f"It is at revision {found}, and cannot be upgraded to {newest_revision()}"
                    " where nothing can be written."
                )
                raise Unavailable(
                    f"{self.path} cannot be read.",
                    why,
                    "Copy the project to where you may write, and open it there.",
                )
            yield connection

    def _migrate(self) -> None:
        if self._ready:
            return
        with self._opening:
            if not self._ready and self._revision() != newest_revision():
                if not self._anew and not self.path.exists():
                    raise Unavailable(
                        f"{self.path} is gone.",
                        "The project's state was deleted, or moved away.",
                        "Start the workbench again where it is.",
                    )
                if self._anew:  # only the last folder: not one of a project that was removed
                    self.path.parent.mkdir(mode=0o700, exist_ok=True)
                with file_lock(self.path.with_suffix(".migrate.lock")):
                    if self._revision() != newest_revision():
                        self._upgrade()
            self._ready = True

    def _revision(self) -> str | None:
        if not self.path.exists():
            return None
        if not _holds(self.path):
            why = (
                "It was complete once, so something has truncated it: a disk that failed, or a"
                " copy that was interrupted."
            )
            raise Unavailable(
                f"{self.path} is damaged: it is empty.",
                why,
                "Restore the file from a backup, or move it away to start with an empty state.",
            )
        with contextlib.closing(self._open()) as connection:
            return _revision(connection, self.path)

    def _upgrade(self) -> None:
        """Upgrade to the newest schema. A missing file is created elsewhere and moved here, so that
        it is whole or absent; from one file of statements, since all migrations take 20 times as
        long.
        """
        if self.path.exists():
            migrate_file(self.path)
            return
        draft = self.path.with_name(f".{self.path.name}.draft")
        try:
            _remove(draft)  # left by a killed process
            with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.executescript(NEWEST.read_text())
                behind = _revision(connection, draft) != newest_revision()
            if behind:  # a migration was added, and the file was not written since
                migrate_file(draft)
            with contextlib.closing(sqlite3.connect(draft)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            os.replace(draft, self.path)
            sync_folder(self.path.parent)
        finally:
            _remove(draft)

    @contextlib.contextmanager
    def _explained(
        self, verb: str = "written", *, busy_seconds: float | None = None
    ) -> Iterator[None]:
        try:
            yield
        except (MLInfraError, sqlite3.IntegrityError):
            raise
        except OSError as error:
            raise explain_os_error(error, f"{self.path} cannot be used.") from error
        except Exception as error:
            if (found := sqlite_error(error)) is None:
                raise
            raise _explain(
                found, self.path, verb, BUSY_SECONDS if busy_seconds is None else busy_seconds
            ) from error


def _holds(path: Path) -> bool:
    """Whether a file has any content."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    """Remove a database that is not needed, and its log."""
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{end}").unlink(missing_ok=True)


def _revision(connection: sqlite3.Connection, path: Path) -> str | None:
    """The revision of the schema; None without one. Raises Unavailable for one that is newer than
    this version.
    """
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    revision = str(row[0]) if row else None
    if revision and revision > newest_revision():
        raise Unavailable(
            f"{path} was written by a newer version of jupyter-mlinfra.",
            f"It is at revision {revision}; this version knows {newest_revision()}.",
            "Upgrade jupyter-mlinfra: pip install -U jupyter-mlinfra",
        )
    return revision


def migrate_file(path: Path) -> None:
    """Run the migrations that the file lacks, all or none."""
    load_modules("alembic.command", "alembic.config")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["path"] = path
    with _ALEMBIC:
        command.upgrade(config, "head")


def _begin(connection: sqlite3.Connection, busy_seconds: float | None) -> None:
    if busy_seconds is None:
        connection.execute("BEGIN IMMEDIATE")
        return
    connection.execute(f"PRAGMA busy_timeout={1000 * busy_seconds:.0f}")
    try:
        connection.execute("BEGIN IMMEDIATE")
    finally:
        connection.execute(f"PRAGMA busy_timeout={1000 * BUSY_SECONDS:.0f}")


def _explain(error: sqlite3.Error, path: Path, verb: str, busy_seconds: float) -> MLInfraError:
    why, fix = f"SQLite says: {error}.", fix_of(error)
    if fix is None:
        return MLInfraError(f"{path} refused a statement.", why, "Report this: it is a bug.")
    if is_damaged(error):
        return Unavailable(f"{path} is damaged.", why, fix)
    if is_busy(error):
        why = f"Another process has been writing for over {busy_seconds:g} s. {holder_said(path)}"
        return Unavailable(f"{path} is busy.", why.strip(), fix)
    if code_of(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return Unavailable(f"{path} cannot grow.", why, fix)
    return Unavailable(f"{path} cannot be {verb}.", why, fix)
