"""Who saw masked values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....faces.handler import Handler
from ....faces.parameters import Cursor, Len, Limit, Whole
from .rights import read

if TYPE_CHECKING:
    from ....core.records import Page
    from ...access.records import Revealed


class AuditLog(Handler):
    @read
    def get(
        self,
        *,
        name: Annotated[str, Len(0, 500), Whole()] = "",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Revealed]:
        """Masked values that were shown to somebody, newest first: of one dataset, or of all."""
        return self.bench.catalog.audit(name or None, limit=limit, cursor=cursor)


ROUTES: dict[str, type[Handler]] = {
    "catalog/audit": AuditLog,
}
