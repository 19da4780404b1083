"""One row of a list, for each record."""

from __future__ import annotations

from ...faces.rows import Row, row
from ...faces.words import beginning, datum, moment, plain, share, span, state, stored
from ..spec import Feature, Materialized, OnlineRow, View


@row(Feature)
def feature(item: Feature) -> Row:
    return {
        "feature": f"{item.view}:{item.name}",
        "type": item.type,
        "fill": share(item.fill),
        "used by": plain(item.used_by),
        "note": beginning(item.description),
    }


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


@row(View)
def view(item: View) -> Row:
    return {
        "view": item.name,
        "entities": plain(item.entities),
        "features": plain(item.features),
        "ttl": span(item.ttl_seconds),
        "online": state(item.freshness),
        "newest online": moment(item.online_at),
        "dataset": plain(item.dataset),
    }
