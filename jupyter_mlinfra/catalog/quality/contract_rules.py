"""The rules in a data contract (ODCS 3), as far as they can be asked here; the others are named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from .allowance import NONE, Allowance
from .checks import Check, Fresh, NotNull, References, Unique
from .contract_metrics import (
    MOST_SIGNS,
    check_of_limit,
    checks_of_query,
    demands_of_metric,
    is_number,
)
from .contract_written import ENGINE, UNITS
from .pandera_rules import read_pandera
from .screening import said
from .words import demand_of, stored_text, target

if TYPE_CHECKING:
    from ..names import DatasetName
    from .spec import Severity

_WARNINGS = ("warning", "warn", "info", "low", "minor", "medium")
_OLD_METRICS = {
    "nullCheck": "nullValues",
    "nullValues": "nullValues",
    "duplicateCount": "duplicateValues",
    "duplicateValues": "duplicateValues",
    "validValues": "invalidValues",
    "rowCount": "rowCount",
}
_DEMANDS = ("required", "unique", "primaryKey", "logicalTypeOptions", "quality", "relationships")
_LONG_UNITS = {
    "day": "d",
    "days": "d",
    "hour": "h",
    "hours": "h",
    "minute": "m",
    "minutes": "m",
    "min": "m",
}


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule of a contract."""

    name: str
    text: str
    check: Check
    severity: Severity


