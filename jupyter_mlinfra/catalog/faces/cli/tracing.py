"""`mlinfra catalog lineage`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.session import Session
from .noun import catalog


@catalog.verb("lineage")
@click.argument("name")
@click.option("--column", help="Of this column alone.")
def _lineage(session: Session, name: str, column: str | None) -> Any:
    """What a dataset was made from and what was made from it."""
    return session.bench.catalog.lineage(name, column=column)
