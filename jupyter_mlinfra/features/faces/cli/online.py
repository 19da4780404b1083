"""`mlinfra features materialize`, `push`, `online` and `check`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.parse import event_rows, keys, moment, moment_or_span, span
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Ended, Failed, Session
from .noun import features


@features.verb("materialize")
@click.argument("views", nargs=-1)
@click.option(
    "--since",
    "--start",
    "since",
    metavar="TIME|SPAN",
    help="From this event time on, or this long before the end (7d); default: what is new.",
)
@click.option("--end", metavar="TIME", help="Up to this event time; default: now.")
@click.option("--every", metavar="SPAN", help="In parts of this length, such as 1d.")
@click.option("--full", is_flag=True, help="Everything again.")
def _materialize(
    session: Session,
    views: tuple[str, ...],
    since: str | None,
    end: str | None,
    every: str | None,
    full: bool,
) -> Any:
    """Write the newest values of views, or of all, to the online store."""

    def say(view: str, done: int, total: int) -> None:
        session.say(f"{view}: {done:,} of {total:,} rows")

    return list(
        session.bench.features.materialize(
            views or None,
            start=moment_or_span(since),
            end=moment(end),
            every=span(every),
            full=full,
            on_progress=say,
        )
    )


@features.verb("push")
@click.argument("name", metavar="SOURCE|VIEW")
@click.argument("file", metavar="FILE|-")
@click.option(
    "--to",
    type=click.Choice(["online", "offline", "both"]),
    default="online",
    show_default=True,
    help="The online store, the source of the view, or both.",
)
def _push(session: Session, name: str, file: str, to: Any) -> Any:
    """Write rows (JSON, JSON lines, CSV or Parquet) to the views that a push source feeds."""
    return session.bench.features.push(name, event_rows(file), to=to)


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
@revealing
def _online(session: Session, refs: tuple[str, ...], key: tuple[str, ...], reveal: bool) -> Any:
    """Online values of entities: `features online origin_weather:* --key origin=JFK`."""
    entities = keys(key)
    rows = session.bench.features.looked_up(
        [ref if ":" in ref else f"{ref}:*" for ref in refs],
        entities,
        reveal=viewer_here(session, reveal),
    )
    # What is asked of one entity is an object, not a list of one.
    return rows[0] if len(entities) == 1 else rows


@features.verb("check")
@click.argument("view")
@click.option("--sample", type=click.IntRange(1, 10_000), help="Keys to compare.")
@revealing
def _check(session: Session, view: str, sample: int | None, reveal: bool) -> Any:
    """Compare online values with what training reads, on a sample of keys; 1 if they differ."""
    found = session.bench.features.check(view, sample=sample, reveal=viewer_here(session, reveal))
    if found.passed:
        return found
    example = next(item.example for item in found.features.values() if item.example)
    return Ended(
        found,
        Failed(
            f"{found.different + found.missing_online:,} online values of {found.view} are not"
            " those of its source.",
            f"{example}.",
            f"mlinfra features materialize {found.view} --full",
        ),
    )
