"""`mlinfra monitors …`"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...core.errors import BadRequest
from ...core.files import explain_os_error, write_atomic
from ...faces.cli import Noun, paged
from ...faces.parse import pair, span
from ...faces.paths import from_here, in_project
from ...faces.session import Session

if TYPE_CHECKING:
    import polars as pl

PROGRESS_SECONDS = 2.0

monitors = Noun("monitors", "Monitors: live requests against the training data.")

_since = click.option("--since", metavar="SPAN", help="How far back the window goes, such as 24h.")


@monitors.verb("list")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Monitors by name."""
    return session.bench.monitoring.list(**options)


_window = click.option(
    "--window",
    "--since",
    "since",
    metavar="SPAN",
    help="How far back the window goes, such as 24h.",
)
_version = click.option("--version", metavar="V", help="Such as v3; default: most of the traffic.")
_segment = click.option(
    "--segment", default="", metavar="COLUMN=VALUE", help="Only the rows of one segment."
)


@monitors.verb("status")
@click.argument("name")
@_window
@_version
@_segment
@click.option(
    "--against",
    default="reference",
    show_default=True,
    help="What drift is against: reference, previous (the window before), or START..END.",
)
def _status(
    session: Session, name: str, since: str | None, version: str | None, segment: str, against: str
) -> Any:
    """Drift, performance, KPI and service of the window that ends now."""
    return session.bench.monitoring.overview(
        name, since=span(since), version=version, segment=segment, against=against
    )


@monitors.verb("series")
@click.argument("name")
@click.option("--metric", required=True, help="Such as psi, missing or performance_real.f1.")
@click.option("--feature", help="Of which input.")
@_window
@_version
@_segment
@paged
def _series(session: Session, name: str, since: str | None, **options: Any) -> Any:
    """One metric by the hour."""
    return session.bench.monitoring.series(name, since=span(since), **options)


@monitors.verb("cause")
@click.argument("name")
@click.argument("feature")
@_version
def _cause(session: Session, name: str, feature: str, version: str | None) -> Any:
    """Where a feature comes from: dataset, step and cell, and what changed there."""
    return session.bench.monitoring.cause(name, feature, version=version)


@monitors.verb("labels")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False))
def _labels(session: Session, name: str, file: str) -> Any:
    """Join labels and rewards to the answers by request id: a CSV, Parquet or JSON file."""
    return session.bench.monitoring.labels(name, Path(file))


@monitors.verb("backfill")
@click.argument("name")
@click.option("--again", is_flag=True, help="Also the hours that are recorded.")
def _backfill(session: Session, name: str, again: bool) -> Any:
    """Record every hour of the payload log that is not recorded."""
    said_at = time.monotonic()

    def say(done: int, count: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_SECONDS:
            session.say(f"recorded {done} of {count} hours")
            said_at = time.monotonic()

    return session.bench.monitoring.backfill(name, again=again, on_progress=say)


@monitors.verb("reference")
@click.argument("name")
@click.option(
    "--from", "dataset", metavar="DATASET", help="Default: what the version was trained on."
)
@click.option("--label", metavar="COLUMN", help="True values: performance can be estimated.")
@click.option("--score", metavar="COLUMN", help="The model's answers; default: it is asked.")
def _reference(session: Session, name: str, **options: Any) -> Any:
    """Make the reference of a deployment's version from a dataset."""
    return session.bench.monitoring.make_reference(name, **options)


@monitors.verb("evaluate")
@click.argument("name")
@_since
def _evaluate(session: Session, name: str, since: str | None) -> Any:
    """Evaluate the rules now and update the states of the alerts."""
    return session.bench.monitoring.evaluate(name, since=span(since))


@monitors.verb("watch")
@click.argument("deployment")
@click.option("--name", help="Of the monitor; default: the deployment's.")
@click.option(
    "--segment", "segments", multiple=True, metavar="COLUMN", help="Measure its values apart, too."
)
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="OUTCOME=AMOUNT",
    help="What an outcome (tp, fp, fn, tn, or TRUE:ANSWERED), of values a unit too high (over) or"
    " low (under), or a reward is worth, for the KPI; threshold=P.",
)
def _watch(
    session: Session,
    deployment: str,
    name: str | None,
    segments: tuple[str, ...],
    values: tuple[str, ...],
) -> Any:
    """Watch a deployment, or change what its monitor records."""
    return session.bench.monitoring.watch(
        deployment, name=name, segments=list(segments) or None, costs=_amounts(values)
    )


