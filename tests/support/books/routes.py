"""Routes of books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlinfra.faces.handler import Handler, access
from jupyter_mlinfra.faces.parameters import Cursor, Limit

if TYPE_CHECKING:
    from books.spec import Book
    from jupyter_mlinfra.core.records import Page

read, write, execute = access("books")


class BookList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Book]:
        """Books by title."""
        return self.bench.books.list(limit=limit, cursor=cursor)


ROUTES = {"books": BookList, "workbench/status": BookList}  # the second is the workbench's own
