"""Rows that are filtered, sorted and grouped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from ....faces.handler import Handler
from ....faces.parameters import Count, Interval, Len, Name
from ....faces.reveal import viewer_of
from .rights import check_readable, read

if TYPE_CHECKING:
    from ...grid.spec import GridBlock, GridQuery
    from ...spec import ColumnProfile


class FilterFacts(TypedDict):
    """Which rows are shown. value: a list for `in` and `between`; null for `null`, `not null`."""

    column: Name
    op: Literal[
        "=", "!=", "<", "<=", ">", ">=", "in", "between", "contains", "starts", "null", "not null"
    ]
    value: Any


class SortFacts(TypedDict):
    """By what rows are sorted."""

    column: Name
    descending: bool


class AggregateFacts(TypedDict):
    """A figure of each group."""

    column: Name
    function: Literal["sum", "mean", "min", "max", "distinct"]


Filters = Annotated[tuple[FilterFacts, ...], Len(0, 50)]
Sorts = Annotated[tuple[SortFacts, ...], Len(0, 20)]
Aggregates = Annotated[tuple[AggregateFacts, ...], Len(0, 50)]
Names = Annotated[tuple[Name, ...], Len(1, 500)]


class DatasetGrid(Handler):
    @read(slow=True)
    def post(
        self,
        name: str,
        *,
        filters: Filters = (),
        sort: Sorts = (),
        by: Annotated[tuple[Name, ...], Len(0, 20)] = (),
        aggregates: Aggregates = (),
        columns: Names | None = None,
        start: Count = 0,
        count: Annotated[int, Interval(ge=1, le=500)] = 100,
        snapshot: Name | None = None,
        reveal: bool = False,
    ) -> GridBlock:
        """A block of the rows that fit all filters, grouped `by` columns, sorted; with the code
        that shows the same. Changes nothing. A masked column cannot be used, unless `reveal`.
        """
        name = check_readable(self, name)
        query = _query(filters, sort, by, aggregates, columns)
        return self.bench.catalog.grid(
            name,
            query,
            start=start,
            count=count,
            snapshot=snapshot,
            reveal=viewer_of(self, reveal),
        )


class DatasetShape(Handler):
    @read(slow=True)
    def post(
        self,
        name: str,
        *,
        column: Name,
        filters: Filters = (),
        snapshot: Name | None = None,
        reveal: bool = False,
    ) -> ColumnProfile:
        """The values of a column in the rows that fit the filters of all other columns: its shape,
        to choose a part of it. Changes nothing.
        """
        name = check_readable(self, name)
        query = _query(filters)
        viewer = viewer_of(self, reveal)
        return self.bench.catalog.grid_shape(name, query, column, snapshot=snapshot, reveal=viewer)


def _query(
    filters: Filters,
    sort: Sorts = (),
    by: tuple[str, ...] = (),
    aggregates: Aggregates = (),
    columns: Names | None = None,
) -> GridQuery:
    from ...grid.spec import Aggregate, Filter, GridQuery, Group, Sort

    group = Group(by=by, aggregates=tuple(Aggregate(**item) for item in aggregates))
    return GridQuery(
        filters=tuple(Filter(**item) for item in filters),
        sort=tuple(Sort(**item) for item in sort),
        group=group if by or aggregates else None,
        columns=columns,
    )


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/grid": DatasetGrid,
    "catalog/datasets/{name}/shape": DatasetShape,
}
