"""What tagging a view has changed."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.words import plain
from ...spec import Retagged
from .browsing import tagged


@card(Retagged)
def _retagged(item: Retagged) -> Card:
    facts = {
        "file": f"{item.file}, line {item.line}",
        "tags": tagged(item.tags),
        "used by": plain(item.used_by),
    }
    lines = [line for line in item.diff.splitlines()[2:] if line[:1] in ("-", "+")]
    note = "" if item.written else "Nothing was written." if lines else "The file says so already."
    return Card(
        title=item.view, facts=said(facts), rows=[{"line": line} for line in lines], note=note
    )
