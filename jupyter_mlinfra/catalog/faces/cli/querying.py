"""`mlinfra catalog sql`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.parse import parameters
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Session
from .noun import catalog


@catalog.verb("sql")
@click.argument("query")
@click.option(
    "--param",
    "-p",
    "typed",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of `$NAME` in the query; may be repeated.",
)
@click.option(
    "--raw", "-r", "raw", multiple=True, metavar="NAME=TEXT", help="The same, always a text."
)
@click.option("--limit", type=click.IntRange(1, 10_000), help="Most rows; 100, and with --out all.")
@click.option(
    "--out",
    metavar="NS.TABLE",
    help="Write the answer into a dataset, in place of its rows; earlier snapshots stay.",
)
@revealing
def _sql(
    session: Session,
    query: str,
    typed: Any,
    raw: Any,
    limit: int | None,
    out: str | None,
    reveal: bool,
) -> Any:
    """Answer one SELECT over datasets: `FROM flights.departures`, or an earlier state of one:
    `FROM flights.departures@SNAPSHOT`.
    """
    catalog = session.bench.catalog
    values, viewer = parameters(typed, raw), viewer_here(session, reveal)
    if out is not None:
        return catalog.sql_into(query, into=out, parameters=values, limit=limit, reveal=viewer)
    ask = catalog.answer if session.json else catalog.sql
    return ask(query, parameters=values, limit=limit or 100, reveal=viewer)
