"""`mlinfra features list`, `views`, `show`, `search`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.cli import paged
from ....faces.session import Session
from .noun import features


@features.verb("list")
@click.option("--view", help="Only of this view.")
@click.option("--query", help="Only those that hold all these words.")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Features by view and name."""
    return session.bench.features.list(**options)


@features.verb("views")
@click.option("--query", help="Only those that hold all these words.")
@paged
def _views(session: Session, **options: Any) -> Any:
    """Feature views by name."""
    return session.bench.features.views(**options)


@features.verb("show")
@click.argument("view")
def _show(session: Session, view: str) -> Any:
    """A view and its features."""
    return session.bench.features.show(view)


@features.verb("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def _search(session: Session, words: tuple[str, ...], limit: int) -> Any:
    """Views and features that hold all words."""
    return session.bench.features.search(" ".join(words), limit=limit)
