"""`mlinfra alerts …` and `mlinfra rules …`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ....core.errors import BadRequest
from ....core.files import explain_os_error, write_atomic
from ....faces.cli import Noun, paged
from ....faces.parse import moment, span
from ....faces.paths import from_here, in_project
from ....faces.session import Ended, Failed, Session

alerts = Noun("alerts", "Alerts: what the rules of monitors say, and what is done about it.")
rules = Noun("rules", "Rules of monitors, built-in and in *.mlrules.yaml.")

_why = click.option(
    "--why", metavar="TEXT", default="", help="The reason; it stays in the history."
)


@alerts.verb("list")
@click.option(
    "--firing",
    is_flag=True,
    help="Only those that fire and are not silenced; exit 1 if there is any.",
)
@click.option("--all", "each", is_flag=True, help="The quiet ones of a rule one by one, too.")
@paged
def _alerts(session: Session, firing: bool, each: bool, **options: Any) -> Any:
    """Alerts, firing ones first; those of a rule that are ok, silenced or without data are one
    line. A silenced one is crossed still; its state is `silenced`, and --firing leaves it out.
    """
    page = session.bench.monitoring.alerts(firing=firing, folded=not each, **options)
    return Ended(page, code=int(firing and page.total > 0))


@alerts.verb("show")
@click.argument("alert")
def _show(session: Session, alert: str) -> Any:
    """An alert (MONITOR/RULE/FEATURE) with its history; of MONITOR/RULE the worst."""
    return session.bench.alerts.show(alert)


@alerts.verb("history")
@click.argument("alert")
@paged
def _history(session: Session, alert: str, **options: Any) -> Any:
    """Its states, and what was done about it: when, by whom, why."""
    return session.bench.alerts.history(alert, **options)


@alerts.verb("ack")
@click.argument("alert")
@_why
def _ack(session: Session, alert: str, why: str) -> Any:
    """Say that you look after an alert, until it ends; with MONITOR/RULE after all of that rule."""
    return session.bench.alerts.acknowledge(alert, why=why)


@alerts.verb("silence")
@click.argument("target")
@click.argument("how_long", required=False, metavar="[SPAN]")
@click.argument("reason", required=False, metavar="[WHY]")
@click.option("--for", "for_", metavar="SPAN", help="How long, such as 2h.")
@click.option("--until", metavar="TIME", help="Until when, in ISO 8601; UTC without a zone.")
@_why
def _silence(
    session: Session,
    target: str,
    how_long: str | None,
    reason: str | None,
    for_: str | None,
    until: str | None,
    why: str,
) -> Any:
    """Tell nobody of an alert (MONITOR/RULE/FEATURE), of all of a rule (MONITOR/RULE), or of a RULE
    of all monitors, until a time: `alerts silence flights/drift 1h "known"`.
    """
    for given, other, name in ((how_long, for_, "--for"), (reason, why, "--why")):
        if given and other:
            raise BadRequest(
                f"{given!r} and {name} {other!r} were given.",
                "One of them counts.",
                "Leave one out.",
            )
    return session.bench.alerts.silence(
        target, until=moment(until), span=span(for_ or how_long), why=why or reason or ""
    )


@alerts.verb("unsilence")
@click.argument("number", type=click.IntRange(min=1))
def _unsilence(session: Session, number: int) -> Any:
    """End a silence now."""
    return session.bench.alerts.unsilence(number)


@alerts.verb("silences")
@paged
def _silences(session: Session, **options: Any) -> Any:
    """Silences in force."""
    return session.bench.alerts.silences(**options)


@alerts.verb("notebook")
@click.argument("alert")
@click.option("--path", metavar="FILE", help="Of the notebook; default: alerts/….")
def _notebook(session: Session, alert: str, path: str | None) -> Any:
    """Write a notebook that loads the bad window and the reference, and draws them."""
    return session.bench.alerts.notebook(alert, path=path)


@alerts.verb("retrain")
@click.argument("alert")
@_why
def _retrain(session: Session, alert: str, why: str) -> Any:
    """Start the pipeline that made the model."""
    return session.bench.alerts.retrain(alert, why=why)


@alerts.verb("rollback")
@click.argument("alert")
@_why
def _rollback(session: Session, alert: str, why: str) -> Any:
    """Give the traffic back to the versions that had it before."""
    return session.bench.alerts.rollback(alert, why=why)


@alerts.verb("deliveries")
@paged
def _deliveries(session: Session, **options: Any) -> Any:
    """Messages to receivers, newest first."""
    return session.bench.alerts.deliveries(**options)


@rules.verb("list")
@click.option("--monitor", metavar="NAME", help="Only those of this monitor.")
@paged
def _rules(session: Session, monitor: str | None, **options: Any) -> Any:
    """The rules in force; files that cannot be used come first."""
    return session.bench.alerts.rules(monitor, **options)


@rules.verb("check")
@click.argument("file")
def _check(session: Session, file: str) -> Any:
    """Check a rule file; exit 1 if anything is wrong with it."""
    root = session.bench.project.root
    path = in_project(root, file)
    found = session.bench.alerts.check(path, called=from_here(root, path))
    if not found.faults:
        return found
    first = found.faults[0]
    return Ended(found, error=Failed(first.what, first.why, first.fix))


@rules.verb("export")
@click.option("--to", type=click.Choice(["prometheus"]), default="prometheus", show_default=True)
@click.option("--monitor", metavar="NAME", help="Only the rules of this monitor.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write them into this file.")
def _export(session: Session, to: str, monitor: str | None, out: str | None) -> Any:  # noqa: ARG001
    """The rules as alerting rules of Prometheus."""
    text = session.bench.alerts.export(monitor)
    if out is None:
        if not session.json:
            click.echo(text, nl=False)
        return Ended({"prometheus": text}, silent=True)
    try:
        write_atomic(Path(out), text.encode(), mode=0o644)
    except OSError as error:
        raise explain_os_error(error, f"{out} could not be written.") from error
    return {"path": out}
