"""`mlinfra catalog snapshots`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.cli import paged
from ....faces.session import Session
from .noun import catalog


@catalog.verb("snapshots")
@click.argument("name")
@paged
def _snapshots(session: Session, name: str, **options: Any) -> Any:
    """Commits, newest first."""
    return session.bench.catalog.snapshots(name, **options)
