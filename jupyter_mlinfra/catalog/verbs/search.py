"""The verbs that find datasets and columns by words."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.records import Page
from ...core.search import Document, Hit
from ..search import documents, registered_documents
from .base import Verbs


class SearchVerbs(Verbs):
    """Search; a base of `Catalog`."""

    def search(self, words: str, *, limit: int = 50, cursor: str | None = None) -> Page[Hit]:
        """Datasets and columns whose name, tags, owner or description hold every word."""
        self._project.index.refresh("catalog", self.search_fingerprint(), self.search_documents)
        return self._project.index.search(
            words, kinds=("dataset", "column"), limit=limit, cursor=cursor
        )

    def search_fingerprint(self) -> str:
        """Changes with every commit, every change of a tag and every registration."""
        return f"{self._store.fingerprint()} {self._registrations.state()}"

    def search_documents(self) -> Iterator[Document]:
        """Every dataset and every column, of what is registered in place too. A table whose
        metadata cannot be read is found by its name.
        """
        yield from documents(self._store)
        yield from registered_documents(self._registrations.all())
