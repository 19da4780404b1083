"""`mlinfra features list`, `views`, `show`, `search`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.cli import paged
from ....faces.session import Session
from .noun import features

_owner = click.option("--owner", multiple=True, help="Only of this owner; several: of one of them.")
_tag = click.option(
    "--tag",
    multiple=True,
    help="Only with this tag, by name, value or NAME=VALUE; several: with all of them.",
)


@features.verb("list")
@click.option("--view", help="Only of this view.")
@click.option("--query", help="Only those that hold all these words.")
@_owner
@_tag
@paged
def _list(session: Session, **options: Any) -> Any:
    """Features by view and name."""
    return session.bench.features.list(**options)


@features.verb("views")
@click.option("--query", help="Only those that hold all these words.")
@_owner
@_tag
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
@click.argument("words", nargs=-1)
@_owner
@_tag
@paged
def _search(session: Session, words: tuple[str, ...], **options: Any) -> Any:
    """Views and features that hold all words."""
    if not words and not (options["owner"] or options["tag"]):
        raise click.UsageError("Give words, --owner or --tag.")
    return session.bench.features.search(" ".join(words), **options)
