"""The verb about where rows come from and go to."""

from __future__ import annotations

from ...core.errors import NotFound
from ...core.lineage import Edge
from ...core.records import Page
from .. import metadata as records
from .base import Verbs


class LineageVerbs(Verbs):
    """Lineage; a base of `Catalog`."""

    def lineage(self, name: str, *, column: str | None = None) -> Page[Edge]:
        """What the dataset was made from and what was made from it, at any distance, nearest first:
        at most 200 edges each way.

        column: only what that column was made from, and what was made from it, as far as it is
        recorded. Raises NotFound for a dataset or a column that there is not.
        """
        dataset_name = self.own(name)
        # A dataset that does not exist has no lineage; this raises NotFound.
        metadata = self._store.metadata(self._store.entry(dataset_name))
        if column is not None:
            names = [item.name for item in records.columns(dataset_name, metadata)]
            if column not in names:
                raise NotFound(
                    f"{dataset_name.text} has no column {column}.",
                    f"It has {', '.join(names[:20])}{' …' * (len(names) > 20)}.",
                    "Name one of these; a column that was dropped has no lineage of its own.",
                )
        return self._project.lineage.around(dataset_name.ref, column=column)
