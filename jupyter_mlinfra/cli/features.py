"""`mlinfra features …`"""

from __future__ import annotations

from datetime import datetime

import click

from .session import Session, assignments, paging, session


@click.group
def features() -> None:
    """The feature store (Feast)."""


@features.command
@session
def apply(here: Session) -> None:
    """Make the registry say what the definition files say."""
    here.emit(here.workbench.features.apply())


@features.command("list")
@click.option("--view", help="Only features of this view.")
@click.option("--query", help="Only features that hold this word.")
@paging
@session
def list_(here: Session, view: str | None, query: str | None, limit: int, cursor: str | None) -> None:
    """Features by view and name."""
    columns = {"feature": "name", "view": "view", "type": "type", "filled": "fill", "description": "description"}
    here.emit(here.workbench.features.list(view=view, query=query, limit=limit, cursor=cursor), columns=columns)


@features.command
@click.option("--query", help="Only views that hold this word.")
@paging
@session
def views(here: Session, query: str | None, limit: int, cursor: str | None) -> None:
    """Feature views by name."""
    columns = {"view": "name", "entities": "entities", "features": "features", "freshness": "freshness", "online to": "online_at", "dataset": "dataset"}
    here.emit(here.workbench.features.views(query=query, limit=limit, cursor=cursor), columns=columns)


@features.command
@click.argument("view")
@session
def show(here: Session, view: str) -> None:
    """Features, source and freshness of a view."""
    here.emit(here.workbench.features.show(view))


@features.command
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@session
def search(here: Session, words: tuple[str, ...], limit: int) -> None:
    """Views and features that hold all words."""
    found = here.workbench.search(" ".join(words), kinds=("view", "feature"), limit=limit)
    here.emit(found, columns={"kind": "kind", "reference": "ref", "detail": "detail"})


@features.command
@click.argument("view", required=False)
@click.option("--from", "start", type=click.DateTime(), help="Event time to begin at. Default: where the last one ended.")
@click.option("--to", "end", type=click.DateTime(), help="Event time to end at. Default: now.")
@session
def materialize(here: Session, view: str | None, start: datetime | None, end: datetime | None) -> None:
    """Bring the newest row of each entity online, of one view or of all."""
    done = here.workbench.features.materialize(view, start=start, end=end)
    columns = {"view": "view", "rows": "rows", "up to": "end", "seconds": "seconds"}
    here.emit({"items": done, "shown": len(done), "total": len(done)}, columns=columns)


@features.command
@click.argument("refs", nargs=-1, required=True, metavar="VIEW[:FEATURE]…")
@click.option("--key", "keys", multiple=True, required=True, metavar="NAME=VALUE", help="Join key of the entity; may be repeated.")
@session
def online(here: Session, refs: tuple[str, ...], keys: tuple[str, ...]) -> None:
    """The newest values of one entity."""
    names = [ref if ":" in ref else f"{ref}:*" for ref in refs]
    here.emit(here.workbench.features.online(names, [assignments(keys)])[0])
