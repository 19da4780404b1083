"""The verbs of `mlinfra deployments` that are about shadows, replays and plans."""

from __future__ import annotations

from typing import Any

import click

from ...faces.parse import duration
from ...faces.session import Session
from .cli import deployments

_reason = click.option("--reason", default="", help="Why; recorded in the history.")
_window = click.option(
    "--window",
    metavar="SPAN",
    default="24h",
    show_default=True,
    help="How far back it goes, such as 30min or 7d.",
)


@deployments.verb("shadow")
@click.argument("name")
@click.argument("version")
@click.option(
    "--percent",
    type=click.IntRange(1, 100),
    default=100,
    show_default=True,
    help="Of the requests of which it gets a copy.",
)
@click.option("--off", is_flag=True, help="No more copies.")
@click.option("--report", is_flag=True, help="Compare its answers with those that were given.")
@_window
@_reason
def _shadow(
    session: Session,
    name: str,
    version: str,
    percent: int,
    off: bool,
    report: bool,
    window: str,
    reason: str,
) -> Any:
    """Give a version copies of the requests; its answers are logged, and nobody gets them."""
    if report:
        return session.bench.deployments.shadow_report(name, version, window=duration(window))
    return session.bench.deployments.shadow(
        name, version, percent=0 if off else percent, reason=reason
    )


@deployments.verb("replay")
@click.argument("name")
@click.option("--version", required=True, help="Of the deployment, or of its model.")
@_window
@click.option("--rows", type=click.IntRange(1), help="At most. Default: as settings say.")
def _replay(session: Session, name: str, version: str, window: str, rows: int | None) -> Any:
    """Send logged requests to a version and compare its answers with those that were given."""
    return session.bench.deployments.replay(
        name, version, window=duration(window), rows=rows, on_progress=session.say
    )


@deployments.verb("undo")
@click.argument("name")
@click.argument("change", type=click.IntRange(1))
@_reason
def _undo(session: Session, name: str, change: int, reason: str) -> Any:
    """Restore the traffic that a change of the history found."""
    return session.bench.deployments.undo(name, change, reason=reason)


@deployments.verb("plan")
@click.argument("name")
def _plan(session: Session, name: str) -> Any:
    """The last plan: steps, where it is, when it goes on, and what it was judged by."""
    from ..delivery.plans import required

    return required(session.bench.deployments.plan(name), name)


@deployments.verb("pause")
@click.argument("name")
@_reason
def _pause(session: Session, name: str, reason: str) -> Any:
    """Hold the plan; a breach rolls it back nevertheless."""
    return session.bench.deployments.pause(name, reason=reason)


@deployments.verb("resume")
@click.argument("name")
@_reason
def _resume(session: Session, name: str, reason: str) -> Any:
    """Let the plan go on; its present step begins again."""
    return session.bench.deployments.resume(name, reason=reason)