def _amounts(values: tuple[str, ...]) -> dict[str, float] | None:
    """Amounts by outcome; None without any. Raises BadRequest."""
    found: dict[str, float] = {}
    for name, amount in (pair(text, form="OUTCOME=AMOUNT", example="fn=-75") for text in values):
        try:
            found[name] = float(amount)
        except ValueError:
            raise BadRequest(
                f"{amount!r} is no amount.", f"It is the worth of {name}.", "For example fn=-75"
            ) from None
    return found or None


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
    from ..comparing.report import html_of
    from ..comparing.tables import compare_tables, without_values_of

    said_at = time.monotonic()

    def say(name: str, number: int, count: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_SECONDS:
            session.say(f"comparing column {number} of {count}: {name}")
            said_at = time.monotonic()

    names, tables = (reference, current), (_table(session, reference), _table(session, current))
    compared = compare_tables(*tables, threshold=threshold, on_progress=say)
    hidden = {name for pair in zip(names, tables, strict=True) for name in _masked(session, *pair)}
    compared = without_values_of(compared, hidden)
    if report:
        _write_report(Path(report), html_of(compared, reference=reference, current=current))
    return compared.record


def _table(session: Session, name: str) -> pl.LazyFrame:
    """The rows of a file that exists or looks like one, else those of a dataset."""
    from ..comparing.tables import open_file

    if _is_file(name):
        return open_file(Path(name))
    return session.bench.catalog.dataset(name).scan()


def _is_file(name: str) -> bool:
    from ..comparing.tables import FILES

    path = Path(name)
    return path.exists() or path.suffix.lower() in FILES or "/" in name


def _masked(session: Session, name: str, rows: pl.LazyFrame) -> Collection[str]:
    """The columns of one of our own tables whose values are not shown."""
    from ..datasets import MonitorTables

    domain, _, table = name.partition(".")
    if _is_file(name) or domain != "monitoring":
        return ()
    tables = MonitorTables(session.bench.project)
    return tables.masked(table, rows.collect_schema().names()) if tables.has(table) else ()


def _write_report(path: Path, text: str) -> None:
    try:
        write_atomic(path, text.encode(), parents=True)
    except OSError as error:
        raise explain_os_error(error, f"{path} could not be written.") from error


@monitors.verb("backtest")
@click.argument("file", required=False, metavar="[FILE|MONITOR]")
@click.option("--monitor", metavar="NAME", help="Only this one; default: all.")
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True, max=366),
    default=30.0,
    show_default=True,
    help="How far back.",
)
@click.option(
    "--step", metavar="SPAN", default="1h", show_default=True, help="Between two evaluations."
)
def _backtest(
    session: Session, file: str | None, monitor: str | None, days: float, step: str
) -> Any:
    """When the rules of a FILE would have fired; without one, those in force, of one MONITOR or of
    all.
    """
    if file is not None and "." not in file:  # a rule file ends with .mlrules.yaml
        if monitor not in (None, file):
            raise BadRequest(
                f"{file} is no rule file, and --monitor names another monitor.",
                "A rule file ends with .mlrules.yaml; a name without a dot is a monitor.",
                f"mlinfra monitors backtest {file}.mlrules.yaml --monitor {monitor}",
            )
        file, monitor = None, file
    said_at = time.monotonic()

    def say(name: str, share: float) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PROGRESS_SECONDS:
            session.say(f"replaying {name}: {100 * share:.0f} %")
            said_at = time.monotonic()

    root = session.bench.project.root
    path = None if file is None else in_project(root, file)
    return session.bench.alerts.backtest(
        path,
        called="" if path is None else from_here(root, path),
        monitor=monitor,
        days=days,
        step=span(step) or timedelta(hours=1),
        on_progress=say,
    )
