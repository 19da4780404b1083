"""Statistics of columns."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.rows import Row, row, rows_of
from ....faces.words import beginning, datum, number, plain, share, span
from ...spec import ColumnProfile, Profile


@row(ColumnProfile)
def column_profile(item: ColumnProfile) -> Row:
    return {
        "column": item.name,
        "type": item.type,
        "missing": share(item.missing),
        "distinct": number(item.distinct),
        "min": beginning(datum(item.min), 24),
        "mean": beginning(number(item.mean), 24),
        "max": beginning(datum(item.max), 24),
        "top": beginning(number(item.top), 24),
    }


@card(Profile)
def _profile(item: Profile) -> Card:
    facts = {
        "rows": number(item.rows),
        "tier": item.tier,
        "snapshot": plain(item.snapshot),
        "took": span(item.seconds),
    }
    return Card(
        title=f"profile of {item.ref.partition(':')[2]}",
        ref=item.ref,
        facts=said(facts),
        rows=rows_of(item.columns),
    )
