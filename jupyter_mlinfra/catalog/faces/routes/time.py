"""Snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....faces.handler import Handler
from ....faces.parameters import Cursor, Limit
from .rights import read

if TYPE_CHECKING:
    from ....core.records import Page
    from ...spec import Snapshot


class DatasetSnapshots(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Snapshot]:
        """Commits, newest first."""
        return self.bench.catalog.snapshots(name, limit=limit, cursor=cursor)


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/snapshots": DatasetSnapshots,
}
