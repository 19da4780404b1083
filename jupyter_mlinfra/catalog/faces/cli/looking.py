"""`mlinfra catalog profile`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.reveal import revealing, viewer_here
from ....faces.session import Session
from .noun import catalog


@catalog.verb("profile")
@click.argument("name")
@click.option(
    "--tier",
    type=click.Choice(["footer", "sample", "exact"]),
    default="sample",
    show_default=True,
    help="How much is read.",
)
@revealing
def _profile(session: Session, name: str, tier: Any, reveal: bool) -> Any:
    """Statistics of each column, with their basis."""
    return session.bench.catalog.profile(name, tier=tier, reveal=viewer_here(session, reveal))
