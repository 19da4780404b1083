"""`mlinfra catalog audit`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.cli import paged
from ....faces.session import Session
from .noun import catalog


@catalog.verb("audit")
@click.argument("name", required=False)
@paged
def _audit(session: Session, name: str | None, **options: Any) -> Any:
    """Who saw masked values, newest first: of one dataset or of all."""
    return session.bench.catalog.audit(name, **options)
