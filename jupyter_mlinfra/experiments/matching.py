"""Filter and sort order applied in Python, for stores that are read through MLflow's API."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .facts import RunFacts
from .query import Every, Field, Filter, Not, Predicate, Some, Sort, is_like, number_of

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(run_filter: Filter | None, run: RunFacts) -> bool:
    """Whether the run passes the filter."""
    match run_filter:
        case None:
            return True
        case Not(item):
            return not matches(item, run)
        case Every(items):
            return all(matches(item, run) for item in items)
        case Some(items):
            return any(matches(item, run) for item in items)
        case Predicate(field, "null"):
            return not values_of(field, run)
        case Predicate(field, op, targets):
            return any(
                _passes(value, op, target, field.numeric)
                for value in values_of(field, run)
                for target in targets
            )


def values_of(field: Field, run: RunFacts) -> list[Any]:
    """The values of a field: none if it is missing, several for `dataset`."""
    match field.kind:
        case "metric":
            return [run.metrics[field.key]] if field.key in run.metrics else []
        case "param":
            return [run.params[field.key]] if field.key in run.params else []
        case "tag":
            return [run.tags[field.key]] if field.key in run.tags else []
    if field.key == "dataset":
        return list(run.datasets)
    record = run.record()
    value = {
        "started": run.started,
        "ended": run.ended,
        "duration": run.duration,
        "job": record.job,
        "step": record.step,
    }.get(field.key, getattr(run, field.key, None))
    return [] if value is None else [value]


def _passes(value: Any, op: str, target: str | float, numeric: bool) -> bool:
    if op in ("like", "ilike"):
        return is_like(str(target), op == "ilike", str(value))
    if not isinstance(target, str) and not numeric:
        value = number_of(value)
    if value is None or value != value:  # not a number, or NaN
        return False
    return _COMPARE["=" if op == "in" else op](value, target)


def ordered(runs: Iterable[RunFacts], sorts: Sequence[Sort]) -> list[RunFacts]:
    """The runs in order: values, then NaN or texts among numbers, then runs without a value; ties
    newest first, then by id.
    """
    result = sorted(runs, key=lambda run: run.id)
    result.sort(key=lambda run: -1 if run.started is None else run.started, reverse=True)
    # The sort is stable: a key only decides among runs that are equal by the keys before it.
    for sort in reversed(sorts):
        groups: tuple[list[tuple[Any, RunFacts]], ...] = ([], [], [])
        for run in result:
            group, key = _key(sort.field, run)
            groups[group].append((key, run))
        for rows in groups:
            rows.sort(key=lambda row: row[0], reverse=sort.descending)
        result = [run for rows in groups for _, run in rows]
    return result


def _key(field: Field, run: RunFacts) -> tuple[int, Any]:
    values = values_of(field, run)
    if not values:
        return 2, 0
    value = values[0]
    if field.numeric:
        return (1, 0) if value != value else (0, value)
    if field.kind == "attribute":
        return 0, value
    number = number_of(value)
    return (1, value) if number is None else (0, (number, value))
