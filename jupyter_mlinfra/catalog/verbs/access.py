"""The verb that says who saw masked values."""

from __future__ import annotations

from ...core.records import Page
from ..access.records import Revealed
from .base import Verbs, whole


class AccessVerbs(Verbs):
    """Who sees what; a base of `Catalog`."""

    def audit(
        self, name: str | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Revealed]:
        """Masked values that were shown to somebody, newest first; of one dataset or of all, also
        of those that are gone.
        """
        dataset = None if name is None else whole(name).text
        return self._revealing.entries(dataset, limit=limit, cursor=cursor)
