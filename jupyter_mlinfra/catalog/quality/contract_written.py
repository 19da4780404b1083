"""A dataset and its rules in the words of a data contract (ODCS 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..columnlabels import PII
from .allowance import Allowance
from .checks import Fresh, InSet, Matches, NotNull, RowCount, Unique, Unreadable
from .contract_metrics import query_of
from .statements import Select
from .words import allowance_of, stored_check, text_of

if TYPE_CHECKING:
    from ..spec import Column, DatasetDetail
    from .spec import Rule

ENGINE = "jupyter-mlinfra"
"""Of rules that the standard has no words for: our own words are the implementation."""

SEVERITIES = {"block": "error", "warn": "warning", "quarantine": "quarantine"}
UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0}


def contract_of(
    detail: DatasetDetail, rules: Sequence[Rule]
) -> tuple[dict[str, Any], int, list[str]]:
    """The contract, how many rules it has, and what it cannot say."""
    dataset = detail.dataset
    properties = {column.name: _property(column) for column in detail.schema}
    table: dict[str, Any] = {
        "name": dataset.name.rpartition(".")[2],
        "physicalName": dataset.name,
        "logicalType": "object",
        "physicalType": "table",
        **_said(description=dataset.description, tags=list(dataset.tags)),
        "properties": list(properties.values()),
    }
    agreements, left_out, count = list[dict[str, Any]](), list[str](), len(rules)
    for rule in rules:
        check = stored_check(rule.text)
        if isinstance(check, Unreadable):
            left_out.append(f"{rule.rule}: it cannot be read: {check.why}")
            count -= 1
            continue
        if isinstance(check, Fresh):
            agreements.append(_agreement(check))
            left_out += _unsaid(rule)
            continue
        columns = check.columns
        if missing := [name for name in columns if name not in properties]:
            left_out.append(f"{rule.rule}: the dataset has no column {missing[0]!r}")
            count -= 1
            continue
        place = properties[columns[0]] if len(columns) == 1 else table
        place.setdefault("quality", []).append(_quality(rule, check, len(columns)))
    content: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": dataset.name,
        "name": dataset.name,
        "version": "1.0.0",
        "status": "active",
        "schema": [table],
        **_said(slaProperties=agreements),
    }
    if dataset.owner:
        content["team"] = {"members": [{"username": dataset.owner, "role": "owner"}]}
    return content, count, left_out


def _property(column: Column) -> dict[str, Any]:
    tags = list(column.tags)
    return {
        "name": column.name,
        "logicalType": _logical(column.type),
        "physicalType": column.type,
        **_said(
            description=column.doc,
            required=column.required,
            tags=tags,
            classification=PII if PII in tags else "",
        ),
    }


def _logical(short: str) -> str:
    """The standard's word for a type."""
    for begin, word in _TYPES.items():
        if short.startswith(begin):
            return word
    return "string"


_TYPES: Mapping[str, str] = {
    "struct": "object",
    "list": "array",
    "arr": "array",
    "map": "object",
    "i": "integer",
    "u": "integer",
    "f": "number",
    "dec": "number",
    "bool": "boolean",
    "date": "date",
    "time": "time",
    "ts": "timestamp",
}
"""By the beginning of a short type."""


def _quality(rule: Rule, check: object, columns: int) -> dict[str, Any]:
    """One rule, where it belongs: at its column, or at the table."""
    words = {"name": rule.rule, "severity": SEVERITIES[rule.severity]}
    few = _few(allowance_of(rule.text))
    match check:
        case NotNull():
            said: dict[str, Any] = {"type": "library", "metric": "nullValues", **few}
        case Unique(names):
            more = {"arguments": {"properties": list(names)}} if columns > 1 else {}
            said = {"type": "library", "metric": "duplicateValues", **more, **few}
        case InSet(_, values):
            valid = {"validValues": list(values)}
            said = {"type": "library", "metric": "invalidValues", "arguments": valid}
            said |= few
        case Matches(_, pattern):
            said = {"type": "library", "metric": "invalidValues", "arguments": {"pattern": pattern}}
            said |= few
        case RowCount(low, high):
            said = {"type": "library", "metric": "rowCount", **_bounds(low, high), "unit": "rows"}
        case Select():
            said = query_of(check)
        case _:
            said = {"type": "custom", "engine": ENGINE, "implementation": rule.text}
    return {**words, **said}


def _few(allowed: Allowance) -> dict[str, Any]:
    """How many rows may fail."""
    (most,) = allowed.must.bounds
    return {allowed.must.operator: most, "unit": "percent" if allowed.percent else "rows"}


def _bounds(low: int | None, high: int | None) -> dict[str, Any]:
    if low is None:
        return {"mustBeLessOrEqualTo": high}
    if high is None:
        return {"mustBeGreaterOrEqualTo": low}
    return {"mustBe": low} if low == high else {"mustBeBetween": [low, high]}


def _agreement(check: Fresh) -> dict[str, Any]:
    unit = next(
        unit for unit, length in UNITS.items() if check.seconds % length == 0 or unit == "m"
    )
    value = check.seconds / UNITS[unit]
    return {
        "property": "freshness",
        "value": int(value) if value.is_integer() else value,
        "unit": unit,
    }


def _unsaid(rule: Rule) -> list[str]:
    """What an agreement about freshness cannot say of a rule."""
    unsaid = []
    if rule.severity != "block":
        unsaid.append(f"that it is to {rule.severity}")
    if rule.rule != text_of(stored_check(rule.text)):
        unsaid.append(f"its name {rule.rule!r}")
    return [f"{rule.text}: {' and '.join(unsaid)} cannot be said"] if unsaid else []


def _said(**words: Any) -> dict[str, Any]:
    """What is not empty."""
    return {key: value for key, value in words.items() if value}
