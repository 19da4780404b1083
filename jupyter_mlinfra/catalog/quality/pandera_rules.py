"""The rules in a file that pandera wrote (`DataFrameSchema.to_yaml`), in the words that are asked
here; the others are named. The file is read as YAML: pandera is not needed for it.

Source: pandera/io/pandas_io.py; checks are a mapping by name, or a list with `options`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any

from ...core.errors import BadRequest
from .checks import Check, InSet, Matches, NotNull, Unique
from .words import check_of

Add = Callable[[Check, Mapping[str, Any]], None]
Tried = Callable[[str, Mapping[str, Any], Callable[[], None]], None]

_SIGNS = {
    "equal_to": "==",
    "not_equal_to": "!=",
    "greater_than": ">",
    "greater_than_or_equal_to": ">=",
    "less_than": "<",
    "less_than_or_equal_to": "<=",
}
_NOT_ASKED = ("index", "strict", "ordered", "unique_column_names", "checks")
"""What a schema demands beside its columns' values."""


def is_pandera(content: Any) -> bool:
    """Whether a file of YAML is a schema of pandera."""
    return isinstance(content, dict) and content.get("schema_type") == "dataframe"


def read_pandera(content: Mapping[str, Any], add: Add, tried: Tried, left_out: list[str]) -> None:
    """The rules of a schema. add: keeps one. tried: calls what reads one, and names it if that
    raises. left_out: a line for each other thing that is not asked.
    """
    columns = content.get("columns")
    for name, found in columns.items() if isinstance(columns, dict) else ():
        column = str(name)
        if not isinstance(found, dict) or found.get("regex"):
            left_out.append(f"{column[:80]!r}: columns by a pattern are not asked")
            continue
        if not found.get("nullable"):
            add(NotNull(column), {})
        if found.get("unique"):
            add(Unique((column,)), {})
        for word, check in _checks(found.get("checks")):
            tried(column, {"name": word}, partial(_add, column, word, check, add))
    if unique := content.get("unique"):
        names = [unique] if isinstance(unique, str) else list(unique)
        add(Unique(tuple(map(str, names))), {})
    left_out += [f"{key!r} of the schema is not asked" for key in _NOT_ASKED if content.get(key)]


def _checks(found: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The name of each check and what it says: its arguments, and `options`."""
    if isinstance(found, dict):
        found = [
            {
                **(said if isinstance(said, dict) else {"value": said}),
                "options": {**_options(said), "check_name": name},
            }
            for name, said in found.items()
        ]
    for said in found if isinstance(found, list) else ():
        if isinstance(said, dict):
            yield str(_options(said).get("check_name")), said


def _options(said: Any) -> Mapping[str, Any]:
    found = said.get("options") if isinstance(said, dict) else None
    return found if isinstance(found, dict) else {}


def _add(column: str, word: str, said: Mapping[str, Any], add: Add) -> None:
    if _options(said).get("ignore_na") is False:
        raise BadRequest("It asks missing values too (ignore_na).")
    severity = "warning" if _options(said).get("raise_warning") else "error"
    add(_check(column, word, said), {"severity": severity})


def _check(column: str, word: str, said: Mapping[str, Any]) -> Check:
    """What one check demands. Raises BadRequest for one that is not known."""
    given = {key: _plain(value) for key, value in said.items() if key != "options"}
    value: Any = next(iter(given.values()), None)
    name = f"col({json.dumps(column)})"
    if word in _SIGNS:
        return check_of(f"{name} {_SIGNS[word]} {json.dumps(value)}")
    match word:
        case "in_range" | "between":
            low = ">=" if given.get("include_min", True) else ">"
            high = "<=" if given.get("include_max", True) else "<"
            least, most = json.dumps(given["min_value"]), json.dumps(given["max_value"])
            return check_of(f"{name} {low} {least} and {name} {high} {most}")
        case "isin" if isinstance(value, list) and value:
            return InSet(column, tuple(value))
        case "notin" if isinstance(value, list) and value:
            return check_of(f"{name} not in {json.dumps(value)}")
        case "str_matches":
            return Matches(column, f"^(?:{value})")
        case "str_contains":
            return Matches(column, str(value))
        case "str_startswith":
            return Matches(column, f"^{re.escape(str(value))}")
        case "str_endswith":
            return Matches(column, f"{re.escape(str(value))}$")
        case "str_length":
            return check_of(_length(f"length({name})", given))
    raise BadRequest("It is not known here, as are checks in code.")


def _length(length: str, given: Mapping[str, Any]) -> str:
    signs = {"min_value": ">=", "max_value": "<=", "exact_value": "==", "value": "=="}
    parts = [
        f"{length} {signs[key]} {json.dumps(value)}"
        for key, value in given.items()
        if value is not None and key in signs
    ]
    return " and ".join(parts)


def _plain(value: Any) -> Any:
    """A value of YAML as JSON has it: dates and times are texts."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
