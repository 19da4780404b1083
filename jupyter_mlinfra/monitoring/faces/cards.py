"""The card of each record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...core.records import Number
from ...faces.cards import Card, card, from_row, said
from ...faces.rows import Row, rows_of
from ...faces.words import NONE, beginning, counted, moment, number, plain, share
from ..spec import Alert, Monitor, MonitorStatus, TableComparison

ALERTS_SHOWN = 10


@card(Monitor)
def _monitor(item: Monitor) -> Card:
    return replace(from_row(item), note=item.note)


@card(MonitorStatus)
def _monitor_status(item: MonitorStatus) -> Card:
    facts = {
        "state": plain(item.monitor.state),
        "requests": number(item.monitor.requests),
        "rows": number(item.monitor.rows),
        "window": (
            f"{moment(item.window_start)} to {moment(item.window_end)}"
            if item.window_start
            else NONE
        ),
        "reference": plain(item.reference),
        "versions": plain(item.versions),
        "p50 ms": number(item.p50_ms),
        "p95 ms": number(item.p95_ms),
        "errors": share(item.error_fraction),
        "refused": share(item.refused_fraction),
        "score PSI": number(item.score.psi) if item.score else NONE,
        "not logged": plain(item.dropped or None),
        "not compared": item.trouble or NONE,
        "incomplete": item.problems[0] if item.problems else NONE,
        **_alerts(item.alerts),
    }
    shown = item.drift[:20]
    note = (
        f"{len(shown)} of {counted(item.features, 'feature')}, those that moved most"
        if item.features > len(shown)
        else ""
    )
    return Card(
        title=item.monitor.name,
        ref=item.monitor.ref,
        facts=said(facts),
        rows=rows_of(shown),
        note=note,
    )


def _alerts(alerts: Sequence[Alert]) -> dict[str, str]:
    """Those that are not ok, the worst ones first."""
    loud = [alert for alert in alerts if alert.state != "ok"]
    found = {
        " ".join(filter(None, ("alert", alert.name, alert.subject))): f"{alert.state}: {alert.text}"
        for alert in loud[:ALERTS_SHOWN]
    }
    if len(loud) > ALERTS_SHOWN:
        found["more alerts"] = f"{len(loud) - ALERTS_SHOWN:,}: mlinfra alerts list"
    return found


@card(TableComparison)
def _comparison(item: TableComparison) -> Card:
    facts = {
        "reference": counted(item.rows.reference, "row"),
        "current": counted(item.rows.current, "row"),
        "drifted": f"{len(item.drifted):,} of {counted(len(item.drift), 'column')}"
        if item.drift
        else "nothing was compared",
        **{
            f"not compared: {name}": beginning(why, 100)
            for name, why in list(item.not_compared.items())[:20]
        },
    }
    rows: list[Row] = [
        {
            "column": name,
            "PSI": _figure(distances.psi),
            "KS": _figure(distances.ks),
            "Wasserstein": _figure(distances.wasserstein),
            "JS": _figure(distances.js),
            "drifted": plain(name in item.drifted),
        }
        for name, distances in list(item.drift.items())[:40]
    ]
    note = (
        f"{len(rows)} of {counted(len(item.drift), 'column')}, those that moved most"
        if len(item.drift) > len(rows)
        else ""
    )
    return Card(title="comparison", facts=said(facts), rows=rows, note=note)


def _figure(value: float | None) -> str:
    return number(None if value is None else Number(value=value))
