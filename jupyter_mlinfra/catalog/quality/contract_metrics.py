"""What the metrics of the contract standard's library, and the limits of its types, demand here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ...core.errors import BadRequest
from .allowance import NONE, Allowance, allowance
from .checks import Check, Condition, InRange, InSet, Matches, NotNull, RowCount, Unique
from .literals import Value
from .statements import Must, Select, made, with_column
from .words import check_of

MOST_SIGNS = 40
"""Signs of a foreign word that a message repeats."""

OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeGreaterThanOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeLessThanOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
_SCALARS = (str, int, float, bool)


def demands_of_metric(
    metric: str, item: Mapping[str, Any], column: str | None, columns: Mapping[str, str]
) -> tuple[list[Check], Allowance]:
    """What a metric of the standard's library demands, and how many rows may fail. columns: those
    of the table, by their names in the contract.
    """
    if metric == "rowCount":
        return [_row_count(item)], NONE
    allowed = _allowed(item)
    checks = _checks_of(metric, item, column, columns)
    if allowed == NONE or len(checks) == 1:
        return checks, allowed
    return [check_of(" and ".join(map(_condition, checks)))], allowed  # a row fails them once


def _checks_of(
    metric: str, item: Mapping[str, Any], column: str | None, columns: Mapping[str, str]
) -> list[Check]:
    found: Any = item.get("arguments")
    arguments: Mapping[str, Any] = found if isinstance(found, dict) else {}
    if metric == "duplicateValues":
        names: Any = arguments.get("properties") or ([column] if column else None)
        if not _are(names, (str,)):
            raise BadRequest("It does not say of which columns.")
        return [Unique(tuple(columns.get(name, name) for name in names))]
    if column is None:
        raise BadRequest("It does not say of which column.")
    if metric == "nullValues":
        return [NotNull(column)]
    if metric == "missingValues":
        return _present(column, arguments.get("missingValues"))
    if metric == "invalidValues":
        values: Any = _plain(arguments.get("validValues") or item.get("validValues"))
        pattern = arguments.get("pattern")
        checks: list[Check] = [InSet(column, tuple(values))] if _are(values, _SCALARS) else []
        checks += [Matches(column, pattern)] if isinstance(pattern, str) else []
        if checks:
            return checks
        raise BadRequest("It does not say which values are valid.")
    raise BadRequest(f"The metric {metric[:MOST_SIGNS]!r} is not known here.")


def checks_of_query(item: Mapping[str, Any], column: str | None) -> list[Check]:
    """What a query of a contract demands: one check for each thing that its value must be."""
    query = item.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("It has no query.")
    musts = [_must(key, item[key]) for key in OPERATORS if key in item]
    if not musts:
        raise BadRequest("It does not say what the number must be.")
    query = with_column(query, column)
    rows = _FAILING.fullmatch(query)
    if rows and musts == [Must("mustBe", (0,))]:
        return [made(rows["query"], None)]
    return [made(query, must) for must in musts]


_FAILING = re.compile(r"SELECT count\(\*\) FROM \(\n(?P<query>.+)\n\) AS failing", re.DOTALL)


def query_of(check: Select) -> dict[str, Any]:
    """A query as a contract has it; `checks_of_query` reads it as the same."""
    if check.must is None:
        query = f"SELECT count(*) FROM (\n{check.query}\n) AS failing"  # noqa: S608 (only written)
        return {"type": "sql", "query": query, "mustBe": 0}
    operator, bounds = check.must.operator, check.must.bounds
    value = list(bounds) if len(bounds) > 1 else bounds[0]
    return {"type": "sql", "query": check.query, operator: value}


def _must(operator: str, value: Any) -> Must:
    """What a value must be, as `Must` has it."""
    bounds = value if isinstance(value, list) else [value]
    is_range = operator.endswith("Between")
    good = isinstance(value, bool) or all(map(is_number, bounds))
    if not good or len(bounds) != 1 + is_range or isinstance(value, list) != is_range:
        raise BadRequest(f"{value!r:.40} is not what a number can be compared with.")
    return Must(operator.replace("ThanOr", "Or"), tuple(bounds))


def _present(column: str, missing: Any) -> list[Check]:
    """No value of those that stand for a missing one."""
    if not isinstance(missing, list) or not missing:
        return [NotNull(column)]
    checks: list[Check] = [NotNull(column)] if None in missing else []
    words = [value for value in _plain(missing) if isinstance(value, _SCALARS)]
    if words:
        listed = ", ".join(json.dumps(value) for value in words if not isinstance(value, bool))
        checks.append(check_of(f"col({json.dumps(column)}) not in [{listed}]"))
    return checks


def _condition(check: Check) -> str:
    """A check of one column as a part of a condition."""
    match check:
        case NotNull(column):
            return f"col({json.dumps(column)}) is not None"
        case InSet(column, values):
            words = [_word(value) for value in values]  # beside it stands a pattern: it has texts
            return f"col({json.dumps(column)}) in {json.dumps(words)}"
        case Matches(column, pattern):
            return f"matches(col({json.dumps(column)}), {json.dumps(pattern)})"
        case Condition(text):
            return text
    raise AssertionError(check)


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(item: Mapping[str, Any]) -> Allowance:
    """How many rows a rule lets fail. Raises BadRequest for a unit that is not known."""
    operator, value = _operator(item)
    unit = item.get("unit", "rows")
    allowed = allowance(operator, value, percent=unit == "percent")
    if allowed != NONE and unit not in ("rows", "percent"):
        raise BadRequest(f"It counts in {unit!r:.40}; rows and percent are known.")
    return allowed


def _row_count(item: Mapping[str, Any]) -> RowCount:
    operator, value = _operator(item)
    if operator == "mustBeBetween" and _are(value, (int, float)) and len(value) == 2:
        return RowCount(_whole(value[0]), _whole(value[1]))
    if not is_number(value):
        raise BadRequest(f"{value!r:.40} is not a number of rows.")
    rows = _whole(value)
    match operator:
        case "mustBe":
            return RowCount(rows, rows)
        case "mustBeGreaterThan":
            return RowCount(rows + 1)
        case "mustBeGreaterOrEqualTo" | "mustBeGreaterThanOrEqualTo":
            return RowCount(rows)
        case "mustBeLessThan":
            return RowCount(None, rows - 1)
        case "mustBeLessOrEqualTo" | "mustBeLessThanOrEqualTo":
            return RowCount(None, rows)
    raise BadRequest(f"{operator} of a number of rows cannot be asked here.")


def _operator(item: Mapping[str, Any]) -> tuple[str, Any]:
    found = [(key, item[key]) for key in OPERATORS if key in item]
    if len(found) != 1:
        raise BadRequest("It does not say what the number must be.")
    return found[0]


def check_of_limit(column: str, key: str, value: Any) -> Check | None:
    """What an option of a type demands; None for one that demands nothing."""
    name, value = f"col({json.dumps(column)})", _plain(value)
    if key in ("timezone", "defaultTimezone"):
        return None
    if key == "format":
        raise BadRequest("The form of values is not checked.")
    if key == "pattern" and isinstance(value, str):
        return Matches(column, value)
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise BadRequest(f"{value!r:.40} is not a limit.")
    match key:
        case "minimum":
            return InRange(column, low=value)
        case "maximum":
            return InRange(column, high=value)
        case "exclusiveMinimum":
            return check_of(f"{name} > {json.dumps(value)}")
        case "exclusiveMaximum":
            return check_of(f"{name} < {json.dumps(value)}")
        case "multipleOf":
            return check_of(f"{name} % {json.dumps(value)} == 0")
        case "minLength":
            return check_of(f"length({name}) >= {json.dumps(value)}")
        case "maxLength":
            return check_of(f"length({name}) <= {json.dumps(value)}")
    raise BadRequest("It cannot be asked here.")


def _are(values: Any, kinds: tuple[type, ...]) -> bool:
    """Whether it is a list of such values, and not empty."""
    return isinstance(values, list) and bool(values) and all(isinstance(v, kinds) for v in values)


def _plain(value: Any) -> Any:
    """A value of YAML, also in a list, as JSON has it: dates and times are texts."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _whole(value: float) -> int:
    if not math.isfinite(value) or value != int(value) or value < 0:
        raise BadRequest(f"{value!r} is not a number of rows.")
    return int(value)
