"""`mlinfra monitors …` and `mlinfra alerts …`"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...core.files import explain_os_error, write_atomic
from ...faces.cli import Noun, paged
from ...faces.parse import span
from ...faces.session import Ended, Session

if TYPE_CHECKING:
    import polars as pl

PROGRESS_SECONDS = 2.0

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


@monitors.verb("compare")
@click.argument("reference")
@click.argument("current")
@click.option(
    "--threshold",
    type=click.FloatRange(min=0),
    default=0.2,
    show_default=True,
    help="PSI from which a column has drifted.",
)
@click.option("--report", type=click.Path(dir_okay=False), help="Also write it as an HTML file.")
def _compare(
    session: Session, reference: str, current: str, threshold: float, report: str | None
) -> Any:
    """Compare two tables column by column: files (Parquet, CSV, Arrow) or datasets."""
    from ..comparing import compare_tables
    from ..report import html_of

    said_at = time.monotonic()

    def say(name: str, number: int, count: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_SECONDS:
            session.say(f"comparing column {number} of {count}: {name}")
            said_at = time.monotonic()

    tables = _table(session, reference), _table(session, current)
    compared = compare_tables(*tables, threshold=threshold, on_progress=say)
    if report:
        _write_report(Path(report), html_of(compared, reference=reference, current=current))
    return compared.record


def _table(session: Session, name: str) -> pl.LazyFrame:
    """The rows of a file that exists or looks like one, else those of a dataset."""
    from ..comparing import FILES, open_file

    path = Path(name)
    if path.exists() or path.suffix.lower() in FILES or "/" in name:
        return open_file(path)
    return session.bench.catalog.dataset(name).scan()


def _write_report(path: Path, text: str) -> None:
    try:
        write_atomic(path, text.encode(), parents=True)
    except OSError as error:
        raise explain_os_error(error, f"{path} could not be written.") from error


@alerts.verb("list")
@click.option("--firing", is_flag=True, help="Only those that fire; exit 1 if there is any.")
@paged
def _alerts(session: Session, firing: bool, **options: Any) -> Any:
    """Alerts, firing ones first."""
    page = session.bench.monitoring.alerts(firing=firing, **options)
    return Ended(page, code=int(firing and page.total > 0))
