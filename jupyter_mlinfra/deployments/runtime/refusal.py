"""Why a request is not answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import orjson

UNAVAILABLE = 503


class RequestRefused(Exception):
    """The request cannot be answered. status: an HTTP code in the 4xx range, 503 if something that
    it needs does not answer, or 500 if the model fails at it.
    """

    def __init__(self, what: str, why: str = "", fix: str = "", *, status: int = 400) -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix, self.status = what, why, fix, status

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(part for part in (self.what, self.why, self.fix) if part)

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the answer. What is down is down for all workers, and Envoy repeats no request whose
        answer has this header.
        """
        return {"x-envoy-ratelimited": "true"} if self.status == UNAVAILABLE else {}

    def to_json(self) -> dict[str, Any]:
        """The error body of both protocols: Seldon's `status`, the Open Inference Protocol's
        `error`, and what, why and fix.
        """
        status = {
            "status": 1,
            "info": self.text,
            "code": self.status,
            "reason": "MICROSERVICE_BAD_DATA"
            if self.status < 500
            else "MICROSERVICE_INTERNAL_ERROR",
        }
        parts = {"what": self.what, "why": self.why, "fix": self.fix}
        return {"status": status, "error": self.text, **parts}


def failed(error: Exception) -> RequestRefused:
    """What a request is answered at which the model raised. Its text may hold what the request
    held, so it goes back to the caller and not into the log.
    """
    why = f"{type(error).__name__}: {error}"[:500]
    return RequestRefused("The model failed.", why, "Correct the request or the model.", status=500)


def show(value: Any) -> str:
    """A value of a request as an error names it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bytes):
        return kind(value)
    try:
        text = orjson.dumps(value, default=str).decode()
    except TypeError:  # deeper than it can be written
        return kind(value)
    return text if len(text) <= 40 else text[:39] + "…"


MOST_AXES = 32
MOST_VALUES = 1 << 31
"""Of a tensor; a body that could hold more is refused before it gets here."""


def is_shape(shape: Any) -> TypeGuard[list[int]]:
    """Whether this is a list of sizes that a body can fill; a long product is never computed."""
    if not isinstance(shape, list | tuple) or not 1 <= len(shape) <= MOST_AXES:
        return False
    values = 1
    for size in shape:
        if type(size) is not int or not 0 <= size <= MOST_VALUES:
            return False
        values = min(values * size, MOST_VALUES + 1)
    return values <= MOST_VALUES


def kind(value: Any) -> str:
    """What a JSON value is."""
    if value is None:
        return "null"
    return {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
        bytes: "bytes",
    }.get(type(value), "something else")


def listed(names: Sequence[str], limit: int = 8) -> str:
    """The first of many names."""
    text = ", ".join(str(name)[:80] for name in names[:limit])
    return text + (f" and {len(names) - limit} more" if len(names) > limit else "")
