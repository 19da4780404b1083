"""Rows of books."""

from __future__ import annotations

from books.spec import Book
from jupyter_mlinfra.faces.rows import Row, row
from jupyter_mlinfra.faces.words import plain


@row(Book)
def book(item: Book) -> Row:
    return {"book": item.title, "pages": plain(item.pages), "state": item.state}
