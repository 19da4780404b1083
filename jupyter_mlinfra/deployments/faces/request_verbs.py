"""The verbs of `mlinfra deployments` that read the payload log: requests, latency, verdict."""

from __future__ import annotations

from typing import Any

import click

from ...faces.cli import paged
from ...faces.parse import duration, span
from ...faces.session import Session
from .cli import deployments


@deployments.verb("requests")
@click.argument("name")
@click.option("--version", default="", help="Answered by this one only.")
@click.option("--outcome", type=click.Choice(["answered", "refused", "failed"]), help="By status.")
@click.option("--since", metavar="SPAN", help="How far back, such as 30min or 7d. Default: all.")
@click.option("--until", metavar="SPAN", help="Only what is older than that.")
@click.option("--shadow", is_flag=True, help="The copies that shadows answered instead.")
@paged
def _requests(
    session: Session, name: str, since: str | None, until: str | None, **options: Any
) -> Any:
    """Rows of the payload log, newest first."""
    return session.bench.deployments.requests(name, since=span(since), until=span(until), **options)


@deployments.verb("request")
@click.argument("name")
@click.argument("id")
@click.option(
    "--at",
    metavar="TIME",
    help="Its arrival, as `requests` lists it; default: of the newest with that id.",
)
@click.option("--row", type=click.IntRange(0), default=0, help="Of the request. Default: 0.")
@click.option("--shadow", is_flag=True, help="The copy that a shadow answered.")
@click.option("--version", default="", help="That answered it; several shadows may.")
def _request(session: Session, name: str, id: str, **options: Any) -> Any:
    """One row of a logged request: all inputs, its label, and how it is sent again."""
    return session.bench.deployments.request(name, id, **options)


@deployments.verb("latency")
@click.argument("name")
@click.option("--since", metavar="SPAN", default="1h", show_default=True, help="How far back.")
def _latency(session: Session, name: str, since: str) -> Any:
    """Latency and rate of each version."""
    return session.bench.deployments.latencies(name, since=duration(since))


@deployments.verb("verdict")
@click.argument("name")
@click.option("--control", default="", metavar="VERSION", help="Default: the stable one.")
@click.option("--treatment", default="", metavar="VERSION", help="Default: the canary.")
@click.option(
    "--measure",
    type=click.Choice(["errors", "latency", "quality", "kpi", "reward"]),
    default="errors",
    show_default=True,
    help="Compare by this; quality and kpi need labels, reward needs feedback.",
)
def _verdict(session: Session, name: str, **options: Any) -> Any:
    """Whether a version is better than another one; may be asked at any time."""
    return session.bench.deployments.verdict(name, **options)
