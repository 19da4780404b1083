"""The answer to a query as a frame, and as JSON has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from .twins import Spellings


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlAnswer:
    """The answer to one SELECT. rows: JSON-safe values, row by row. types: short words by place.
    masked: columns whose values are not shown. more: there are more rows than were asked for.
    snapshots: the state of each table that was read, by its name.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    types: Sequence[str] = ()
    masked: Sequence[str] = ()
    more: bool = False
    snapshots: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A table that a query read. place: its schema and name in the engine. ref: with its snapshot.
    hidden, revealed: of the columns that the query may use, those with personal data, whose values
    it did not get, or got.
    """

    place: tuple[str, str]
    ref: str
    columns: Sequence[str]
    hidden: Collection[str]
    revealed: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What `SqlAnswer` says, with the rows as a frame. total: how many rows there are beyond the
    limit too; None if they were not counted. text: the query as the engine ran it, with the names
    of columns that it has there.
    """

    frame: pl.DataFrame
    masked: Sequence[str]
    more: bool
    total: int | None
    snapshots: Mapping[str, str | None]
    text: str
    inputs: Sequence[Input]
    spelled: Spellings

    def answer(self) -> SqlAnswer:
        """The same in JSON-safe values."""
        from ..dtypes import short_dtype

        return SqlAnswer(
            columns=self.frame.columns,
            rows=plain_rows(self.frame),
            types=[short_dtype(dtype) for dtype in self.frame.dtypes],
            masked=self.masked,
            more=self.more,
            snapshots=self.snapshots,
        )


def plain_rows(frame: pl.DataFrame) -> list[list[Any]]:
    """The rows of a frame, column by column in JSON-safe values; what neither Python nor JSON can
    hold (infinity, NaN) is text.
    """
    import polars.selectors as cs

    from ..odd_times import python_values
    from ..rows import plain

    shown = frame.with_columns(cs.datetime("ns", time_zone=(None, "*")).dt.to_string("iso:strict"))
    columns = [[plain(value) for value in python_values(values)] for values in shown.iter_columns()]
    return [list(row) for row in zip(*columns, strict=True)]


def framed(table: pa.Table, kinds: Sequence[str]) -> pl.DataFrame:
    """A Polars frame of an answer: a name that occurs again gets a number, and what Polars has no
    type for becomes text. kinds: DuckDB's types.
    """
    import polars as pl

    names = _distinct(table.schema.names)
    columns = [_kept(column, kind) for column, kind in zip(table.itercolumns(), kinds, strict=True)]
    return pl.DataFrame(
        [pl.Series(name, column) for name, column in zip(names, columns, strict=True)]
    )


def _kept(column: pa.ChunkedArray, kind: str) -> Any:
    import polars as pl

    values = pl.Series(pl.from_arrow(column))
    if kind == "HUGEINT":  # of sums; Arrow has it as a decimal
        values = values.cast(pl.Int128)
        small = values.cast(pl.Int64, strict=False)
        return small if small.null_count() == values.null_count() else values
    return values


def _distinct(names: Sequence[str]) -> list[str]:
    found = dict[str, int]()
    result = []
    for name in names:
        number = found[name] = found.get(name, 0) + 1
        new = name if number == 1 else f"{name}_{number}"
        while number > 1 and new in names:
            number += 1
            new = f"{name}_{number}"
        found[name] = number
        result.append(new)
    return result
