"""The card of each record."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.rows import row_of, rows_of
from ....faces.words import NONE, beginning, counted, moment, number, plain, span
from ...spec import AlertSilence
from ..spec import AlertDetail, AlertNotebook, Backtest, RuleCheck


@card(AlertDetail)
def _alert(item: AlertDetail) -> Card:
    alert = item.alert
    silence, acknowledged = alert.silence, alert.acknowledged
    window = (
        f"{moment(alert.window_start)} to {moment(alert.window_end)}"
        if alert.window_start
        else NONE
    )
    facts = {
        "state": plain(alert.state),
        "severity": alert.severity,
        "text": alert.text,
        "since": moment(alert.since),
        "value": number(alert.value),
        "deployment": item.deployment,
        "version": alert.version or NONE,
        "cause": alert.cause or NONE,
        "owner": alert.owner or NONE,
        "window": window,
        "acknowledged": (
            f"by {acknowledged.by}, {moment(acknowledged.at)}: {acknowledged.why or 'no reason'}"
            if acknowledged
            else NONE
        ),
        "with it": _others(item),
        "silenced": (
            f"until {moment(silence.until)} by {silence.by}: {silence.why}" if silence else NONE
        ),
        "held back by": alert.held_back_by or NONE,
        "pipeline": item.pipeline or NONE,
        "rule": alert.source or "built-in",
        "runbook": alert.runbook or NONE,
    }
    notes = [
        f"the worst of {item.stands_for}" if item.stands_for else "",
        f"{len(item.history)} of {counted(item.changes, 'line')} of its history"
        if item.changes > len(item.history)
        else "",
    ]
    note = "; ".join(filter(None, notes))
    title = alert.ref.removeprefix("alert:")
    return Card(
        title=title, ref=alert.ref, facts=said(facts), rows=rows_of(item.history), note=note
    )


def _others(item: AlertDetail) -> str:
    """Those that were acknowledged with it."""
    others = [ref.removeprefix("alert:") for ref in item.acknowledged if ref != item.alert.ref]
    count = counted(len(others), "other")
    return f"{count}: {beginning(', '.join(others), 300)}" if others else NONE


@card(AlertSilence)
def _silence(item: AlertSilence) -> Card:
    ended = f" was ended by {item.ended_by}" if item.ended_by else ""
    facts = dict(row_of(item))
    return Card(title=f"silence {facts.pop('number')}{ended}", facts=said(facts))


@card(AlertNotebook)
def _notebook(item: AlertNotebook) -> Card:
    return Card(title=item.path, facts=said({"alert": item.alert, "written": item.path}))


@card(RuleCheck)
def _check(item: RuleCheck) -> Card:
    faults = [
        {"fault": fault.what, "why": fault.why or NONE, "fix": fault.fix or NONE}
        for fault in item.faults
    ]
    facts = {"rules": ", ".join(item.rules) or NONE, "faults": plain(len(item.faults))}
    return Card(title=item.file, facts=said(facts), rows=[*faults])


@card(Backtest)
def _backtest(item: Backtest) -> Card:
    facts = {
        "rules": item.file or "those in force",
        "history": f"{moment(item.since)} to {moment(item.until)}",
        "one evaluation every": span(item.step_seconds),
    }
    return Card(title="back-test", facts=said(facts), rows=rows_of(item.rules))
