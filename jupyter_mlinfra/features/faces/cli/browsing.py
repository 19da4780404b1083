"""`mlinfra features list`, `views`, `show`, `search`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.cli import paged
from ....faces.session import Session
from ...kinds import KINDS
from .noun import features

_kind = click.option("--kind", type=click.Choice(KINDS), help="Only of views of this kind.")
_owner = click.option("--owner", multiple=True, help="Only of this owner; several: of one of them.")
_tag = click.option(
    "--tag",
    multiple=True,
    help="Only with this tag, by name, value or NAME=VALUE; several: with all of them.",
)
_query = click.option("--query", help="Only those that hold all these words.")


@features.verb("list")
@click.option("--view", help="Only of this view.")
@_query
@_kind
@_owner
@_tag
@paged
def _list(session: Session, **options: Any) -> Any:
    """Features by view and name."""
    return session.bench.features.list(**options)


@features.verb("views")
@_query
@_kind
@_owner
@_tag
@paged
def _views(session: Session, **options: Any) -> Any:
    """Feature views by name."""
    return session.bench.features.views(**options)


@features.verb("services")
@_tag
@_query
@paged
def _services(session: Session, **options: Any) -> Any:
    """Feature services by name."""
    return session.bench.features.services(**options)


@features.verb("saved")
@_query
@paged
def _saved(session: Session, **options: Any) -> Any:
    """Training sets that Feast saved, by name."""
    return session.bench.features.saved_sets(**options)


@features.verb("entities")
@_query
@paged
def _entities(session: Session, **options: Any) -> Any:
    """Entities by name."""
    return session.bench.features.entities(**options)


@features.verb("show")
@click.argument("name", metavar="NAME")
@click.option(
    "--compare", metavar="VIEW", help="What VIEW, such as view@v2, has other than the view NAME."
)
def _show(session: Session, name: str, compare: str | None) -> Any:
    """A view (`view@v2`: a version), service, saved training set or entity; `service:NAME` names a
    service.
    """
    if compare is not None:
        return session.bench.features.compare_views(name, compare)
    return session.bench.features.find(name)


@features.verb("search")
@click.argument("words", nargs=-1)
@_owner
@_tag
@paged
def _search(session: Session, words: tuple[str, ...], **options: Any) -> Any:
    """Views, features and services that hold all words."""
    if not words and not (options["owner"] or options["tag"]):
        raise click.UsageError("Give words, --owner or --tag.")
    return session.bench.features.search(" ".join(words), **options)
