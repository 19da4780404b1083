"""The rules of a dataset as a property of its table, for those who write to it where the project's
state cannot be opened: jobs on other machines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError, NotFound, Unprocessable
from ...core.records import from_seconds, to_seconds
from ..stores.versions import can_change
from .spec import Rule
from .words import stored_check

if TYPE_CHECKING:
    from ..metadata import Metadata
    from ..names import DatasetName
    from ..store import CatalogStore

RULES = "mlinfra.rules"
"""Property of a table: its rules as JSON, a list of objects."""


def carry(store: CatalogStore, name: DatasetName, rules: Callable[[], Sequence[Rule]]) -> None:
    """Write the rules into the table, unless it has them or does not exist yet. rules: asked while
    nobody else does the same.
    """
    what = f"{name.text} does not carry its rules: jobs on other machines do not know them yet."
    with store.lock(name), store.explained(what):
        wanted = _text(rules())
        try:
            table = store.load(name)
        except NotFound:
            return
        if table.properties.get(RULES, _text(())) == wanted or not can_change(table):
            return  # no writer has to know the rules of a table that is not written
        with table.transaction() as transaction:
            transaction.set_properties({RULES: wanted})


def carried(name: DatasetName, metadata: Metadata) -> list[Rule]:
    """The rules that a table carries. Raises Unprocessable if another client has broken them."""
    text = metadata.get("properties", {}).get(RULES, "[]")
    try:
        return [_rule(name, item) for item in json.loads(text)]
    except (ValueError, KeyError, TypeError, MLInfraError) as error:
        raise Unprocessable(
            f"The rules of {name.text} cannot be read.",
            f"Its table property {RULES} was changed by another client ({error}).",
            "Set the rules again where the project is: mlinfra catalog rule"
            f" {name.text} RULE. Nothing was written.",
        ) from error


def _rule(name: DatasetName, item: Mapping[str, Any]) -> Rule:
    return Rule(
        dataset=name.text,
        rule=item["rule"],
        text=item["text"],
        severity=item["severity"],
        columns=list(stored_check(item["text"]).columns),
        at=from_seconds(item["at"]),
        user=item["user"],
    )


def _text(rules: Sequence[Rule]) -> str:
    return json.dumps(
        [
            {
                "rule": rule.rule,
                "text": rule.text,
                "severity": rule.severity,
                "at": to_seconds(rule.at),
                "user": rule.user,
            }
            for rule in rules
        ]
    )
