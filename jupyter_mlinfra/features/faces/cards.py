"""The card of each record."""

from __future__ import annotations

from ...faces.cards import Card, card, said
from ...faces.rows import row_of, rows_of
from ...faces.words import number, plain
from ..spec import AppliedViews, ViewDetail


@card(AppliedViews)
def _applied(item: AppliedViews) -> Card:
    facts = {
        name: plain(getattr(item, name)) for name in ("created", "updated", "deleted", "unchanged")
    }
    return Card(title="views", facts=said(facts))


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
