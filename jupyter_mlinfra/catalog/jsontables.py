"""Tables that are one object of JSON, as pandas' `to_json` writes them: an ingest makes one row of
such an object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .reading import Doubt

_Orient = Literal["columns", "index", "split"]
"""As `pandas.read_json` has it."""

_TOLD: Mapping[_Orient, str] = {
    "columns": "a field for each column",
    "index": "a field for each row",
    "split": "a field with the columns and one with the rows",
}


def table_doubts(name: str, value: Mapping[str, Any]) -> Sequence[Doubt]:
    """A note on the only object of a file, if that looks like a whole table."""
    orient = _orient(value)
    if orient is None:
        return []
    what = f"{name} is one object, and comes in as 1 row. It looks like a table: {_TOLD[orient]}."
    given = "" if orient == "columns" else f", orient={orient!r}"
    return [Doubt("rows", what, f"For its rows write {_code(name, given)}.")]


def hint_of_names(name: str) -> str:
    """What to do if the names of the fields are those of rows."""
    return f"A table that pandas wrote as one object comes in by {_code(name, '')}."


def _code(name: str, given: str) -> str:
    return f"ml.write(pandas.read_json({name!r}{given}), into='NS.TABLE')"


def _orient(value: Mapping[str, Any]) -> _Orient | None:
    parts = list(value.values())
    if {"columns", "data"} <= value.keys() <= {"columns", "index", "data"}:
        return "split" if all(type(part) is list for part in parts) else None
    kind = {type(part) for part in parts}
    if len(parts) < 2 or kind not in ({list}, {dict}) or len({len(part) for part in parts}) > 1:
        return None
    if len(parts[0]) < 2:
        return None
    if kind == {list}:
        return "columns"
    if any(part.keys() != parts[0].keys() for part in parts):
        return None
    return "columns" if all(key.isdecimal() for key in parts[0]) else "index"
