"""Lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....faces.handler import Handler
from ....faces.parameters import Name
from .rights import read

if TYPE_CHECKING:
    from ....core.lineage import Edge
    from ....core.records import Page


class DatasetLineage(Handler):
    @read
    def get(self, name: str, *, column: Name | None = None) -> Page[Edge]:
        """What the dataset, or one column of it, was made from and what was made from it: at most
        200 edges each way, nearest first; `total` counts all.
        """
        return self.bench.catalog.lineage(name, column=column)


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/lineage": DatasetLineage,
}
