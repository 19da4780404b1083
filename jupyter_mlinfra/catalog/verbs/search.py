"""The verbs that find datasets and columns by words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...core.refs import reference
from ...core.search import HitPage, Part, chosen
from ..registrations import mark_of
from ..search import read, read_registered
from ..stores.listing import period
from .base import Verbs


class SearchVerbs(Verbs):
    """Search; a base of `Catalog`."""

    def search(
        self,
        words: str,
        *,
        owner: Sequence[str] = (),
        tag: Sequence[str] = (),
        namespace: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> HitPage:
        """Datasets and columns whose name, tags, owner or description hold every word. The words
        may be empty beside one of these:

        owner, namespace: one of them; tag: all of them, of the dataset or of the column.
        """
        self._project.index.follow("catalog", self)
        return self._project.index.search(
            words,
            kinds=("dataset", "column"),
            facets=chosen(owner=owner, tag=tag, namespace=namespace),
            limit=limit,
            cursor=cursor,
        )

    def search_fingerprint(self) -> str:
        """Changes with every commit, every change of a tag and every registration."""
        told = max(self._told().values(), default=0)
        return f"{self._store.fingerprint()} {told} {self._registrations.state()}"

    def search_parts(self) -> Mapping[str, str]:
        """The metadata file of each dataset, and what is said of each that was registered; where
        the list does not tell the file, a text that changes every ten minutes and with what this
        project does to the dataset.
        """
        told = self._told()
        registered = {item.name.text: mark_of(item) for item in self._registrations.all()}
        return registered | {
            entry.name: entry.metadata
            or f"{period()} {told.get(reference('dataset', entry.name), 0)}"
            for entry in self._store.entries()
        }

    def search_documents_of(self, parts: Sequence[str]) -> Iterable[Part]:
        """Each dataset with its columns. One whose metadata cannot be read is found by its name."""
        found = list(read(self._store, parts))
        others = {*parts} - {part.name for part in found}
        registered = [item for item in self._registrations.all() if item.name.text in others]
        return [*found, *read_registered(registered)]

    def _told(self) -> Mapping[str, int]:
        """The newest event of each dataset, where the list does not tell what has changed."""
        if self._store.tables().is_told:
            return {}
        return self._project.events.newest("dataset")
