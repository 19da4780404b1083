"""The verb about where rows come from and go to."""

from __future__ import annotations

from ...core.lineage import Edge
from ...core.records import Page
from .base import Verbs


class LineageVerbs(Verbs):
    """Lineage; a base of `Catalog`."""

    def lineage(self, name: str) -> Page[Edge]:
        """What the dataset was made from and what was made from it, at any distance, nearest first:
        at most 200 edges each way.
        """
        dataset_name = self.own(name)
        # A dataset that does not exist has no lineage; this raises NotFound.
        self._store.metadata(self._store.entry(dataset_name))
        return self._project.lineage.around(dataset_name.ref)
