"""`mlinfra catalog sql`."""

from __future__ import annotations

import json
from typing import Any

import click

from ....faces.session import Session
from .noun import catalog


@catalog.verb("sql")
@click.argument("query")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Most rows."
)
def _sql(session: Session, query: str, limit: int) -> Any:
    """Answer one SELECT over datasets: `FROM flights.departures`."""
    frame = session.bench.catalog.sql(query, limit=limit)
    return json.loads(frame.write_json()) if session.json else frame
