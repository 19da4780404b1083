"""An end to waiting for locks in PostgreSQL, which itself waits for ever."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...core.sqlite import is_busy

if TYPE_CHECKING:
    from sqlalchemy import Engine

SECONDS = 60
"""How long a catalog is waited for while another client holds its tables, as in SQLite."""


@contextlib.contextmanager
def patient() -> Iterator[None]:
    """For the connections that this thread opens in the block: pyiceberg reads its tables before it
    hands out its engine. Raises the error of a wait that ended, which pyiceberg would take for
    tables that are not there.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    thread, ended = threading.get_ident(), list[BaseException]()

    def opened(connection: Any, _: object) -> None:
        if threading.get_ident() == thread:
            _limit(connection, None)

    def failed(context: Any) -> None:
        if threading.get_ident() == thread and is_lock(context.original_exception):
            ended.append(context.sqlalchemy_exception)

    event.listen(Engine, "connect", opened)
    event.listen(Engine, "handle_error", failed)
    try:
        yield
    finally:
        event.remove(Engine, "connect", opened)
        event.remove(Engine, "handle_error", failed)
    if ended:
        raise ended[0]


def is_lock(error: BaseException | None) -> bool:
    """Whether a database's own error says that another client holds what was asked for."""
    if isinstance(error, sqlite3.Error):
        return is_busy(error)
    return type(error).__name__ == "LockNotAvailable"


def stay_patient(engine: Engine) -> None:
    """For the connections that an engine opens from now on."""
    from sqlalchemy import event

    event.listen(engine, "connect", _limit)


def _limit(connection: Any, _: object) -> None:
    """Nothing, for another database, or where the user has set a limit."""
    if not type(connection).__module__.startswith("psycopg"):
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        if cursor.fetchone()[0] == "0":
            cursor.execute(f"SET lock_timeout = '{SECONDS}s'")
    connection.commit()  # a rollback would take it back
