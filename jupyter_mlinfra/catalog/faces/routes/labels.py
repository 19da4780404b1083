"""What people say of a dataset and its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....core.refs import reference
from ....faces.handler import Handler
from ....faces.parameters import Len, Name, Text, Whole
from ....faces.reveal import viewer_if_allowed
from .rights import write

if TYPE_CHECKING:
    from ...spec import DatasetDetail

LongText = Annotated[str, Len(0, 10_000), Whole()]
Tags = Annotated[tuple[Name, ...], Len(0, 50)]


class DatasetTags(Handler):
    @write
    def post(self, name: str, *, add: Tags = (), remove: Tags = ()) -> DatasetDetail:
        """Add and remove tags."""
        self.bench.catalog.tag(name, add=add, remove=remove, reveal=viewer_if_allowed(self))
        return self.bench.catalog.show(name)


class DatasetDescription(Handler):
    @write
    def post(
        self,
        name: str,
        *,
        owner: Text | None = None,
        description: LongText | None = None,
        tags: Tags | None = None,
    ) -> DatasetDetail:
        """Set the dataset's owner, its description and all of its tags; what is not given stays."""
        self.bench.catalog.describe(
            name,
            owner=owner,
            description=description,
            tags=tags,
            reveal=viewer_if_allowed(self),
        )
        return self.bench.catalog.show(name)


class ColumnDescription(Handler):
    @write
    def post(
        self,
        name: str,
        column: str,
        *,
        description: LongText | None = None,
        tags: Tags | None = None,
    ) -> DatasetDetail:
        """Set the description and all tags of a column; what is not given stays. To take `pii` off
        needs the right to read `mlinfra:catalog-pii`, and is recorded.
        """
        self.bench.catalog.describe(
            reference("column", name, column),
            description=description,
            tags=tags,
            reveal=viewer_if_allowed(self),
        )
        return self.bench.catalog.show(name)


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/tags": DatasetTags,
    "catalog/datasets/{name}/description": DatasetDescription,
    "catalog/datasets/{name}/columns/{column}": ColumnDescription,
}
