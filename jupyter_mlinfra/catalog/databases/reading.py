"""A table of a database, read in one transaction: its columns, and its rows in blocks.

Every engine answers in the same way, through ADBC. Sources: https://arrow.apache.org/adbc and, for
what a transaction sees, the documentation of PostgreSQL (REPEATABLE READ) and of SQLite
(isolation).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from ...core.errors import MLInfraError, NotFound, Unavailable, Unprocessable
from ...core.imports import fix_of_missing, load_modules
from ..formats.columns import first_line
from ..names import column_names
from ..quarantine import Broken, Unfit
from ..reading import Dialect, Doubt, say
from .urls import DatabaseTable

if TYPE_CHECKING:
    import polars as pl

    from ..uuids import Uuids
    from .incremental import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column. select: the expression that reads it. dtype: of its values as they are read.
    decimal: of numbers that are read as text, to be exact. word: the type that text spells; empty
    for values that are none, None if it is to be guessed.
    """

    name: str
    select: str
    dtype: pl.DataType
    decimal: pl.DataType | None = None
    word: str | None = ""


class Database(Protocol):
    """One table in one transaction: each method sees the same rows."""

    def columns(self, window: Window | None) -> Sequence[TableColumn]:
        """Its columns, as those rows need them."""

    def count(self, window: Window | None) -> int:
        """How many rows there are."""

    def newest(self, cursor: str) -> Any:
        """The greatest value of a column, as JSON keeps it; None if it has none. Raises NotFound
        for a column that the table does not have.
        """

    def ends_by_length(self, cursor: str) -> Sequence[str]:
        """The shortest and the longest value of a column of text; none of another."""

    def missing(self, cursor: str) -> int:
        """How many rows have no value in a column."""

    def batches(self, columns: Sequence[TableColumn], window: Window | None) -> Iterator[Any]:
        """The rows as Arrow's batches, in blocks; with a window, the last two columns say whether a
        row has its lowest and its highest value.
        """


@contextlib.contextmanager
def opened(table: DatabaseTable) -> Iterator[Database]:
    """Connect to the database of a table. Raises Unavailable if it cannot be reached, NotFound if
    it has no such table.
    """
    with explained(table):
        if table.engine == "postgresql":
            load_modules("adbc_driver_postgresql.dbapi")
            from .postgresql import PostgreSQL

            database: PostgreSQL | SQLite = PostgreSQL(table)
        else:
            load_modules("adbc_driver_sqlite.dbapi")
            from .sqlite import SQLite

            database = SQLite(table)
    try:
        yield database
    finally:
        database.close()


@contextlib.contextmanager
def explained(table: DatabaseTable) -> Iterator[None]:
    """Turn what a driver raises into what, why and fix, without passwords."""
    what = f"{table.shown} cannot be read."
    try:
        yield
    except MLInfraError:
        raise
    except ModuleNotFoundError as error:
        raise Unavailable(
            what, f"{error.name} is not installed.", fix_of_missing(error.name or "")
        ) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "pyarrow":
            raise Unprocessable(
                what, f"{first_line(error)}.", "Mend the value; nothing was committed."
            ) from error
        if type(error).__module__.partition(".")[0] != "adbc_driver_manager":
            raise
        raise Unavailable(
            what,
            f"{table.cleaned(first_line(error))}.",
            "Look at the address, the network and the rights of its user; nothing was committed.",
        ) from None  # the driver's own error may hold the address


class TableSource:
    """The rows of a table as a source of an ingest (see `sources.Source`).

    asked: columns whose type the user gives. types: the words for its text columns that need no
    guess.
    """

    spelled, times_only = True, False
    uuids: Uuids = MappingProxyType({})
    dialect: Dialect | None = None
    share = 0.0  # rows are counted
    doubts: Sequence[Doubt] = ()

    def __init__(
        self,
        table: DatabaseTable,
        database: Database,
        window: Window | None = None,
        *,
        asked: Collection[str] = (),
    ) -> None:
        self._table, self._database, self._window = table, database, window
        with explained(table):
            self._columns = [
                replace(column, decimal=None) if column.name in asked else column
                for column in database.columns(window)
            ]
        self.name = table.table
        column_names([column.name for column in self._columns], table.shown)
        self.columns: Mapping[str, pl.DataType] = {
            column.name: column.decimal or column.dtype for column in self._columns
        }
        self.header: Sequence[str] = list(self.columns)
        self.types: Mapping[str, str] = {
            column.name: column.word for column in self._columns if column.word
        }

    def frames(self) -> Iterator[pl.DataFrame]:
        """Its rows, block by block, without those that the window leaves out."""
        if self._window is not None:
            self._window.begin()
        with explained(self._table):
            for batch in self._database.batches(self._columns, self._window):
                batch.validate(full=True)  # text that is not UTF-8 would be found much later
                frame = self._typed(batch)
                yield frame if self._window is None else self._window.taken(frame)

    def torn(self) -> list[Broken]:
        return []

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        return [
            Broken(
                self.name,
                unfit.row + 1,
                unfit.reason,
                json.dumps(dict(unfit.values), default=str, ensure_ascii=False),
                unfit.column,
                unfit.values.get(unfit.column),
            )
            for unfit in rows
        ]

    def advice(self) -> str:
        return ""

    def _typed(self, batch: Any) -> pl.DataFrame:
        import polars as pl
        import pyarrow as pa

        frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        for column in self._columns:
            if column.decimal is None:
                continue
            text = frame[column.name]
            number = text.cast(column.decimal, strict=False)
            if number.null_count() != text.null_count():
                value = text.filter(number.is_null() & text.is_not_null())[0]
                raise Unprocessable(
                    f"Column {column.name!r} of {self._table.shown} cannot be read.",
                    f"{value} is no number with digits.",
                    "Mend the value, or read the column as text with"
                    f" {say('schema', f'{column.name}=str')}.",
                )
            frame = frame.with_columns(number)
        return frame


def no_table(table: DatabaseTable, names: Sequence[str]) -> NotFound:
    """The error for a table that the database does not have. names: of those that it has."""
    import difflib

    near = difflib.get_close_matches(table.table, names, n=3, cutoff=0.5)
    shown = near or list(names)[:10]
    return NotFound(
        f"{table.shown} does not exist.",
        f"The database has no table or view {table.table!r} that its user may see.",
        f"Perhaps: {', '.join(shown)}." if shown else "It has no table at all; check the address.",
    )


def no_column(table: DatabaseTable, cursor: str, names: Sequence[str]) -> NotFound:
    """The error for a cursor column that the table does not have."""
    return NotFound(
        f"{table.shown} has no column {cursor!r}.",
        "It was named as the cursor.",
        f"Columns: {', '.join(list(names)[:12])}.",
    )
