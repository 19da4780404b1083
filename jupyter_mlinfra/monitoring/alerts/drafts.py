"""Rule files before they are saved: what the text in an editor means, or what is wrong with it."""

from __future__ import annotations

import re
from typing import Any

from ...core.documents import parse_document
from ...core.errors import MLInfraError
from ..rules.book import RuleBook
from ..rules.file import KIND, ReadFile
from ..rules.spec import METRICS
from .spec import DraftRule, RuleDraft, RuleFault

_POSITION = re.compile(r".*?, line (?P<line>\d+)(?:, column \d+)?: ", re.DOTALL)


def draft(text: str, found: ReadFile, book: RuleBook) -> RuleDraft:
    """The rules as they are written, also of a text with a fault in their meaning. book: the file
    with the built-in rules.
    """
    faults = [*found.faults] or [*book.problems.get(found.name, ())]
    monitor, group, rules = "", "", list[DraftRule]()
    try:
        document = parse_document(text, found.name, KIND)
    except MLInfraError:  # it is one of the faults
        data: Any = None
    else:
        data = document.data
    if isinstance(data, dict):
        monitor, group = (str(data.get(key) or "") for key in ("monitor", "group"))
        written = data.get("rules")
        for place, item in enumerate(written if isinstance(written, list) else ()):
            if isinstance(item, dict):
                values = {str(key): value for key, value in item.items()}
                line = document.line(("rules", place))
                rules.append(DraftRule(place=place, line=line, values=values))
    return RuleDraft(
        file=found.name,
        monitor=monitor,
        group=group,
        rules=rules,
        faults=[fault(item) for item in faults],
        metrics=METRICS,
    )


def fault(error: MLInfraError) -> RuleFault:
    """A fault with its line."""
    position = _POSITION.match(error.what)
    return RuleFault(
        what=error.what,
        why=error.why,
        fix=error.fix,
        line=int(position["line"]) if position else None,
    )
