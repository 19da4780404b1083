"""Blocks of a grid: which rows a query shows is found once; each block then takes its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...core.frames import exactly
from ...core.records import PAGE_LIMIT
from ...core.snippets import Snippets
from ..access.masking import refuse
from ..rows import check_block
from ..spec import Column, ColumnProfile
from ..tables.preview import values_of
from .kept import Kept, key_of
from .plan import plan
from .spec import GridBlock, GridQuery
from .types import word_of
from .waiting import collected

if TYPE_CHECKING:
    import polars as pl

    from .plan import Schema

_NEAR = 64
"""Rows that lie so dense are read with all between them: up to so many times their number."""

_AROUND = 20_000
"""Rows that lie apart are read together, so many at once: that costs hardly more than a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows that a grid shows, all of one state.

    state: differs where the rows may; None if they may change at any time. total: how many there
    are, None if they would have to be counted. masked: columns whose values are not shown.
    """

    name: str
    rows: pl.LazyFrame
    columns: Sequence[Column]
    state: str | None
    snapshot: str | None
    total: int | None
    masked: Collection[str]


@dataclass(frozen=True, slots=True)
class Grid:
    """Runs the queries of one source. numbers: where those of its rows are kept; found: where rows
    and groups are. seconds: how long a query may take. code: writes its code. explained: turns what
    fails while rows are read into what, why and fix.
    """

    source: Source
    numbers: Kept
    found: Kept
    seconds: float
    code: Callable[[GridQuery, Schema], Snippets]
    explained: Callable[[], AbstractContextManager[None]] = nullcontext

    def block(self, query: GridQuery, *, start: int, count: int) -> GridBlock:
        """Rows `start` to `start + count` of what the query shows, JSON-safe.

        Raises BadRequest for what is wrong with the query, Forbidden for a column that is masked,
        Unavailable for one that takes too long.
        """
        check_block(start, count)
        with self.explained():
            return self._block(query, start, count)

    def shape(self, query: GridQuery, column: str) -> ColumnProfile:
        """The values of a column in the rows that the other columns' filters leave. Raises as
        `block` does.
        """
        with self.explained():
            return self._shape(query, column)

    def _block(self, query: GridQuery, start: int, count: int) -> GridBlock:
        refuse(query.used, self.source.masked)
        schema = self.source.rows.collect_schema()
        plan(self.source.rows, query)  # what is wrong with it is said before anything is read
        find = self._plain if query.is_plain else self._groups if query.group else self._rows
        frame, total = find(query, start, count)
        known = {} if query.group else {column.name: column for column in self.source.columns}
        columns = [
            known.get(name) or Column(name=name, type=word_of(dtype), required=False, doc="")
            for name, dtype in frame.schema.items()
        ]
        return GridBlock(
            start=start,
            columns=columns,
            data=values_of(frame, self.source.masked),
            shown=frame.height,
            total=total,
            snapshot=self.source.snapshot,
            query=query,
            of=self.source.total,
            code=self.code(query, schema),
            masked=[column.name for column in columns if column.name in self.source.masked],
        )

    def _shape(self, query: GridQuery, column: str) -> ColumnProfile:
        from ..looking.describing import profiles_of
        from ..looking.sketches import sketched_frame

        others = tuple(item for item in query.filters if item.column != column)
        chosen = GridQuery(filters=others, columns=(column,))
        refuse([*chosen.used, column], self.source.masked)
        frame = self._collected(plan(self.source.rows, chosen))
        types = {column: word_of(frame.schema[column])}
        return profiles_of(sketched_frame(frame), types)[column]

    def _plain(self, query: GridQuery, start: int, count: int) -> tuple[pl.DataFrame, int]:
        import polars as pl

        rows = _chosen(self.source.rows, query.columns)
        frame = self._collected(rows.slice(start, count))
        total = self.source.total
        if total is None:
            # by the first column: a file of text need not be read whole
            first = [column.name for column in self.source.columns[:1]]
            counted = _chosen(self.source.rows, first).select(pl.len())
            total = int(self._collected(counted).item())
        return frame, total

    def _groups(self, query: GridQuery, start: int, count: int) -> tuple[pl.DataFrame, int]:
        every = plan(self.source.rows, replace(query, columns=None))
        frame, total = self._kept(
            self.found, (key_of(query),), lambda: self._collected(every), start, count
        )
        return _chosen(frame.lazy(), query.columns).collect(), total

    def _rows(self, query: GridQuery, start: int, count: int) -> tuple[pl.DataFrame, int]:
        number = _free("row", [column.name for column in self.source.columns])
        found = plan(self.source.rows.with_row_index(number), replace(query, columns=(number,)))

        def numbers(first: int, many: int) -> tuple[pl.DataFrame, int]:
            make = lambda: self._collected(found)  # noqa: E731
            return self._kept(self.numbers, (key_of(query),), make, first, many)

        chosen, total = numbers(start, count)
        rows = _chosen(self.source.rows, query.columns)
        if self._is_dense(chosen):
            return self._between(rows, chosen), total
        first = start // _AROUND * _AROUND

        def around() -> pl.DataFrame:
            return self._picked(rows, numbers(first, _AROUND + PAGE_LIMIT)[0])

        key: Sequence[str | int] = (key_of(query), *(query.columns or ()), first)
        part, _ = self._kept(self.found, key, around, start - first, count)
        return part, total

    def _kept(
        self,
        kept: Kept,
        key: Sequence[str | int],
        make: Callable[[], pl.DataFrame],
        start: int,
        count: int,
    ) -> tuple[pl.DataFrame, int]:
        if self.source.state is None:
            frame = make()
            return frame.slice(start, count), frame.height
        return kept.rows((self.source.name, self.source.state, *key), make, start, count)

    def _is_dense(self, chosen: pl.DataFrame) -> bool:
        first, last = _ends(chosen)
        return last - first < _NEAR * max(1, chosen.height)

    def _between(self, rows: pl.LazyFrame, chosen: pl.DataFrame) -> pl.DataFrame:
        """The rows of these numbers, out of all from the lowest to the highest."""
        first, last = _ends(chosen)
        part = self._collected(rows.slice(first, last - first + 1))
        return part[(chosen.to_series() - first).to_list()]

    def _picked(self, rows: pl.LazyFrame, chosen: pl.DataFrame) -> pl.DataFrame:
        """The rows of these numbers, which lie far apart."""
        import polars as pl

        number, (first, last) = chosen.columns[0], _ends(chosen)
        numbered = rows.slice(first, last - first + 1).with_row_index(number, offset=first)
        # a filter is done while the files are read; a join would take all rows into memory
        wanted = numbered.filter(pl.col(number).is_in(chosen.to_series().implode()))
        part = self._collected(wanted)
        return chosen.join(part, on=number, how="left", maintain_order="left").drop(number)

    def _collected(self, rows: pl.LazyFrame) -> pl.DataFrame:
        return collected(rows, seconds=self.seconds)


def _ends(chosen: pl.DataFrame) -> tuple[int, int]:
    """The lowest and the highest of some numbers of rows; 0 and -1 for none."""
    numbers = chosen.to_series()
    found: tuple[int, int] = (numbers.min(), numbers.max()) if len(numbers) else (0, -1)  # type: ignore[assignment]
    return found


def _chosen(rows: pl.LazyFrame, columns: Sequence[str] | None) -> pl.LazyFrame:
    return rows if columns is None else rows.select(map(exactly, dict.fromkeys(columns)))


def _free(wanted: str, names: Collection[str]) -> str:
    name, number = wanted, 1
    while name in names:
        number += 1
        name = f"{wanted} {number}"
    return name
