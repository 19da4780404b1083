"""What people say of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....faces.handler import Handler
from ....faces.parameters import Len, Name, Text
from .rights import write

if TYPE_CHECKING:
    from ...spec import DatasetDetail

Tags = Annotated[tuple[Name, ...], Len(0, 50)]


class DatasetTags(Handler):
    @write
    def post(self, name: str, *, add: Tags = (), remove: Tags = ()) -> DatasetDetail:
        """Add and remove tags."""
        self.bench.catalog.tag(name, add=add, remove=remove)
        return self.bench.catalog.show(name)


class DatasetDescription(Handler):
    @write
    def post(
        self, name: str, *, owner: Text | None = None, description: Text | None = None
    ) -> DatasetDetail:
        """Set the dataset's owner and description."""
        self.bench.catalog.describe(name, owner=owner, description=description)
        return self.bench.catalog.show(name)


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/tags": DatasetTags,
    "catalog/datasets/{name}/description": DatasetDescription,
}
