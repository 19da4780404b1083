"""What was written to the online store, and what it has of entities."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import datum, moment, plain, span, state, stored
from ...spec import Materialized, OnlineRow


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
    values = {
        name: stored(value) if item.status[name] == "present" else f"({state(item.status[name])})"
        for name, value in item.values.items()
    }
    return {**{key: datum(value) for key, value in item.entity.items()}, **values}
