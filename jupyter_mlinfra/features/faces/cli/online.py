"""`mlinfra features materialize` and `online`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.parse import keys, moment
from ....faces.session import Session
from .noun import features


@features.verb("materialize")
@click.argument("views", nargs=-1)
@click.option("--start", metavar="TIME", help="From this event time on; default: what is new.")
@click.option("--end", metavar="TIME", help="Up to this event time; default: now.")
def _materialize(
    session: Session, views: tuple[str, ...], start: str | None, end: str | None
) -> Any:
    """Write the newest values of views, or of all, to the online store."""

    def say(view: str, done: int, total: int) -> None:
        session.say(f"{view}: {done:,} of {total:,} rows")

    return list(
        session.bench.features.materialize(
            views or None, start=moment(start), end=moment(end), on_progress=say
        )
    )


@features.verb("online")
@click.argument("refs", nargs=-1, required=True, metavar="VIEW[:FEATURE]…")
@click.option(
    "--key",
    "key",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="A key of an entity; repeat it for several entities.",
)
def _online(session: Session, refs: tuple[str, ...], key: tuple[str, ...]) -> Any:
    """Online values of entities: `features online origin_weather:* --key origin=JFK`."""
    return session.bench.features.online(
        [ref if ":" in ref else f"{ref}:*" for ref in refs], keys(key)
    )
