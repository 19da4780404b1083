"""Verbs that belong to no domain: status, search, up, down, init, project check."""

from __future__ import annotations

from pathlib import Path

import click

from .session import Session, session


@click.command
@session
def status(here: Session) -> None:
    """How much of everything there is."""
    here.emit(here.workbench.status())


@click.command
@click.argument("words", nargs=-1, required=True)
@click.option("--kind", "kinds", multiple=True, help="Only objects of this kind; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@session
def search(here: Session, words: tuple[str, ...], kinds: tuple[str, ...], limit: int) -> None:
    """Find any object by name, column, tag, owner or note."""
    here.emit(here.workbench.search(" ".join(words), kinds=kinds, limit=limit), columns={"kind": "kind", "reference": "ref", "detail": "detail"})


@click.command
@session
def up(here: Session) -> None:
    """Bring supervisor and deployments up, after a reboot too."""
    here.emit(here.workbench.up())


@click.command
@session
def down(here: Session) -> None:
    """Stop everything that this project started."""
    here.emit(here.workbench.down())


@click.command
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("."))
@session
def init(here: Session, folder: Path) -> None:
    """Begin a project: an empty mlinfra.toml."""
    from ..core.files import write_atomic
    from ..core.settings import FILE

    path = folder / FILE
    made = not path.exists()
    if made:
        write_atomic(path, b"[project]\n", mode=0o644)
    here.emit({"project": str(path.parent.resolve()), "created": made})


@click.group
def project() -> None:
    """The project card."""


@project.command
@session
def check(here: Session) -> None:
    """Measure every target of the project card on this installation; exit code 1 if one is not met."""
    found = here.workbench.check()
    page = {"items": found, "shown": len(found), "total": len(found)}
    here.emit(page, columns={"target": "target", "limit": "limit", "measured": "measured", "verdict": "verdict", "fix": "fix"})
    click.get_current_context().exit(int(any(item.verdict != "met" for item in found)))
