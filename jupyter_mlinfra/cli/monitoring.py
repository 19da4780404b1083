"""`mlinfra monitors …` and `mlinfra alerts …`"""

from __future__ import annotations

from datetime import timedelta

import click

from .session import Session, paging, session

_HOURS = click.option("--hours", type=click.FloatRange(0, min_open=True), help="How far the window looks back. Default: 24.")


@click.group
def monitors() -> None:
    """Live requests against the training data."""


@monitors.command("list")
@paging
@session
def list_monitors(here: Session, limit: int, cursor: str | None) -> None:
    """Monitors as of their last evaluation."""
    columns = {
        "monitor": "name",
        "deployment": "deployment",
        "state": "state",
        "rows": "requests",
        "worst": "worst",
        "psi": "worst_psi",
        "evaluated": "evaluated_at",
    }
    here.emit(here.workbench.monitoring.list(limit=limit, cursor=cursor), columns=columns)


@monitors.command
@click.argument("name")
@_HOURS
@session
def status(here: Session, name: str, hours: float | None) -> None:
    """Drift, latency and alerts of the window."""
    here.emit(here.workbench.monitoring.status(name, since=timedelta(hours=hours) if hours else None))


@monitors.command
@click.argument("name")
@_HOURS
@session
def evaluate(here: Session, name: str, hours: float | None) -> None:
    """Measure the window and move the states of the rules."""
    here.emit(here.workbench.monitoring.evaluate(name, since=timedelta(hours=hours) if hours else None))


@monitors.command
@click.argument("deployment")
@click.option("--name", help="Default: that of the deployment.")
@session
def watch(here: Session, deployment: str, name: str | None) -> None:
    """Start to watch a deployment."""
    here.emit(here.workbench.monitoring.watch(deployment, name=name))


@click.group
def alerts() -> None:
    """Rules and where they stand."""


@alerts.command("list")
@click.option("--firing", is_flag=True, help="Only those that fire; exit code 1 if there is one.")
@paging
@session
def list_alerts(here: Session, firing: bool, limit: int, cursor: str | None) -> None:
    """Alerts, firing ones first."""
    found = here.workbench.monitoring.alerts(firing=firing, limit=limit, cursor=cursor)
    here.emit(found, columns={"state": "state", "alert": "ref", "what": "text", "since": "since"})
    click.get_current_context().exit(int(firing and found.total > 0))
