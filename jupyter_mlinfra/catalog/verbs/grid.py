"""The verbs that filter, sort and group rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.viewer import Reveal
from ..settings import CatalogSettings
from ..spec import ColumnProfile
from .base import Verbs

if TYPE_CHECKING:
    from ..grid.explorer import Explorer
    from ..grid.running import Grid
    from ..grid.spec import GridBlock, GridQuery
    from ..names import DatasetName


class GridVerbs(Verbs):
    """Grids; a base of `Catalog`."""

    def grid(
        self,
        name: str,
        query: GridQuery,
        *,
        start: int = 0,
        count: int = 100,
        snapshot: str | int | None = None,
        reveal: Reveal = False,
    ) -> GridBlock:
        """Rows `start` to `start + count` (at most 500) of what the query shows, with its code.

        reveal: who sees values of masked columns too; see `preview`.

        Raises BadRequest that says what is wrong with which filter, Forbidden for a column whose
        values are masked, Unavailable for a query that takes longer than `grid_seconds`.
        """
        grid = self._grid(self.named(name), snapshot, query, reveal)
        return grid.block(query, start=start, count=count)

    def grid_shape(
        self,
        name: str,
        query: GridQuery,
        column: str,
        *,
        snapshot: str | int | None = None,
        reveal: Reveal = False,
    ) -> ColumnProfile:
        """The values of one column in the rows that the filters of the other columns leave. Raises
        as `grid` does.
        """
        return self._grid(self.named(name), snapshot, query, reveal).shape(query, column)

    def explore(
        self, name: str, *, snapshot: str | int | None = None, reveal: Reveal = False
    ) -> Explorer:
        """The grid of a dataset as a widget for notebooks. snapshot: which rows, where the code
        that it writes names none.
        """
        from ..grid.explorer import Explorer

        asked = self.named(name)
        return Explorer(asked.text, lambda query: self._grid(asked, snapshot, query, reveal))

    def _grid(
        self, asked: DatasetName, snapshot: str | int | None, query: GridQuery, reveal: Reveal
    ) -> Grid:
        from ..grid.running import Grid
        from ..grid.tables import code_of, source_of

        self._revealing.check(reveal)
        table = self._found(asked if snapshot is None else asked.at(snapshot))
        with table.explained():
            source = source_of(
                table,
                query,
                lambda names: self._revealing.hidden(table, names, reveal, verb="grid"),
            )
        return Grid(
            source,
            self._row_numbers,
            self._grid_rows,
            self._project.settings.of(CatalogSettings).grid_seconds,
            lambda query, schema: code_of(asked, query, schema, table.uuids()),
            table.explained,
        )
