"""The card of a record as its project shows it: the metric of its target first, jobs by their
names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError
from ..faces.cards import Card, card_of

if TYPE_CHECKING:
    from ..workbench import Workbench

_JOB = re.compile(r"\bjob:([0-9a-f]{8})\b")


def current_card(value: Any) -> Card | None:
    """The card in the current project; outside of one, only with what the record itself holds."""
    from ..workbench import current

    try:
        return card_in(current(), value)
    except MLInfraError:
        return card_of(value)


def card_in(workbench: Workbench, value: Any) -> Card | None:
    """The card in a project. A job that cannot be read keeps its id."""
    card = card_of(value, first=workbench.project.settings.project.targets.metric)
    if card is None:
        return None
    shown = [card.facts, *card.rows]
    refs = {f"job:{id}" for texts in shown for text in texts.values() for id in _JOB.findall(text)}
    names = workbench.names(sorted(refs)) if refs else {}

    def name_of(found: re.Match[str]) -> str:
        ref = found[0]
        return f"{names[ref]} (job {found[1]})" if ref in names else ref

    facts, *rows = (
        {key: _JOB.sub(name_of, text) for key, text in texts.items()} for texts in shown
    )
    return replace(card, facts=facts, rows=rows)
