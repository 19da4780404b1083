"""The values that a user gives to the parameters of a pipeline."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.display import typed
from ..core.errors import BadRequest

_SHOWN = 100
"""How many characters of a value an error shows."""


def plain(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values as they would be in a file, only JSON. Raises BadRequest."""
    found = dict[str, Any]()
    for name, value in (parameters or {}).items():
        try:
            name.encode()
            json.dumps(value, ensure_ascii=False).encode()
            found[name] = json.loads(json.dumps(value, allow_nan=False))
        except UnicodeEncodeError:
            raise BadRequest(
                f"Parameter {name[:_SHOWN]!r} cannot be used.",
                "It holds half a character (a surrogate), which is no text.",
                "Write the whole character.",
            ) from None
        except (TypeError, ValueError) as error:
            fix = "Give text, numbers, true or false, lists or mappings of them."
            raise BadRequest(
                f"Parameter {name} cannot be {value!r}.",
                "It is not finite." if _is_nan(value) else "It has no JSON form.",
                fix,
            ) from error
    return found


def check_kind(name: str, value: Any, default: Any, *, pipeline: str, path: str) -> None:
    """Raise BadRequest if a value is of another kind than the default in the file: a step would
    take the text `no` for true.

    None fits every kind, and every value fits a default of None.
    """
    expected, kind = _kind(default), _kind(value)
    if not expected or not kind or kind == expected:
        return
    shown = json.dumps(value, ensure_ascii=False)[:_SHOWN]
    fix = f"Give {expected}: on the command line -p {name}={typed(default)}"
    raise BadRequest(
        f"Parameter {name} of pipeline {pipeline} cannot be {shown}.",
        f"That is {kind}; its default in {path} is {expected}.",
        fix,
    )


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return (
        "a mapping"
        if isinstance(value, Mapping)
        else "a list"
        if isinstance(value, Sequence)
        else ""
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
