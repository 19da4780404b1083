"""`mlinfra catalog tag`, `describe`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.session import Session
from .noun import catalog


@catalog.verb("tag")
@click.argument("name")
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Remove a tag; may be repeated.")
def _tag(session: Session, name: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> Any:
    """Add tags to a dataset, or to a column as `column:NAMESPACE.TABLE.COLUMN`."""
    return session.bench.catalog.tag(name, add=tags, remove=remove)


@catalog.verb("describe")
@click.argument("name")
@click.option("--owner", help="Of a dataset.")
@click.option("--description", help="An empty one removes it.")
def _describe(session: Session, name: str, **options: Any) -> Any:
    """Set a dataset's owner and description, or the description of a column."""
    return session.bench.catalog.describe(name, **options)
