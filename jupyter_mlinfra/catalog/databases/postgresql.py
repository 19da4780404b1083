"""PostgreSQL: the rows come as a binary COPY, which takes no parameters, so the bounds of a window
are bound to settings of the transaction.

Types that Arrow has are read as they are, numbers of any size exactly, all others as PostgreSQL
spells them in text.
"""
# ruff: noqa: S608 - names are quoted, and every value is bound

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .reading import TableColumn, no_column, no_table

if TYPE_CHECKING:
    import polars as pl

    from .incremental import Window
    from .urls import DatabaseTable

_DIGITS = 38
_TABLES = """
    SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid), c.oid::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    ORDER BY 1, 2
"""
_COLUMNS = """
    SELECT a.attname::text,
           b.typname::text,
           (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)::int,
           format_type(b.oid, -1)::text,
           COALESCE(e.typname::text, ''),
           a.attndims > 1
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typcategory = 'A'
    WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
_IN_ARRAY = "'24:00' = ANY({})"
_LOW, _HIGH = "mlinfra.low", "mlinfra.high"


class PostgreSQL:
    """See `reading.Database`."""

    def __init__(self, table: DatabaseTable) -> None:
        from adbc_driver_postgresql import dbapi

        self._table = table
        self._connection = dbapi.connect(table.url)
        try:
            self._run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._run("SET LOCAL TimeZone = 'UTC'")
            self._run("SET LOCAL DateStyle = 'ISO, YMD'")
            self._run("SET LOCAL extra_float_digits = 1")
            self._name, oid = self._found()
            self._described = self._rows(_COLUMNS, (oid,))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the transaction and the connection."""
        self._connection.close()

    def columns(self, window: Window | None) -> Sequence[TableColumn]:
        import polars as pl

        nested, late = self._nested(window), self._midnights(window)
        native = _native()
        found = []
        for name, kind, modifier, _, element, _ in self._described:
            quoted = _quoted(name)
            if kind == "numeric":
                # Without a limit, a later row may have more digits than any decimal number keeps.
                decimal = _decimal(modifier)
                found.append(
                    TableColumn(
                        name=name,
                        select=f"{quoted}::text",
                        dtype=pl.String(),
                        decimal=decimal,
                        word="" if decimal is not None else "str",
                    )
                )
            elif name in late:
                found.append(_late(name, element))
            elif dtype := native.get(kind):
                word = "str" if dtype == pl.String() else ""
                found.append(TableColumn(name=name, select=quoted, dtype=dtype, word=word))
            elif element and name not in nested:
                inner = native.get(element)
                found.append(
                    TableColumn(
                        name=name,
                        select=quoted if inner else f"{quoted}::text[]",
                        dtype=pl.List(inner or pl.String()),
                    )
                )
            else:
                found.append(
                    TableColumn(name=name, select=f"{quoted}::text", dtype=pl.String(), word="str")
                )
        return found

    def count(self, window: Window | None) -> int:
        return int(self._value(f"SELECT count(*) FROM {self._name}{self._where(window)}"))

    def newest(self, cursor: str) -> Any:
        self._type_of(cursor)
        column = f"t.{_quoted(cursor)}"  # the name alone would be the text, and sort 10 before 9
        # Not `max`, which not every type has.
        found = self._rows(
            f"SELECT {column}::text FROM {self._name} AS t WHERE {column} IS NOT NULL"
            f" ORDER BY {column} DESC LIMIT 1"
        )
        return found[0][0] if found else None

    def ends_by_length(self, cursor: str) -> Sequence[str]:
        if not self._type_of(cursor).startswith(("text", "character")):
            return ()
        column = _quoted(cursor)
        query = (
            f"SELECT {column}::text FROM {self._name} WHERE {column} IS NOT NULL"
            f" ORDER BY length({column}) {{}} LIMIT 1"
        )
        return [value for way in ("", "DESC") for (value,) in self._rows(query.format(way))]

    def missing(self, cursor: str) -> int:
        column = _quoted(cursor)
        return int(self._value(f"SELECT count(*) FROM {self._name} WHERE {column} IS NULL"))

    def batches(self, columns: Sequence[TableColumn], window: Window | None) -> Iterator[Any]:
        selected = [f"{column.select} AS {_quoted(column.name)}" for column in columns]
        where = self._where(window)
        if window is not None:
            cursor, kind = _quoted(window.cursor), self._type_of(window.cursor)
            low = (
                f"{cursor} = current_setting('{_LOW}')::{kind}"
                if window.low is not None
                else "false"
            )
            selected += [
                f"{low} AS {_quoted(window.LOWEST)}",
                f"{cursor} = current_setting('{_HIGH}')::{kind} AS {_quoted(window.HIGHEST)}",
            ]
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(selected)} FROM {self._name}{where}")
            yield from cursor.fetch_record_batch()

    def _where(self, window: Window | None) -> str:
        """The condition of a window, whose bounds are bound to settings of the transaction."""
        if window is None:
            return ""
        cursor, kind = _quoted(window.cursor), self._type_of(window.cursor)
        self._rows(
            f"SELECT set_config('{_LOW}', $1, true), set_config('{_HIGH}', $2, true)",
            (str(window.low or ""), str(window.high)),
        )
        bounds = []
        if window.low is not None:
            bounds.append(f"{cursor} >= current_setting('{_LOW}')::{kind}")
        if window.high is not None:
            bounds.append(f"{cursor} <= current_setting('{_HIGH}')::{kind}")
        return f" WHERE {' AND '.join(bounds)}"

    def _type_of(self, column: str) -> str:
        """The type of a column as SQL writes it."""
        for name, _, _, kind, *_ in self._described:
            if name == column:
                return str(kind)
        raise no_column(self._table, column, [row[0] for row in self._described])

    def _nested(self, window: Window | None) -> set[str]:
        """The columns with arrays in arrays, which the driver would make flat."""
        declared = {row[0] for row in self._described if row[5]}
        names = [row[0] for row in self._described if row[4] and row[0] not in declared]
        if not names:
            return declared
        asked = (f"COALESCE(bool_or(array_ndims({_quoted(name)}) > 1), false)" for name in names)
        row = self._rows(f"SELECT {', '.join(asked)} FROM {self._name}{self._where(window)}")[0]
        return declared | {name for name, found in zip(names, row, strict=True) if found}

    def _midnights(self, window: Window | None) -> set[str]:
        """The columns with 24:00:00, which is no time of day to Arrow."""
        asked = {
            row[0]: f"{_quoted(row[0])} = '24:00'"
            if row[1] == "time"
            else _IN_ARRAY.format(_quoted(row[0]))
            for row in self._described
            if "time" in (row[1], row[4])
        }
        if not asked:
            return set()
        flags = ", ".join(f"COALESCE(bool_or({condition}), false)" for condition in asked.values())
        row = self._rows(f"SELECT {flags} FROM {self._name}{self._where(window)}")[0]
        return {name for name, found in zip(asked, row, strict=True) if found}

    def _found(self) -> tuple[str, int]:
        """The name of the table in SQL, and its number."""
        tables = self._rows(_TABLES)
        for schema, name, visible, oid in tables:
            if (visible and name == self._table.table) or f"{schema}.{name}" == self._table.table:
                return f"{_quoted(schema)}.{_quoted(name)}", int(oid)
        raise no_table(
            self._table,
            [name if visible else f"{schema}.{name}" for schema, name, visible, _ in tables],
        )

    def _value(self, query: str) -> Any:
        return self._rows(query)[0][0]

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, tuple(parameters) or None)
            return list(cursor.fetchall())

    def _run(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _late(name: str, element: str) -> TableColumn:
    """A column with 24:00:00: times of day in text, of which that one does not fit, spelled as
    Python does, for the digests of known rows; arrays of them as text alone.
    """
    import polars as pl

    if element:
        return TableColumn(name=name, select=f"{_quoted(name)}::text[]", dtype=pl.List(pl.String()))
    spelled = f"replace(to_char({_quoted(name)}::interval, 'HH24:MI:SS.US'), '.000000', '')"
    return TableColumn(name=name, select=spelled, dtype=pl.String(), word="time")


def _decimal(modifier: int) -> pl.DataType | None:
    """The type of `numeric(p, s)`; None if it has no limit, or one beyond Arrow's."""
    import polars as pl

    if modifier < 4:
        return None
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    return pl.Decimal(precision, scale) if scale <= precision <= _DIGITS else None


def _native() -> dict[str, pl.DataType]:
    """The types that Arrow has, by PostgreSQL's names."""
    import polars as pl

    return {
        "bool": pl.Boolean(),
        "int2": pl.Int16(),
        "int4": pl.Int32(),
        "int8": pl.Int64(),
        "float4": pl.Float32(),
        "float8": pl.Float64(),
        "text": pl.String(),
        "varchar": pl.String(),
        "bpchar": pl.String(),
        "bytea": pl.Binary(),
        "date": pl.Date(),
        "time": pl.Time(),
        "timestamp": pl.Datetime("us"),
        "timestamptz": pl.Datetime("us", "UTC"),
    }
