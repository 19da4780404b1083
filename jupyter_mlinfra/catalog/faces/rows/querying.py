"""Answers in SQL."""

from __future__ import annotations

from ....faces.cards import Card, card, said
from ....faces.words import NONE, beginning, counted, plain, stored
from ...querying.answers import SqlAnswer


@card(SqlAnswer)
def _answer(item: SqlAnswer) -> Card:
    facts = {
        "masked": plain(item.masked) if item.masked else NONE,
        "more": "there are more rows" if item.more else NONE,
    }
    rows = [
        {name: beginning(stored(value), 40) for name, value in zip(item.columns, row, strict=True)}
        for row in item.rows
    ]
    return Card(title=counted(len(item.rows), "row"), facts=said(facts), rows=rows)