class Reading:
    """Reads one table of a contract. columns: those of the dataset; none if they are not known.
    rules: by their names. left_out: what cannot be asked here, a line each.
    """

    def __init__(self, dataset: DatasetName, columns: Collection[str] = ()) -> None:
        self._dataset, self._known = dataset, columns
        self._tables: set[object] = {dataset.table, dataset.text}
        self._names: dict[str, str] = {}
        self.rules: dict[str, ReadRule] = {}
        self.left_out: list[str] = []

    def table(self, table: Mapping[str, Any]) -> None:
        """The rules of the table and of its columns."""
        properties = _dicts(table.get("properties"))
        self._tables |= {str(table[key]) for key in ("name", "physicalName") if table.get(key)}
        self._names = {str(found.get("name")): self._name(found) for found in properties}
        for item in _dicts(table.get("quality")):
            self._tried("the table", item, lambda item=item: self._quality(item, None))
        for found in properties:
            if not (name := self._name(found)):
                self.left_out.append("a column without a name")
                continue
            for item in _dicts(found.get("quality")):
                self._tried(name, item, lambda item=item, name=name: self._quality(item, name))
            self._column(name, found)
            self._fields(name, found)
        keys = [found for found in properties if found.get("primaryKey") is True]
        keys.sort(key=lambda found: _position(found.get("primaryKeyPosition")))
        names = list(filter(None, map(self._name, keys)))
        if names:
            self._add(Unique(tuple(names)))
        for name in names:
            self._add(NotNull(name))
        for item in _dicts(table.get("relationships")):
            self._relationship(item, item.get("from"))

    def pandera(self, content: Mapping[str, Any]) -> None:
        """The rules of a schema that pandera wrote."""
        read_pandera(content, self._add, self._tried, self.left_out)

    def _name(self, found: Mapping[str, Any]) -> str:
        """The column that a property is: its name in the database, or, if the dataset has no such
        column, its name in the contract.
        """
        names = [str(found[key]) for key in ("physicalName", "name") if found.get(key)]
        return next((name for name in names if name in self._known), next(iter(names), ""))

    def _fields(self, name: str, found: Mapping[str, Any]) -> None:
        """Name the fields within a column that something is demanded of: it is not asked."""
        inner = _dicts(found.get("properties"))
        if isinstance(items := found.get("items"), dict):
            inner = [*inner, items]
        for field in inner:
            path = f"{name}.{str(field.get('name') or 'items')[:MOST_SIGNS]}"
            if any(field.get(key) for key in _DEMANDS):
                self.left_out.append(f"{path!r}: rules about fields within a column are not asked")
            self._fields(path, field)

    def _is_here(self, element: Any) -> bool:
        """Whether an agreement is about this table. element: `table` or `table.column`, or several
        of them.
        """
        parts = [part.strip() for part in str(element or "").split(",") if part.strip()]
        return not parts or any(
            part in self._tables or part.rpartition(".")[0] in self._tables for part in parts
        )

    def agreements(self, found: Any) -> None:
        """Those about freshness of this table; the others are no rules about its rows."""
        for item in _dicts(found):
            kind = str(item.get("property", ""))
            unit = str(item.get("unit", "d")).lower()
            value, unit = item.get("value"), _LONG_UNITS.get(unit, unit)
            is_about_rows = kind in ("freshness", "latency") and unit in UNITS
            if not is_about_rows or not isinstance(value, int | float) or not is_number(value):
                self.left_out.append(
                    f"the agreement {kind[:MOST_SIGNS]!r}: it is not about fresh rows"
                )
                continue
            if not self._is_here(item.get("element")):
                about = str(item["element"])[:80]
                self.left_out.append(f"the agreement {kind!r}: it is about {about}")
                continue
            self._tried("the agreements", {"name": kind}, partial(self._fresh, value, UNITS[unit]))

    def _fresh(self, value: float, unit: float) -> None:
        self._add(Fresh(target(f"{value}", float(value) * unit)))

    def _tried(self, where: str, item: Mapping[str, Any], read: Any) -> None:
        """Read one rule; one that cannot be is named."""
        try:
            read()
        except Exception as error:  # noqa: BLE001 - one rule must not keep out the others
            name = item.get("name") or item.get("metric") or item.get("type") or "a rule"
            self.left_out.append(f"{str(name)[:MOST_SIGNS]!r} of {where}: {said(error)}")

    def _quality(self, item: Mapping[str, Any], column: str | None) -> None:
        kind = item.get("type") or ("library" if item.get("metric") or item.get("rule") else "")
        if kind == "custom" and item.get("engine") == ENGINE:
            text = item.get("implementation")
            check, allowed = demand_of(text if isinstance(text, str) else "")
            self._add(check, item, allowed)
        elif kind == "library":
            metric = item.get("metric") or _OLD_METRICS.get(str(item.get("rule")), "")
            checks, allowed = demands_of_metric(str(metric), item, column, self._names)
            for check in checks:
                self._add(check, item, allowed)
        elif kind == "text":
            raise BadRequest("It is a text for people.")
        elif kind == "sql":
            for check in checks_of_query(item, column):
                self._add(check, item)
        else:
            engine = f" of {item['engine']}" if isinstance(item.get("engine"), str) else ""
            raise BadRequest(f"Rules{engine} cannot be asked here.")

    def _column(self, name: str, found: Mapping[str, Any]) -> None:
        """What a column says without a rule: required, unique, limits of its values, whose values
        they are.
        """
        if found.get("required") is True:
            self._add(NotNull(name))
        if found.get("unique") is True:
            self._add(Unique((name,)))
        options = found.get("logicalTypeOptions")
        for key, value in (options if isinstance(options, dict) else {}).items():
            try:
                if (check := check_of_limit(name, key, value)) is not None:
                    self._add(check)
            except Exception as error:  # noqa: BLE001 - one limit must not keep out the others
                self.left_out.append(f"{str(key)[:MOST_SIGNS]!r} of {name}: {said(error)}")
        for item in _dicts(found.get("relationships")):
            self._relationship(item, name)

    def _relationship(self, item: Mapping[str, Any], column: Any) -> None:
        to = item.get("to")
        here = [column] if isinstance(column, str) else column
        there = [to] if isinstance(to, str) else to
        if not (
            isinstance(here, list) and isinstance(there, list) and len(here) == len(there) == 1
        ):
            self.left_out.append("a relationship of several columns")
            return
        table, _, other = str(there[0]).rpartition(".")
        if not table or "/" in str(there[0]):
            self.left_out.append(f"the relationship to {str(there[0])[:80]!r}")
            return
        dataset = table if "." in table else f"{self._dataset.namespace}.{table}"
        mine = str(here[0]).rpartition(".")[2]
        self._add(References(self._names.get(mine, mine), dataset, other))

    def _add(
        self, check: Check, item: Mapping[str, Any] | None = None, allowed: Allowance = NONE
    ) -> None:
        """Keep a rule; one that demands the same as another is kept once. What could not be read
        again is named. allowed: how many rows may fail.
        """
        item = item or {}
        name = item.get("name") if isinstance(item.get("name"), str) else ""
        try:
            text = stored_text(check, allowed)
        except BadRequest as error:
            about = str(name or ", ".join(check.columns) or "the table")
            self.left_out.append(f"{about[:MOST_SIGNS]!r}: {said(error)}")
            return
        if any(rule.text == text for rule in self.rules.values()):
            return
        name = str(name or text).strip()[:200]
        if name in self.rules:
            name = text
        self.rules[name] = ReadRule(name, text, check, _severity(item.get("severity")))


def _severity(word: Any) -> Severity:
    text = str(word or "").lower()
    if text == "quarantine":
        return "quarantine"
    return "warn" if text in _WARNINGS else "block"


def _dicts(found: Any) -> list[Mapping[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _position(found: Any) -> int:
    return found if isinstance(found, int) and found >= 0 else 1 << 30
