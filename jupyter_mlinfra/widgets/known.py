"""The card of a record as its project shows it: the metric of its target first, jobs by their
names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    names: dict[str, str] = {}

    def name_of(found: re.Match[str]) -> str:
        id = found[1]
        if id not in names:
            names[id] = _name(workbench, id)
        return names[id]

    def with_names(texts: Mapping[str, str]) -> dict[str, str]:
        return {key: _JOB.sub(name_of, text) for key, text in texts.items()}

    return replace(card, facts=with_names(card.facts), rows=[with_names(row) for row in card.rows])


def _name(workbench: Workbench, id: str) -> str:
    try:
        return f"{workbench.jobs.show(id).name} (job {id})"
    except MLInfraError:
        return f"job:{id}"
