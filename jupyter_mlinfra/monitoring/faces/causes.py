"""The card of where a feature comes from."""

from __future__ import annotations

from ...faces.cards import Card, card, said
from ...faces.rows import Row
from ...faces.words import NONE, beginning, plain
from ..causes.spec import CausePlace, CauseSource, FeatureCause

_HOW = {
    "assigns": "assigns it",
    "names": "names it",
    "ran": "was running",
    "writes": "writes the dataset",
}


@card(FeatureCause)
def _cause(item: FeatureCause) -> Card:
    views = {source.view: source.entities for source in item.sources if source.view}
    facts = {
        "feature of": item.version,
        "trained in": item.run or NONE,
        **{view: ", ".join(entities) or NONE for view, entities in views.items()},
    }
    rows = [
        row
        for source in item.sources
        for row in ([_place(source, place) for place in source.places] or [_row(source)])
    ]
    reasons = [*item.reasons, *(text for source in item.sources for text in source.reasons)]
    return Card(
        title=f"where {item.feature} comes from",
        ref=f"monitor:{item.monitor}",
        facts=said(facts),
        rows=rows,
        note=" ".join([item.basis, *dict.fromkeys(reasons)]),
    )


def _row(source: CauseSource) -> Row:
    return {
        "dataset": source.dataset.removeprefix("dataset:").partition("@")[0],
        "step": plain(source.step.removeprefix("step:") or source.written_by or None),
        "run": plain(source.run or None),
    }


def _place(source: CauseSource, place: CausePlace) -> Row:
    where = place.file if place.cell is None else f"{place.file}, cell {place.cell}"
    lines = place.source.split("\n")[place.line - place.first_line :]
    return {
        **_row(source),
        "code": f"{where}, line {place.line}",
        "how": _HOW.get(place.how, place.how),
        "newest run": place.change,
        "text": beginning(lines[0].strip() if lines else "", 80),
    }
