"""What was written to the online store, and what it has of entities."""

from __future__ import annotations

from typing import Any

from ....faces.rows import Row, row
from ....faces.words import datum, moment, plain, span, state, stored
from ...spec import Materialized, OnlineRow, OnlineStatus


@row(Materialized)
def materialized(item: Materialized) -> Row:
    return {
        "view": item.view,
        "rows": plain(item.rows),
        "from": moment(item.start),
        "to": moment(item.end),
        "took": span(item.seconds),
    }


@row(OnlineRow, noun="entity")
def online_row(item: OnlineRow) -> Row:
    values = {name: _shown(value, item.status[name]) for name, value in item.values.items()}
    return {**{key: datum(value) for key, value in item.entity.items()}, **values}


def _shown(value: Any, status: OnlineStatus) -> str:
    """The value, or why there is none: `(null)`, `(not found)`."""
    return stored(value) if status == OnlineStatus.PRESENT else f"({state(status)})"
