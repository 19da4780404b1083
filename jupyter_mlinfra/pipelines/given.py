"""The values that somebody gives to the parameters of a pipeline."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..core.errors import BadRequest


def plain(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values as they stand in a file: of JSON only. Raises BadRequest."""
    found = dict[str, Any]()
    for name, value in (parameters or {}).items():
        try:
            found[name] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError) as error:
            fix = "Give text, numbers, true or false, lists or mappings of them."
            raise BadRequest(f"Parameter {name} cannot be {value!r}.", "It is not finite." if _is_nan(value) else "It has no JSON form.", fix) from error
    return found


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
