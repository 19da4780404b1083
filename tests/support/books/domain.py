"""What the faces know of books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlinfra.core.domain import Domain, Group, Kind, Magic, State

if TYPE_CHECKING:
    from books.service import Books
    from jupyter_mlinfra.workbench import Workbench


def _open(bench: Workbench) -> Books:
    from books.service import Books

    return Books(bench.project)


DOMAIN = Domain(
    name="books",
    open=_open,
    kinds=(Kind("book", fingerprint="fingerprint", code="books.snippets:books"),),
    topics=("book",),
    states=(State("on_shelf", "good"), State("lent", "busy")),
    records={"books.spec": ("Book",)},
    shown=("books.rows",),
    routes="books.routes:ROUTES",
    groups=(Group(name="books", help="Books.", commands="books.cli:books", begin="buy one"),),
    magics=(
        Magic(name="books", group="books", verbs=("list", "show", "bind", "lineage"), other="list"),
    ),
    calls={"books-bind": "books.snippets:bind"},
    counts={"books": "books.service:count"},
    settings={"books": "books.settings:BookSettings"},
)
