"""The part of a filter and of a sort order that an MLflow server can do itself: its search joins
tests only by `and` and orders parameters as text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .facts import JOB, STEP
from .query import Every, Field, Filter, Predicate, Sort

_TAGS = {"job": JOB, "step": STEP}
_EQUALITY = ("=", "!=")
_LIKE = ("like", "ilike")
CHANGED_BY_JOB_END = ("status", "ended")
"""Attributes that differ from the server's for a run whose job was killed."""
_OPPOSITE = {"failed": ("FINISHED", "SCHEDULED"), "killed": ("FINISHED", "SCHEDULED")}
"""States that the server cannot report for a run that is shown with this status. It may report the
run as running, because it does not know that the job has ended.
"""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A filter in MLflow's language. It passes at least what the filter here passes. exact: it
    passes nothing else.
    """

    text: str
    exact: bool


def pushed_filter(run_filter: Filter | None) -> Pushed:
    """As much of the filter as MLflow's language can express."""
    tests = list(_tests(run_filter))
    parts = [
        _condition(test) if isinstance(test, Predicate) else Pushed("", False) for test in tests
    ]
    return Pushed(
        " and ".join(part.text for part in parts if part.text), all(part.exact for part in parts)
    )


def pushed_order(sorts: Sequence[Sort], *, ends_differ: bool) -> list[str] | None:
    """The sort order in MLflow's language; None if the server would order differently. ends_differ:
    some states and ends differ from the server's.
    """
    keys = [_key(sort.field, ends_differ) for sort in sorts]
    if not all(keys):
        return None
    return [
        f"{key} {'DESC' if sort.descending else 'ASC'}"
        for key, sort in zip(keys, sorts, strict=True)
    ]


def _tests(run_filter: Filter | None) -> Iterator[Filter]:
    if isinstance(run_filter, Every):
        for item in run_filter.items:
            yield from _tests(item)
    elif run_filter is not None:
        yield run_filter


def _key(field: Field, ends_differ: bool) -> str:
    if field.kind == "metric":
        return f"metrics.{name}" if (name := _quoted(field.key)) else ""
    if field.kind != "attribute":
        return ""  # as numbers, if they are numbers
    if field.key in _TAGS:
        return f"tags.`{_TAGS[field.key]}`"
    names = {"started": "start_time", "id": "run_id", "name": "run_name"} | (
        {} if ends_differ else {"ended": "end_time", "status": "status"}
    )
    return f"attributes.{names[field.key]}" if field.key in names else ""


def _condition(test: Predicate) -> Pushed:
    match test.field.kind:
        case "metric":
            return _metric(test)
        case "param" | "tag":
            return _text(
                test, f"{test.field.kind}s.{name}" if (name := _quoted(test.field.key)) else ""
            )
    if test.field.key in _TAGS:
        return _text(test, f"tags.`{_TAGS[test.field.key]}`")
    if test.field.key == "started":
        return _started(test)
    if test.field.key == "status":
        return _status(test)
    if test.field.key == "id":
        return _id(test)
    # A run without a name has no tag for it.
    if test.field.key == "name" and test.op in ("=", *_LIKE) and str(test.values[0]).strip("%"):
        return _text(test, "attributes.run_name")
    return Pushed("", False)


def _metric(test: Predicate) -> Pushed:
    name = _quoted(test.field.key)
    if not name or test.op in ("null", "in") or not math.isfinite(float(test.values[0])):
        return Pushed("", False)
    number = repr(float(test.values[0])).replace("+", "")  # MLflow reads 1e308, but not 1e+308
    return Pushed(f"metrics.{name} {test.op} {number}", True)


def _text(test: Predicate, name: str) -> Pushed:
    if not name or test.op == "null":
        return Pushed("", False)
    value = test.values[0]
    text = quoted_text(value) if isinstance(value, str) and len(test.values) == 1 else ""
    if text and test.op in (*_EQUALITY, "in"):
        return Pushed(f"{name} {'=' if test.op == 'in' else test.op} {text}", True)
    if text and test.op in _LIKE and "\\" not in text:  # some databases take it for an escape
        return Pushed(f"{name} {test.op.upper()} {text}", True)
    # At least the run must have one.
    return Pushed("" if name.startswith("attributes.") else f"{name} LIKE '%'", False)


def _started(test: Predicate) -> Pushed:
    if test.op not in (*_EQUALITY, "<", "<=", ">", ">="):
        return Pushed("", False)
    moment = float(test.values[0])
    if test.op in _EQUALITY and not moment.is_integer():
        return Pushed("", False)
    return Pushed(
        f"attributes.start_time {test.op}"
        f" {math.ceil(moment) if test.op in ('<', '>=') else math.floor(moment)}",
        True,
    )


def _status(test: Predicate) -> Pushed:
    value = str(test.values[0]) if test.values else ""
    if test.op == "=" and value in _OPPOSITE:
        return Pushed(
            " and ".join(f"attributes.status != '{other}'" for other in _OPPOSITE[value]), False
        )
    if test.op == "=" and value in ("finished", "scheduled", "running"):
        return Pushed(f"attributes.status = '{value.upper()}'", value != "running")
    if test.op == "!=" and value in ("finished", "scheduled"):
        return Pushed(f"attributes.status != '{value.upper()}'", True)
    return Pushed("", False)


def _id(test: Predicate) -> Pushed:
    texts = [quoted_text(value) for value in test.values]
    if test.op in _EQUALITY and texts[0]:
        return Pushed(f"attributes.run_id {test.op} {texts[0]}", True)
    if test.op == "in" and all(texts):
        return Pushed(f"attributes.run_id IN ({', '.join(texts)})", True)
    return Pushed("", False)


def _quoted(key: str) -> str:
    """A key as MLflow reads it; empty if it cannot be written."""
    return f"`{key}`" if key.isprintable() and "`" not in key else ""


def quoted_text(value: object) -> str:
    """A text as MLflow reads it, without an escape for quotes; empty if it cannot be written. A
    backslash at its end would hide the quote that closes it.
    """
    text = str(value)
    quote = '"' if "'" in text else "'"
    can_be_written = text.isprintable() and quote not in text and not text.endswith("\\")
    return f"{quote}{text}{quote}" if can_be_written else ""
