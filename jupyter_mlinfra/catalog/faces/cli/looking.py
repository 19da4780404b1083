"""`mlinfra catalog profile`."""

from __future__ import annotations

from typing import Any

import click

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
def _profile(session: Session, name: str, tier: Any) -> Any:
    """Statistics of each column, with their basis."""
    return session.bench.catalog.profile(name, tier=tier)
