"""Lists, pages and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....faces.handler import Handler
from ....faces.parameters import Count, Cursor, Interval, Limit, Many, Name, words
from ....faces.reveal import viewer_of
from .rights import check_readable, read, readable

if TYPE_CHECKING:
    from ....core.records import Page
    from ...spec import Dataset, DatasetDetail, RowBlock


class DatasetList(Handler):
    @read
    def get(
        self, *, namespace: Name | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[Dataset]:
        """Datasets by name, then the tables of other domains that the user may read."""
        return self.bench.catalog.list(
            namespace=namespace, limit=limit, cursor=cursor, domains=readable(self)
        )


class DatasetPage(Handler):
    @read
    def get(self, name: str) -> DatasetDetail:
        """One dataset: its schema, its location, how to use it. To read a table of another domain,
        the user must also be allowed to read that domain, and for a payload log deployments too.
        """
        name = check_readable(self, name)
        return self.bench.catalog.show(name)


class DatasetRows(Handler):
    @read
    def get(
        self,
        name: str,
        *,
        start: Count = 0,
        count: Annotated[int, Interval(ge=1, le=500)] = 100,
        columns: Many = "",
        snapshot: Name | None = None,
        reveal: bool = False,
    ) -> RowBlock:
        """A block of rows, column by column; `columns` separated by commas, all if empty. Of a
        table of another domain only its first rows, which are then `total`. `reveal` needs the
        right to read `mlinfra:catalog-pii`, and is recorded.
        """
        name = check_readable(self, name)
        return self.bench.catalog.preview(
            name,
            start=start,
            count=count,
            columns=words(columns) or None,
            snapshot=snapshot,
            reveal=viewer_of(self, reveal),
        )


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets": DatasetList,
    "catalog/datasets/{name}": DatasetPage,
    "catalog/datasets/{name}/rows": DatasetRows,
}
