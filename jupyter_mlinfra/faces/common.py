"""Rows of the records that belong to no domain alone."""

from __future__ import annotations

from dataclasses import replace

from ..core.lineage import Edge
from ..core.search import Hit, HitPage
from ..core.targets import TargetCheck
from .cards import Card, card, from_page
from .rows import Row, row
from .words import beginning, plain


@row(Edge, noun="edge")
def edge(item: Edge) -> Row:
    return {
        "from": item.input,
        "to": item.output,
        "columns": beginning(", ".join((*map(" → ".join, item.columns), *_untraced(item)))),
        "by": plain(item.job),
        "at": item.at[:16].replace("T", " "),
    }


def _untraced(item: Edge) -> list[str]:
    """The columns of which nothing is known."""
    return [f"? → {name}" for name in item.untraced or ()]


@row(Hit, noun="object")
def hit(item: Hit) -> Row:
    return {"ref": item.ref, "name": item.name, "detail": beginning(item.detail)}


@card(HitPage)
def _hits(page: HitPage) -> Card:
    facets = {
        name: beginning(", ".join(f"{value} ({count:,})" for value, count in values.items()), 200)
        for name, values in page.facets.items()
    }
    return replace(from_page(page), facts=facets)


@row(TargetCheck)
def target_check(item: TargetCheck) -> Row:
    return {
        "target": item.target,
        "limit": item.limit,
        "measured": item.measured,
        "verdict": item.verdict,
        "fix": plain(item.fix),
    }
