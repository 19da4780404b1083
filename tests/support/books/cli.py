"""`mlinfra books …`"""

from __future__ import annotations

from typing import Any

import click

from jupyter_mlinfra.faces.cli import Noun, paged
from jupyter_mlinfra.faces.session import Session

books = Noun("books", "Books.")


@books.verb("list")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Books by title."""
    return session.bench.books.list(**options)


@books.verb("show")
@click.argument("title")
def _show(session: Session, title: str) -> Any:
    """A book."""
    return session.bench.books.show(title)


@books.verb("bind")
@click.argument("titles", nargs=-1, required=True)
@click.option("--into", required=True)
def _bind(session: Session, titles: tuple[str, ...], into: str) -> Any:
    """Bind several books into one."""
    session.bench.books.bind(titles, into=into)
    return {"bound": into}


@books.verb("lineage")
@click.argument("title")
def _lineage(session: Session, title: str) -> Any:
    """What a book was bound from, and into."""
    return session.bench.books.lineage(title)
