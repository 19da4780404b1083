"""`mlinfra catalog sql`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.parse import parameters
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Session
from .noun import catalog

_ROWS, _MOST = 100, 10_000


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
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    help="Most rows: 100 if it is not given, with --json too; with --out all. A line on stderr says"
    " if there are more.",
)
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
    most = limit or _ROWS
    if session.json:
        answer = catalog.answer(query, parameters=values, limit=most, reveal=viewer)
        _say_more(most, answer.more)
        return answer
    frame = catalog.sql(query, parameters=values, limit=most + 1, reveal=viewer)
    _say_more(most, frame.height > most)
    return frame.head(most)


def _say_more(most: int, is_cut: bool) -> None:
    """Say where an answer was cut that a script would take for the whole."""
    if is_cut:
        click.echo(
            f"There are more rows than these {most:,}: --limit gives up to {_MOST:,}, --out NS.NAME"
            " writes all into a dataset; in Python ml.sql gives all.",
            err=True,
        )
