"""Views and features."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.rows import Row, row, row_of, rows_of
from ....faces.words import beginning, moment, number, plain, share, span, state
from ...spec import Feature, View, ViewDetail


@row(Feature)
def feature(item: Feature) -> Row:
    return {
        "feature": f"{item.view}:{item.name}",
        "type": item.type,
        "fill": share(item.fill),
        "used by": plain(item.used_by),
        "note": beginning(item.description),
    }


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


@card(ViewDetail)
def _view_detail(item: ViewDetail) -> Card:
    facts = dict(row_of(item.view)) | {
        "rows": number(item.rows),
        "keys": plain(item.join_keys),
        "time": item.timestamp_column,
    }
    facts.pop("view")
    return Card(
        title=item.view.name, ref=item.view.ref, facts=said(facts), rows=rows_of(item.features)
    )
