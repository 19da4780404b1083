"""What was written to the online store, and what it has of entities."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ....core.records import to_json
from ....faces.cards import Card, card, said
from ....faces.rows import Row, row
from ....faces.words import datum, moment, plain, span, state, stored
from ...spec import Materialized, OnlineRow, OnlineStatus, Pushed, SkewReport


@row(Materialized)
def materialized(item: Materialized) -> Row:
    return {
        "view": item.view,
        "rows": plain(item.rows),
        "from": moment(item.start),
        "to": moment(item.end),
        "parts": plain(item.parts if item.parts > 1 else None),
        "took": span(item.seconds),
    }


@card(Pushed)
def _pushed(item: Pushed) -> Card:
    facts = {
        "views": plain(item.views),
        "rows": plain(item.rows),
        "to": item.to,
        "older than online": plain(item.older or None),
        "rejected": plain(item.rejected_rows or None),
    }
    rows = [
        {"row": plain(fault.row), "column": fault.column, "why": fault.why}
        for fault in item.rejected
    ]
    return Card(title=item.source, facts=said(facts), rows=rows)


@card(SkewReport)
def _skew(item: SkewReport) -> Card:
    facts = {
        "keys": plain(item.sampled),
        "values compared": plain(item.compared),
        "different": plain(item.different),
        "not online": plain(item.missing_online or None),
        "at most": f"{100 * item.upper:.2g} % (95 %)" if item.upper is not None else "",
        "as of": moment(item.until),
    }
    rows = [
        {
            "feature": name,
            "compared": plain(found.compared),
            "different": plain(found.different),
            "not online": plain(found.missing_online),
            "pushed": plain(found.only_online),
            "example": found.example,
        }
        for name, found in item.features.items()
    ]
    return Card(title=item.view, facts=said(facts), rows=rows)


_SHOWN = 44
"""So many characters of bytes are shown: 33 of them."""


@row(OnlineRow, noun="entity")
def online_row(item: OnlineRow) -> Row:
    values = {
        name: _shown(value, item.status[name], item.event_at.get(name))
        for name, value in item.values.items()
    }
    entity = {
        key: _base64(value) if isinstance(value, bytes) else datum(value)
        for key, value in item.entity.items()
    }
    return {**entity, **values}


def _base64(value: bytes) -> str:
    text: str = to_json(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(value):,} bytes)"


def _shown(value: Any, status: OnlineStatus, at: datetime | None) -> str:
    """The value, or why there is none: `(null)`, `(not found)`, `(expired, of 2026-06-29)`."""
    if isinstance(value, bytes):
        return _base64(value)
    if status == OnlineStatus.PRESENT:
        return stored(value)
    of = f", of {moment(at)}" if status == OnlineStatus.EXPIRED and at else ""
    return f"({state(status)}{of})"
