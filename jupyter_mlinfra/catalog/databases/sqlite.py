"""SQLite: a column may hold values of several kinds, so its type is that of the values it has, and
for text that which its declaration promises.
"""
# ruff: noqa: S608 - names are quoted, and every value is bound

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from .reading import TableColumn, no_column, no_table

if TYPE_CHECKING:
    from .incremental import Window
    from .urls import DatabaseTable

_TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
_COLUMNS = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"
_KINDS = ("integer", "real", "text", "blob")
_ASKED = 100
"""Columns whose kinds one query asks for; SQLite has a limit on results."""

_EXACT = 2**53
"""Whole numbers beyond this are not exact among others with a point."""

_BATCH_ROWS = 1 << 16


class SQLite:
    """See `reading.Database`."""

    def __init__(self, table: DatabaseTable) -> None:
        import adbc_driver_manager
        import adbc_driver_sqlite
        from adbc_driver_manager.dbapi import Connection

        self._table = table
        database = adbc_driver_sqlite.connect(table.url)
        # Without autocommit a transaction begins here, and its first read holds the state.
        self._connection = Connection(database, adbc_driver_manager.AdbcConnection(database))
        try:
            self._name = self._found()
            self._declared = {
                str(name): str(kind or "").upper()
                for name, kind in self._rows(_COLUMNS, (self._name,))
            }
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the transaction and the connection."""
        self._connection.close()

    def columns(self, window: Window | None) -> Sequence[TableColumn]:
        kinds = self._kinds(window)
        return [_column(name, self._declared[name], kinds[name]) for name in self._declared]

    def count(self, window: Window | None) -> int:
        where, bounds = _where(window)
        return int(self._rows(f"SELECT count(*) FROM {_quoted(self._name)}{where}", bounds)[0][0])

    def newest(self, cursor: str) -> Any:
        if cursor not in self._declared:
            raise no_column(self._table, cursor, list(self._declared))
        column, name = _quoted(cursor), _quoted(self._name)
        kinds = {
            row[0]
            for row in self._rows(
                f"SELECT DISTINCT CASE typeof({column}) WHEN 'real' THEN 'number' WHEN 'integer'"
                f" THEN 'number' ELSE typeof({column}) END FROM {name} WHERE {column} IS NOT NULL"
            )
        }
        if kinds - {"number"} and kinds != {"text"}:
            raise Unprocessable(
                f"Column {cursor!r} of {self._table.shown} cannot be a cursor.",
                f"It holds values of these kinds: {', '.join(sorted(kinds))}.",
                "Name a column with numbers alone, or text alone.",
            )
        if not kinds:
            return None
        # `max` alone would be answered in the kind of the first row.
        return self._rows(
            f"SELECT {column} FROM {name} WHERE {column} = (SELECT max({column}) FROM {name})"
            " LIMIT 1"
        )[0][0]

    def ends_by_length(self, cursor: str) -> Sequence[str]:
        column, name = _quoted(cursor), _quoted(self._name)
        query = (
            f"SELECT {column} FROM {name} WHERE typeof({column}) = 'text'"
            f" ORDER BY length({column}) {{}} LIMIT 1"
        )
        return [value for way in ("", "DESC") for (value,) in self._rows(query.format(way))]

    def missing(self, cursor: str) -> int:
        query = f"SELECT count(*) FROM {_quoted(self._name)} WHERE {_quoted(cursor)} IS NULL"
        return int(self._rows(query)[0][0])

    def batches(self, columns: Sequence[TableColumn], window: Window | None) -> Iterator[Any]:
        """The driver takes a column's type from the first rows, so the first is one of ours, with a
        value of each type; it is left out.
        """
        names = [column.name for column in columns]
        first, selected = [_example(column) for column in columns], [c.select for c in columns]
        bounds: tuple[Any, ...] = ()
        if window is not None:
            names += [window.LOWEST, window.HIGHEST]
            first += ["0", "0"]
            cursor = _quoted(window.cursor)
            selected += [f"{cursor} = ?", f"{cursor} = ?"]
            bounds = (_bound(window.low), _bound(window.high))
        where, further = _where(window)
        titled = ", ".join(
            f"{value} AS {_quoted(name)}" for value, name in zip(first, names, strict=True)
        )
        query = (
            f"SELECT {titled} UNION ALL SELECT {', '.join(selected)}"
            f" FROM {_quoted(self._name)}{where}"
        )
        with self._connection.cursor() as cursor_:
            cursor_.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_BATCH_ROWS)})
            cursor_.execute(query, (*bounds, *further) or None)
            for number, batch in enumerate(cursor_.fetch_record_batch()):
                yield batch if number else batch.slice(1)

    def _kinds(self, window: Window | None) -> dict[str, set[str]]:
        """The kinds of values that each column has; `large` for whole numbers that a number with a
        point cannot hold.
        """
        where, bounds = _where(window)
        found = {name: set[str]() for name in self._declared}
        names = list(self._declared)
        for start in range(0, len(names), _ASKED):
            chunk = names[start : start + _ASKED]
            asked = [
                part
                for name in map(_quoted, chunk)
                for part in (
                    *(f"COALESCE(sum(typeof({name}) = '{kind}'), 0)" for kind in _KINDS),
                    f"COALESCE(sum(typeof({name}) = 'integer' AND {name} NOT BETWEEN -{_EXACT} AND"
                    f" {_EXACT}), 0)",
                )
            ]
            query = f"SELECT {', '.join(asked)} FROM {_quoted(self._name)}{where}"
            counts = self._rows(query, bounds)[0]
            words = (*_KINDS, "large")
            for index, name in enumerate(chunk):
                part = counts[len(words) * index : len(words) * (index + 1)]
                found[name] = {word for word, count in zip(words, part, strict=True) if count}
        return found

    def _found(self) -> str:
        names = [str(name) for (name,) in self._rows(_TABLES)]
        wanted = self._table.table.removeprefix("main.")
        for name in names:
            if wanted.lower() == name.lower():
                return name
        raise no_table(self._table, names)

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, tuple(parameters) or None)
            return list(cursor.fetchall())


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _where(window: Window | None) -> tuple[str, tuple[Any, ...]]:
    if window is None:
        return "", ()
    cursor = _quoted(window.cursor)
    bounds = {">=": window.low, "<=": window.high}
    asked = {sign: bound for sign, bound in bounds.items() if bound is not None}
    conditions = " AND ".join(f"{cursor} {sign} ?" for sign in asked)
    return f" WHERE {conditions}", tuple(asked.values())


def _bound(value: Any) -> Any:
    """A bound of a comparison; text, which no number equals, for none."""
    return "" if value is None else value


def _column(name: str, declared: str, kinds: Collection[str]) -> TableColumn:
    """How a column is read whose values are of these kinds."""
    import polars as pl

    quoted, found = _quoted(name), set(kinds) - {"large"}
    as_text = (
        f"CASE typeof({quoted}) WHEN 'real' THEN printf('%!.17g', {quoted})"
        f" ELSE CAST({quoted} AS TEXT) END"
    )
    text, numbers = pl.String(), {"integer", "real"}
    if "blob" in found or (not found and "BLOB" in declared):
        return TableColumn(name=name, select=f"CAST({quoted} AS BLOB)", dtype=pl.Binary())
    if "BOOL" in declared and found <= {"integer", "text"}:
        return TableColumn(name=name, select=as_text, dtype=text, word="bool")
    if ("DATE" in declared or "TIMESTAMP" in declared) and found <= {"text"}:
        return TableColumn(name=name, select=quoted, dtype=text, word=None)
    if found == {"integer"} or (not found and "INT" in declared):
        return TableColumn(name=name, select=quoted, dtype=pl.Int64())
    if found and found <= numbers and "large" not in kinds:
        return TableColumn(name=name, select=f"CAST({quoted} AS REAL)", dtype=pl.Float64())
    if not found and _is_number(declared):
        return TableColumn(name=name, select=f"CAST({quoted} AS REAL)", dtype=pl.Float64())
    word = "str"
    if "text" in found and found & numbers and _is_number(declared):
        word = "f64" if "real" in found else "i64"
    return TableColumn(name=name, select=as_text, dtype=text, word=word)


def _is_number(declared: str) -> bool:
    """Whether SQLite turns text that spells a number into one in such a column.

    Source: https://www.sqlite.org/datatype3.html, 3.1.
    """
    if "INT" in declared:
        return True
    return bool(declared) and not any(word in declared for word in ("CHAR", "CLOB", "TEXT", "BLOB"))


def _example(column: TableColumn) -> str:
    """A value of the type with which a column is read."""
    import polars as pl

    examples: dict[pl.DataType, str] = {
        pl.Int64(): "0",
        pl.Float64(): "0.5",
        pl.Binary(): "x'00'",
    }
    return examples.get(column.dtype, "''")
