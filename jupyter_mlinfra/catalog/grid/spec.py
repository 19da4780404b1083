"""What a grid asks, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ...core.errors import BadRequest
from ..spec import RowBlock

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "between", "contains", "starts", "null", "not null"
]
Function = Literal["sum", "mean", "min", "max", "distinct"]

_MOST = 1_000
"""Values of an `in`."""

ROWS = "rows"
"""The column of a grouped answer that counts the rows of each group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows are shown: those whose value fits. A row without a value fits only `null`.

    value: as JSON holds it, or as a user writes it: `60`, `"2013-01-01"`; a list for `in` (up to
    1,000 values) and, with both ends, for `between`; None for `null` and `not null`.
    """

    column: str
    op: Operator
    value: Any = None

    def __post_init__(self) -> None:
        if self.op not in get_args(Operator):
            known = ", ".join(get_args(Operator))
            raise BadRequest(f"There is no condition {self.op!r}.", fix=f"Conditions: {known}.")
        if self.op == "in" and isinstance(self.value, list | tuple) and len(self.value) > _MOST:
            raise BadRequest(
                f"The filter of {self.column} cannot be used.",
                f"It lists {len(self.value):,} values; `in` takes up to {_MOST:,}.",
                "Take `between`, or join a frame of the values in a notebook.",
            )

    @property
    def words(self) -> str:
        """It on one line, for people."""
        if self.op in ("null", "not null"):
            return f"{self.column} is {self.op}"
        value = self.value
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        return f"{self.column} {self.op} {shown[:80]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """By what rows are sorted. Those without a value are the last; NaN is the largest number."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A figure of each group. distinct: how many values there are, the missing one included."""

    column: str
    function: Function

    def __post_init__(self) -> None:
        if self.function not in get_args(Function):
            known = ", ".join(get_args(Function))
            raise BadRequest(f"There is no figure {self.function!r}.", fix=f"Figures: {known}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One row for each combination of values of `by`, with how many rows it has (`rows`), and the
    figures.
    """

    by: Sequence[str]
    aggregates: Sequence[Aggregate] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GridQuery:
    """What a grid shows: all filters hold; then rows are grouped, sorted, and reduced to columns.

    sort, columns: of a grouped query, by the names of its answer. Rows that are alike stay in the
    order of the table, groups in the order of what they are grouped by.
    """

    filters: Sequence[Filter] = ()
    sort: Sequence[Sort] = ()
    group: Group | None = None
    columns: Sequence[str] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it shows the rows as they are."""
        return not (self.filters or self.sort or self.group)

    @property
    def used(self) -> Sequence[str]:
        """The columns of the table whose values decide what is shown."""
        used = [item.column for item in self.filters]
        if self.group is None:
            return [*used, *(order.column for order in self.sort)]
        return [*used, *self.group.by, *(item.column for item in self.group.aggregates)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridBlock(RowBlock):
    """Rows of a grid. total: how many the query has. of: how many rows the table has; None if
    they would have to be counted. code: what shows the same, as Python.
    """

    query: GridQuery
    of: int | None
    code: Mapping[str, str]
