"""The verb about earlier states of a dataset."""

from __future__ import annotations

from ...core.records import Page, page_of
from .. import metadata as records
from ..spec import Snapshot
from .base import Verbs


class TimeVerbs(Verbs):
    """Snapshots; a base of `Catalog`."""

    def snapshots(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Snapshot]:
        """The commits of a dataset, newest first."""
        dataset_name = self.own(name)
        return page_of(
            records.snapshots(dataset_name, self._store.metadata(self._store.entry(dataset_name))),
            limit=limit,
            cursor=cursor,
        )
