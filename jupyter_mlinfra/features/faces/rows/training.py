"""Stored training sets."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.words import NONE, beginning, moment, plain
from ...knowing.spec import Rebuilt, TrainingSnapshot


@card(TrainingSnapshot)
def _snapshot(item: TrainingSnapshot) -> Card:
    facts = {
        "rows": plain(item.rows),
        "features": beginning(", ".join(item.features)),
        "from": moment(item.first),
        "to": moment(item.last),
        "again": f"mlinfra features snapshot {item.dataset}@{item.snapshot} --compare",
    }
    rows = [{"source": name, "as of": plain(at)} for name, at in item.sources.items()]
    return Card(title=item.dataset, ref=item.ref, facts=said(facts), rows=rows)


@card(Rebuilt)
def _rebuilt(item: Rebuilt) -> Card:
    facts = {
        "rows": plain(item.rows),
        "values compared": plain(item.compared),
        "different": plain(item.different),
        "made from": "sources as they are now" if item.newest else "sources as they were",
        "changed since": " ".join(item.changed) or NONE,
    }
    rows = [
        {"feature": name, "different": plain(found.different), "example": found.example}
        for name, found in item.features.items()
    ]
    return Card(title=f"{item.dataset}@{item.snapshot}", facts=said(facts), rows=rows)
