"""`mlinfra catalog tag`, `describe`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.reveal import viewer_here
from ....faces.session import Session
from .noun import catalog


@catalog.verb("tag")
@click.argument("name")
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Remove a tag; may be repeated.")
@click.option("--branch", is_flag=True, help="Of a snapshot: branches instead of tags.")
def _tag(
    session: Session, name: str, tags: tuple[str, ...], remove: tuple[str, ...], branch: bool
) -> Any:
    """Add tags to a dataset, to a column (column:NAMESPACE.TABLE.COLUMN), or to a snapshot
    (NAMESPACE.TABLE@SNAPSHOT): names that stand for it, and with which it does not expire.
    """
    return session.bench.catalog.tag(
        name, add=tags, remove=remove, branch=branch, reveal=viewer_here(session, True)
    )


@catalog.verb("describe")
@click.argument("name")
@click.option("--owner", help="Of a dataset.")
@click.option("--description", help="An empty one removes it.")
def _describe(session: Session, name: str, **options: Any) -> Any:
    """Set a dataset's owner and description, or the description of a column."""
    return session.bench.catalog.describe(name, **options)
