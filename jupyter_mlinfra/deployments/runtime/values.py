"""The values of a column: which JSON values each type of an MLflow signature takes, and what they
become.

Types are MLflow's (`mlflow.types.DataType` and its arrays, objects and maps): a datetime is ISO
8601 text, a binary value is base64 text, unless it comes as bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from typing import Any

import numpy as np

EXPECTED = {
    "double": "a number",
    "float": "a number",
    "integer": "a whole number",
    "long": "a whole number",
    "boolean": "true or false",
    "string": "a text",
    "datetime": "a date and time such as 2026-11-28T09:30:00",
    "binary": "bytes in base64",
    "array": "a list",
    "object": "an object",
    "map": "an object",
    "any": "any value",
}
RANGE = {"integer": 2**31, "long": 2**53}
"""Beyond 2^53 a double, as of the payload log, browsers and tensors, cannot hold every integer."""

EXACT = "whole numbers go up to 2^53 = 9,007,199,254,740,992, beyond which a double loses digits"

LARGEST_SINGLE = float(np.finfo(np.float32).max)
LARGEST = {"integer": 2**31 - 1, "long": 2**53}

_FIRST, _LAST = datetime(1678, 1, 1), datetime(2262, 1, 1)
"""What a data frame holds: nanoseconds in 64 bits."""

PANDAS_MISSING = ("NAType", "NaTType")
"""Names of the types of `pandas.NA` and `pandas.NaT`, which no engine without pandas has."""

NUMBERS = ("double", "float", "integer", "long", "boolean")


def _is_number(value: Any) -> bool:
    return type(value) in (float, int)


FITS: Mapping[str, Callable[[Any], bool]] = {
    "double": _is_number,
    "float": _is_number,
    # A fraction is found later, on the array: here only the type counts, so that rows of equal
    # types need no second check.
    "integer": _is_number,
    "long": _is_number,
    "boolean": lambda value: type(value) in (bool, int, float),
    "string": lambda value: type(value) is str,
    "datetime": lambda value: type(value) is str,
    "binary": lambda value: type(value) in (str, bytes),
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
    "map": lambda value: type(value) is dict,
    "any": lambda _: True,
}
TYPES = tuple(FITS)


def whole_fault(value: Any, type_name: str) -> str:
    """What is wrong with a number that is to be whole and in the range of its type; empty if it is.
    Raises ValueError, OverflowError for one that is not finite.
    """
    if value != int(value):
        return "is not a whole number"
    if -RANGE[type_name] <= value <= LARGEST[type_name]:
        return ""
    return f"is too large: {EXACT}" if type_name == "long" else "does not fit 32 bits"


def moment(text: str) -> datetime:
    """A date and time without zone; one with a zone is turned into UTC. Raises ValueError."""
    found = datetime.fromisoformat(text)
    plain = found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    if not _FIRST <= plain <= _LAST:
        raise ValueError(f"a date lies between {_FIRST.year} and {_LAST.year}")
    return plain


def content(value: str | bytes) -> bytes:
    """Bytes as they are, or those of base64 text, which MLflow breaks into lines. Raises
    ValueError.
    """
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def as_text(value: Any, most: int | None = None) -> str:
    """A value as text: bytes in base64, a date as ISO 8601. most: characters of the text."""
    if isinstance(value, date | clock):
        return value.isoformat()[:most]
    if not isinstance(value, bytes | bytearray):
        return str(value)[:most]
    return base64.b64encode(value if most is None else value[: most * 3 // 4]).decode()


def as_json(value: Any) -> Any:
    """What JSON has for a value of a model's answer that is none of JSON's own: a number, a list,
    null or a text.
    """
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, np.number | np.bool_ | np.ndarray):
        return value.tolist()
    return None if type(value).__name__ in PANDAS_MISSING else as_text(value)


def nested_fault(value: Any, spec: Mapping[str, Any], path: str) -> str:
    """What is wrong with a value of an array, object or map; empty if it fits its type.

    spec: as in MLflow's signature, {"type": "array", "items": …}, {"type": "object", "properties":
    {name: …}} or {"type": "map", "values": …}. path: of the value, for the text.
    """
    type_name = str(spec.get("type", "any"))
    if value is None:
        return f"{path} is null" if spec.get("required", True) else ""
    if type_name not in FITS or not FITS[type_name](value):
        return f"{path} is not {EXPECTED.get(type_name, type_name)}"
    if type_name in RANGE and (fault := whole_fault(value, type_name)):
        return f"{path} {fault}"
    if type_name == "array":
        items = spec.get("items", {"type": "any"})
        faults = (nested_fault(item, items, f"{path}[{at}]") for at, item in enumerate(value))
        return next((fault for fault in faults if fault), "")
    if type_name == "map":
        items = spec.get("values", {"type": "any"})
        faults = (nested_fault(item, items, f"{path}.{key}") for key, item in value.items())
        return next((fault for fault in faults if fault), "")
    if type_name == "object":
        return _object_fault(value, spec.get("properties", {}), path)
    return _text_fault(value, type_name, path)


def _object_fault(value: Mapping[str, Any], properties: Mapping[str, Any], path: str) -> str:
    unknown = sorted(set(value) - set(properties))
    if unknown:
        return f"{path} has no property {unknown[0][:80]}"
    for name, spec in properties.items():
        if name in value or spec.get("required", True):
            fault = nested_fault(value.get(name), spec, f"{path}.{name}")
            if fault:
                return fault
    return ""


def _text_fault(value: Any, type_name: str, path: str) -> str:
    try:
        if type_name == "datetime":
            moment(value)
        elif type_name == "binary":
            content(value)
    except ValueError as error:
        return f"{path}: {error}"
    return ""
