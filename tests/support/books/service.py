"""The books of a project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from books.spec import Book
from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.records import Page, page_of
from jupyter_mlinfra.core.refs import reference
from jupyter_mlinfra.core.search import Document

if TYPE_CHECKING:
    from jupyter_mlinfra.core.lineage import Edge
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

    def show(self, title: str) -> Book:
        """A book. Raises NotFound."""
        for book in self.list().items:
            if book.title == title:
                return book
        raise NotFound(f"There is no book {title}.")

    def bind(self, titles: Sequence[str], *, into: str) -> None:
        """Bind several books into one, and record what it was made from."""
        inputs = [self.show(title).ref for title in titles]
        self._project.lineage.record("books.bind", inputs=inputs, outputs=[reference("book", into)])

    def lineage(self, title: str) -> Page[Edge]:
        """What a book was bound from, and into."""
        return self._project.lineage.around(reference("book", title))

    def fingerprint(self, title: str) -> str | None:
        """Changes with the book; None if there is none."""
        return str(TITLES[title]) if title in TITLES else None

    def search_fingerprint(self) -> str:
        return "1"

    def search_documents(self) -> Iterator[Document]:
        for book in self.list().items:
            yield Document(ref=book.ref, kind="book", name=book.title, detail=f"{book.pages} pages")


def count(bench: Workbench) -> dict[str, int | str]:
    return {"books": bench.books.list(limit=1).total}
