"""`mlinfra catalog search`, `namespaces`."""

from __future__ import annotations

from typing import Any

import click

from ....core.domains import domains
from ....faces.cli import paged
from ....faces.session import Session
from .noun import catalog


@catalog.verb("search")
@click.argument("words", nargs=-1)
@click.option("--owner", multiple=True, help="Only of this owner; several: of one of them.")
@click.option("--tag", multiple=True, help="Only with this tag; several: with all of them.")
@click.option("--namespace", multiple=True, help="Only of this namespace; several: of one of them.")
@paged
def _search(session: Session, words: tuple[str, ...], **options: Any) -> Any:
    """Datasets, columns and tables of other domains that hold all words."""
    if not words and not (options["owner"] or options["tag"] or options["namespace"]):
        raise click.UsageError("Give words, --owner, --tag or --namespace.")
    searched = [item.name for item in domains() if item.tables]
    return session.bench.search(
        " ".join(words), kinds=("dataset", "column"), domains=["catalog", *searched], **options
    )


@catalog.verb("namespaces")
@paged
def _namespaces(session: Session, **options: Any) -> Any:
    """Namespaces by name, with the number of their datasets."""
    return session.bench.catalog.namespaces(**options)
