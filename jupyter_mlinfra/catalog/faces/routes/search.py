"""By what datasets are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....faces.handler import Handler
from ....faces.parameters import Cursor, Limit
from .rights import read, readable

if TYPE_CHECKING:
    from ....core.records import Page
    from ...spec import Namespace


class NamespaceList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Namespace]:
        """Namespaces by name, with the number of datasets in each."""
        return self.bench.catalog.namespaces(limit=limit, cursor=cursor, domains=readable(self))


ROUTES: dict[str, type[Handler]] = {
    "catalog/namespaces": NamespaceList,
}
