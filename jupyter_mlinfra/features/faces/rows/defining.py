"""What `apply` changed, and what it left out."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.rows import Row, row, rows_of
from ....faces.words import plain
from ...spec import AppliedViews, Defined, Unapplied


@row(Unapplied, noun="definition left out")
def _left_out(item: Unapplied) -> Row:
    return {"left out": item.name, "why": f"{item.what} {item.why}".strip(), "fix": item.fix}


@card(AppliedViews)
def _applied(item: AppliedViews) -> Card:
    facts = {
        name: plain(getattr(item, name)) for name in ("created", "updated", "deleted", "unchanged")
    }
    note = "\n".join(item.notes)
    return Card(title="views", facts=said(facts), rows=rows_of(item.problems), note=note)


@card(Defined)
def _defined(item: Defined) -> Card:
    facts = {
        "file": f"{item.file} ({'replaced' if item.replaced else 'new'})",
        "views": plain(item.views),
        "services": plain(item.services),
        "entities": plain(item.entities),
    }
    problems, note = list[Unapplied](), ""
    if item.applied:
        problems, note = list(item.applied.problems), "\n".join(item.applied.notes)
        facts |= {
            name: plain(getattr(item.applied, name)) for name in ("created", "updated", "deleted")
        }
    return Card(title="definitions", facts=said(facts), rows=rows_of(problems), note=note)
