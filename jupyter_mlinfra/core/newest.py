"""Pages of tables that grow for ever, newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from .records import Page, check_limit, parse_cursor


def newest_first[T](
    connection: sqlite3.Connection,
    table: str,
    read: Callable[[sqlite3.Row], T],
    *,
    where: str = "1",
    values: Sequence[str] = (),
    key: str = "id",
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """A page of the rows of a table, of which no others are read. where: a condition with these
    values; key: the column that grows. The cursor is that of the last row, so a page stays the same
    while rows are added.
    """
    check_limit(limit)
    before = parse_cursor(cursor) or None
    total = connection.execute(
        f"SELECT count(*) FROM {table} WHERE {where}",  # noqa: S608 (names and conditions of ours)
        values,
    ).fetchone()[0]
    rows = connection.execute(
        f"SELECT * FROM {table} WHERE {where} AND {key} < coalesce(?, {key} + 1)"  # noqa: S608
        f" ORDER BY {key} DESC LIMIT ?",
        (*values, before, limit + 1),
    ).fetchall()
    items = [read(row) for row in rows[:limit]]
    return Page(
        items=items,
        shown=len(items),
        total=total,
        cursor=str(rows[limit - 1][key]) if len(rows) > limit else None,
    )
