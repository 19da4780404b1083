"""`mlinfra features tag` and `deprecate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ....faces.session import Session
from .defining import ended
from .noun import features


def _writing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Whether the file is written, and applied."""
    command = click.option(
        "--dry-run", "write", flag_value=False, default=True, help="Only say what would be written."
    )(command)
    return click.option(
        "--no-apply", "apply", flag_value=False, default=True, help="Only write the file."
    )(command)


@features.verb("tag")
@click.argument("view")
@click.argument("tags", nargs=-1, metavar="NAME[=VALUE]…")
@click.option("--remove", multiple=True, metavar="NAME", help="Remove a tag; may be repeated.")
@_writing
def _tag(
    session: Session, view: str, tags: tuple[str, ...], remove: tuple[str, ...], **options: Any
) -> Any:
    """Add tags to a view, or remove them, in the file that defines it; then apply."""
    add = {name: value for name, _, value in (tag.partition("=") for tag in tags)}
    found = session.bench.features.tag(view, add=add, remove=remove, **options)
    return ended(found.applied, found) if found.applied else found


@features.verb("deprecate")
@click.argument("view")
@click.option("--note", default="", help="What to take in its place.")
@click.option("--undo", is_flag=True, help="It may be taken again.")
@click.option("--yes", "anyway", is_flag=True, help="Also if deployments or models use it.")
@_writing
def _deprecate(session: Session, view: str, **options: Any) -> Any:
    """Say in the file that defines a view that nobody should take it any more; then apply."""
    found = session.bench.features.deprecate(view, **options)
    return ended(found.applied, found) if found.applied else found
