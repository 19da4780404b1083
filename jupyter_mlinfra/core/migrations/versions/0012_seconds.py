"""Every time is a REAL: seconds since 1970 in UTC."""
# ruff: noqa: S608 (every name in the statements is one of the schema's)

import re
from datetime import UTC, datetime

from alembic import op
from sqlalchemy import Connection

revision = "0012"
down_revision = "0011"

_TIMES = {
    "event": ("at",),
    "deployment": ("created_at", "updated_at"),
    "deployment_version": ("created_at", "used_at"),
    "deployment_change": ("at",),
    "deployment_process": ("started_at",),
    "monitor": ("created_at", "evaluated_at", "last_request_at"),
    "alert": ("since", "evaluated_at"),
}
"""The columns that held ISO 8601 so far."""


def upgrade() -> None:
    """Make each table anew, as SQLite cannot change the type of a column."""
    connection = op.get_bind()
    # SQLite's own functions stop at milliseconds
    connection.connection.driver_connection.create_function("seconds", 1, _seconds)
    for table, times in _TIMES.items():
        _rebuild(connection, table, times)


def _rebuild(connection: Connection, table: str, times: tuple[str, ...]) -> None:
    kept = connection.exec_driver_sql(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", (table,)
    ).all()
    columns = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
    values = ", ".join(
        name
        if name not in times
        else f"coalesce(seconds({name}), 0.0)"
        if required
        else f"seconds({name})"
        for _, name, _, required, _, _ in columns
    )
    made = next(sql for kind, sql in kept if kind == "table")
    draft = made.replace(f"CREATE TABLE {table} ", f"CREATE TABLE {table}_draft ", 1)
    op.execute(re.sub(rf"\b({'|'.join(times)}) TEXT\b", r"\1 REAL", draft))
    op.execute(f"INSERT INTO {table}_draft SELECT {values} FROM {table}")
    if "AUTOINCREMENT" in made:  # a number that was given is never given again
        op.execute(f"DELETE FROM sqlite_sequence WHERE name = '{table}_draft'")
        op.execute(
            f"INSERT INTO sqlite_sequence SELECT '{table}_draft', seq FROM sqlite_sequence"
            f" WHERE name = '{table}'"
        )
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_draft RENAME TO {table}")
    for kind, sql in kept:
        if kind != "table":
            op.execute(sql)


def _seconds(text: str | None) -> float | None:
    """None for what is no time; a time without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
