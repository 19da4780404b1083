"""Verbs of no domain alone: `mlinfra status`, `search`, `up`, `down`, `init`, and `mlinfra project …`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..core.records import KINDS, page_of
from .domain import Domain
from .session import Ended, Session

top = Domain("mlinfra", "The workbench.")
project = Domain("project", "The project card and its targets.")


@top.verb("status")
def _status(session: Session) -> Any:
    """How much of everything there is."""
    return session.bench.status()


@top.verb("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), metavar="KIND", help="Only of this kind; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def _search(session: Session, words: tuple[str, ...], kinds: tuple[str, ...], limit: int) -> Any:
    """Find objects of every domain by name, column, tag, owner or note."""
    return session.bench.search(" ".join(words), kinds=kinds, limit=limit)


@top.verb("up")
def _up(session: Session) -> Any:
    """Bring this project's supervisor and deployments up."""
    return session.bench.up()


@top.verb("down")
def _down(session: Session) -> Any:
    """Stop everything that this project started."""
    return session.bench.down()


@top.verb("init")
@click.argument("folder", default=".", type=click.Path(file_okay=False))
def _init(session: Session, folder: str) -> Any:  # noqa: ARG001
    """Make a folder a project: an empty `mlinfra.toml`, which works as it is."""
    from ..core.files import write_atomic
    from ..core.settings import FILE

    root = Path(folder).resolve()
    new = not (root / FILE).exists()
    if new:
        write_atomic(root / FILE, b"", mode=0o644)
    return {"root": str(root), "created": new}


@project.verb("show")
def _show(session: Session) -> Any:
    """The project card."""
    opened = session.bench.project
    card = opened.settings.project
    return {"name": opened.name, "root": str(opened.root), **{name: getattr(card, name) for name in ("title", "goal", "kpi", "owner")}}


@project.verb("check")
def _check(session: Session) -> Any:
    """Measure each target of the project card; exit 1 unless every one is met."""
    checks = session.bench.check()
    return Ended(page_of(checks, limit=500), code=int(any(check.verdict != "met" for check in checks)))
