"""What `apply` changed."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.words import plain
from ...spec import AppliedViews


@card(AppliedViews)
def _applied(item: AppliedViews) -> Card:
    facts = {
        name: plain(getattr(item, name)) for name in ("created", "updated", "deleted", "unchanged")
    }
    return Card(title="views", facts=said(facts))
