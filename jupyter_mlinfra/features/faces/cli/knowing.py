"""`mlinfra features explain`, `statistics`, `lineage` and `uses`."""

from __future__ import annotations

from typing import Any

import click

from ....core.errors import BadRequest
from ....faces.cli import paged
from ....faces.parse import keys, moment
from ....faces.reveal import revealing, viewer_here
from ....faces.session import Session
from .noun import features


@features.verb("explain")
@click.argument("view")
@click.option(
    "--key", "key", multiple=True, metavar="NAME=VALUE", help="Each key of the entity, once."
)
@click.option("--at", metavar="TIME", help="The time that is asked for; default: now.")
@click.option(
    "--known-only", is_flag=True, help="Rows count only once they are written: no late arrivals."
)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@revealing
def _explain(
    session: Session,
    view: str,
    key: tuple[str, ...],
    at: str | None,
    reveal: bool,
    **options: Any,
) -> Any:
    """Which row a training set takes for one entity at a time, or which rows are in its windows,
    and why it refuses every other.
    """
    entities = keys(key) or [{}]
    if len(entities) > 1:
        raise BadRequest(
            "One entity is explained at a time.", "A key is given twice.", "Give every key once."
        )
    return session.bench.features.explain(
        view, entities[0], moment(at), **options, reveal=viewer_here(session, reveal)
    )


@features.verb("statistics")
@click.argument("view")
@click.option(
    "--compute", is_flag=True, help="Run the code of an on-demand view on a sample of its inputs."
)
@revealing
def _statistics(session: Session, view: str, reveal: bool, compute: bool) -> Any:
    """Type, fill, distribution, freshness, drift and skew of each feature of a view."""
    return session.bench.features.statistics(
        view, reveal=viewer_here(session, reveal), compute=compute
    )


@features.verb("lineage")
@click.argument("view")
def _lineage(session: Session, view: str) -> Any:
    """What a view was made from, and what was made from it."""
    return session.bench.features.lineage(view)


@features.verb("uses")
@click.argument("view")
@paged
def _uses(session: Session, view: str, limit: int, cursor: str | None) -> Any:
    """Models, runs and datasets that were made from a view, champions first."""
    return session.bench.features.uses(view, limit=limit, cursor=cursor)
