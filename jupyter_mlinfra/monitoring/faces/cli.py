"""`mlinfra monitors …` and `mlinfra alerts …`"""

from __future__ import annotations

from typing import Any

import click

from ...faces.cli import Noun, paged
from ...faces.parse import span
from ...faces.session import Ended, Session

monitors = Noun("monitors", "Monitors: live requests against the training data.")
alerts = Noun("alerts", "Alerts: what the rules of monitors say.")

_since = click.option("--since", metavar="SPAN", help="How far back the window goes, such as 24h.")


@monitors.verb("list")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Monitors by name."""
    return session.bench.monitoring.list(**options)


@monitors.verb("status")
@click.argument("name")
@_since
def _status(session: Session, name: str, since: str | None) -> Any:
    """Drift and service of the window that ends now."""
    return session.bench.monitoring.status(name, since=span(since))


@monitors.verb("evaluate")
@click.argument("name")
@_since
def _evaluate(session: Session, name: str, since: str | None) -> Any:
    """Evaluate the rules now and update the states of the alerts."""
    return session.bench.monitoring.evaluate(name, since=span(since))


@monitors.verb("watch")
@click.argument("deployment")
@click.option("--name", help="Of the monitor; default: the deployment's.")
def _watch(session: Session, deployment: str, name: str | None) -> Any:
    """Watch a deployment."""
    return session.bench.monitoring.watch(deployment, name=name)


@alerts.verb("list")
@click.option("--firing", is_flag=True, help="Only those that fire; exit 1 if there is any.")
@paged
def _alerts(session: Session, firing: bool, **options: Any) -> Any:
    """Alerts, firing ones first."""
    page = session.bench.monitoring.alerts(firing=firing, **options)
    return Ended(page, code=int(firing and page.total > 0))
