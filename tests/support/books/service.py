"""The books of a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from books.spec import Book
from jupyter_mlinfra.core.records import Page, page_of
from jupyter_mlinfra.core.refs import reference
from jupyter_mlinfra.core.search import Document

if TYPE_CHECKING:
    from jupyter_mlinfra.core.project import Project
    from jupyter_mlinfra.workbench import Workbench

TITLES = {"Dune": (612, "on_shelf"), "Emma": (474, "lent"), "Ulysses": (730, "on_shelf")}


class Books:
    def __init__(self, project: Project) -> None:
        self._project = project

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Book]:
        """Books by title."""
        found = [
            Book(ref=reference("book", title), title=title, pages=pages, state=state)
            for title, (pages, state) in TITLES.items()
        ]
        return page_of(found, limit=limit, cursor=cursor)

    def search_fingerprint(self) -> str:
        return "1"

    def search_documents(self) -> Iterator[Document]:
        for book in self.list().items:
            yield Document(ref=book.ref, kind="book", name=book.title, detail=f"{book.pages} pages")


def count(bench: Workbench) -> dict[str, int | str]:
    return {"books": bench.books.list(limit=1).total}
