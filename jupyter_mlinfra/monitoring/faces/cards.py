"""The card of each record."""

from __future__ import annotations

from ...faces.cards import Card, card, said
from ...faces.rows import rows_of
from ...faces.words import NONE, counted, moment, number, plain, share
from ..spec import MonitorStatus


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
        **{
            f"alert {alert.name}": f"{alert.state}: {alert.text}"
            for alert in item.alerts
            if alert.state != "ok"
        },
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
