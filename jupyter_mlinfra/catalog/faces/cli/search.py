"""`mlinfra catalog search`."""

from __future__ import annotations

from typing import Any

import click

from ....core.domains import domains
from ....faces.session import Session
from .noun import catalog


@catalog.verb("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def _search(session: Session, words: tuple[str, ...], limit: int) -> Any:
    """Datasets, columns and tables of other domains that hold all words."""
    searched = [item.name for item in domains() if item.tables]
    return session.bench.search(
        " ".join(words), kinds=("dataset", "column"), domains=["catalog", *searched], limit=limit
    )
