"""What a rule demands: of each row, of rows among each other, or of the dataset as a whole."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ...core.frames import exactly
from ..dtypes import short_dtype
from .conditions import columns_of, parsed
from .expressions import expression, no_column
from .literals import Value, literal
from .statements import Select

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class NotNull:
    """A value in every row."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def expression(self, schema: Mapping[str, pl.DataType]) -> pl.Expr:
        known(self.column, schema)
        return exactly(self.column).is_not_null()


@dataclass(frozen=True, slots=True)
class InRange:
    """No value below `low` or above `high`; a missing value is none."""

    column: str
    low: Value | None = None
    high: Value | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def expression(self, schema: Mapping[str, pl.DataType]) -> pl.Expr:
        import polars as pl

        dtype, column = known(self.column, schema), exactly(self.column)
        bounds = [bound for bound in (self.low, self.high) if not isinstance(bound, str | None)]
        if dtype == pl.String() and bounds:
            raise Unprocessable(
                f"Column {self.column!r} is text.", f"It cannot be compared with {bounds[0]!r}."
            )
        within = []
        if self.low is not None:
            within.append(column >= literal(self.low, dtype, self.column))
        if self.high is not None:
            within.append(column <= literal(self.high, dtype, self.column))
        if dtype.is_float():
            within.append(column.is_not_nan())  # to Polars it is the largest number
        return pl.all_horizontal(within)


@dataclass(frozen=True, slots=True)
class InSet:
    """No other values than these."""

    column: str
    values: tuple[Value, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def expression(self, schema: Mapping[str, pl.DataType]) -> pl.Expr:
        import polars as pl

        dtype, column = known(self.column, schema), exactly(self.column)
        return pl.any_horizontal(
            [column == literal(value, dtype, self.column) for value in self.values]
        )


@dataclass(frozen=True, slots=True)
class Matches:
    """Only texts that the regular expression finds something in."""

    column: str
    pattern: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def expression(self, schema: Mapping[str, pl.DataType]) -> pl.Expr:
        import polars as pl

        dtype = known(self.column, schema)
        if dtype != pl.String():
            raise Unprocessable(
                f"Column {self.column!r} is no text.",
                f"It is {short_dtype(dtype)}; only text can match {self.pattern!r}.",
            )
        return exactly(self.column).str.contains(self.pattern)


@dataclass(frozen=True)
class Condition:
    """A condition in Python's words (see `conditions`)."""

    text: str

    @cached_property
    def _tree(self) -> ast.expr:
        return parsed(self.text)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(columns_of(self._tree))

    def expression(self, schema: Mapping[str, pl.DataType]) -> pl.Expr:
        import polars as pl

        found = expression(self._tree, schema)
        kind = pl.LazyFrame(schema=dict(schema)).select(found).collect_schema().dtypes()[0]
        if kind != pl.Boolean():
            raise Unprocessable(
                f"{self.text[:80]!r} is neither true nor false.", f"It is {short_dtype(kind)}."
            )
        return found


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows with the same values in all of these columns; rows without a value in one of them
    do not count.
    """

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class References:
    """Only values that a column of another dataset has, too. dataset: `namespace.table`."""

    column: str
    dataset: str
    other: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


@dataclass(frozen=True, slots=True)
class RowCount:
    """So many rows in all."""

    low: int | None = None
    high: int | None = None
    columns: tuple[str, ...] = ()

    def holds(self, rows: int) -> bool:
        return (self.low is None or rows >= self.low) and (self.high is None or rows <= self.high)


@dataclass(frozen=True, slots=True)
class Fresh:
    """New rows within so many seconds."""

    seconds: float
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A rule that was kept and cannot be read any more; whoever asks it is told why."""

    why: str
    columns: tuple[str, ...] = ()

    def expression(self, _: Mapping[str, pl.DataType]) -> pl.Expr:
        raise Unprocessable("It cannot be read.", self.why)


type RowCheck = NotNull | InRange | InSet | Matches | Condition | Unreadable
type Check = RowCheck | Unique | References | RowCount | Fresh | Select

ROW_CHECKS = (NotNull, InRange, InSet, Matches, Condition, Unreadable)
"""Those that look at each row alone."""


def known(column: str, schema: Mapping[str, pl.DataType]) -> pl.DataType:
    """The type of a column. Raises Unprocessable if there is no such column."""
    if column not in schema:
        raise no_column(column, schema)
    return schema[column]


def check_columns(columns: Sequence[str], schema: Mapping[str, pl.DataType]) -> None:
    """Raise Unprocessable if one of the columns is not there."""
    for column in columns:
        known(column, schema)
