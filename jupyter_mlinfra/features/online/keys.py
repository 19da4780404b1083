"""The keys of a look-up: which a view can have, and what a request gives."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any

from ...core.errors import BadRequest, Conflict
from ...core.feast_online.feast_keys import KINDS, typed
from ...core.feast_online.feast_stores import Keys
from ..converting import converter
from ..definitions import Column, Definition


def require_online_keys(view: Definition) -> None:
    """Raise Conflict for a view with a key that no online store of Feast accepts."""
    for key in view.keys:
        if key.type not in KINDS:
            why = (
                f"Its key {key.name} is {key.type.lower()}; Feast looks up"
                f" {', '.join(sorted(KINDS)).lower()} only."
            )
            raise Conflict(
                f"{view.name} cannot be served online.",
                why,
                "Give the key another type, or set online=False: training sets work as they are.",
            )


def keys_of(view: Definition, entities: Sequence[Mapping[str, Any]]) -> Keys:
    """The keys of some entities, of the view's types.

    Raises BadRequest for a key that is missing, empty or no value of its type; Conflict for a view
    that cannot be looked up.
    """
    require_online_keys(view)
    types = {column.name: column.type for column in view.keys}
    columns = [_column(view, column, entities) for column in view.keys]
    return Keys(types, list(zip(*columns, strict=True)) if columns else [()] * len(entities))


def _column(view: Definition, column: Column, entities: Sequence[Mapping[str, Any]]) -> list[Any]:
    name, kind = column.name, column.type
    values: list[Any] = [entity.get(name) for entity in entities]
    types = set(map(type, values))
    if NoneType in types:
        raise missing_key(view, name, next(item for item in entities if item.get(name) is None))
    if types == {int} and kind == "INT64" and -(2**63) <= min(values) <= max(values) < 2**63:
        return values  # as most are
    try:
        return [key_value(value, kind) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise wrong_key(view, column, error) from error


def shown(views: Sequence[Definition], entity: Mapping[str, Any]) -> dict[str, Any]:
    """An entity with the keys of some views, and what they ask of a request, in their types: as
    answers show it. Raises BadRequest for a time that no calendar has.
    """
    keys = {key.name: (view, key) for view in views for key in view.keys}
    found = dict(entity)
    for name, (view, key) in keys.items():
        if name not in entity:  # of a view that is read when this one is written
            continue
        try:
            found[name] = shown_key(entity[name], key.type)
        except (TypeError, ValueError, OverflowError) as error:
            raise wrong_key(view, key, error) from error
    asks = {column.name: (view.name, column) for view in views for column in view.asks}
    for name, (asking, column) in asks.items():
        if name in entity:
            found[name] = request_value(asking, name, column.type, entity)
    return found


def wrong_key(view: Definition, key: Column, error: Exception) -> BadRequest:
    """The error for a key that is no value of its type."""
    why = str(error).partition("\n")[0].rstrip(".")
    return BadRequest(
        f"Key {key.name} of {view.name} has a value of a wrong type.",
        f"{why}.",
        f"It is {key.type.lower()}.",
    )


def missing_key(view: Definition, name: str, entity: Mapping[str, Any]) -> BadRequest:
    """The error for an entity without a key, or with an empty one."""
    given = ", ".join(f"`{key}`" for key in entity)
    names = [f"`{key.name}`" for key in view.keys]
    keys = f"key is {names[0]}" if len(names) == 1 else f"keys are {', '.join(names)}"
    return BadRequest(
        f"{view.name} needs the key {name}.",
        f"You gave {given or 'nothing'}; the {keys}."
        if name not in entity
        else f"`{name}` is empty; the {keys}.",
        f"Give {', '.join(key.name for key in view.keys)}.",
    )


def request_value(view: str, name: str, kind: str, entity: Mapping[str, Any]) -> Any:
    """What a request has for a view that computes its features, in its type; None for a null. Text
    is converted (bytes are base64 in it); a list may be JSON. Raises BadRequest if it is left out,
    or is no such value.
    """
    if name not in entity:
        given = ", ".join(f"`{item}`" for item in entity) or "nothing"
        raise BadRequest(
            f"{view} needs {name} of the request.",
            f"You gave {given}.",
            f"Give {name} beside the keys.",
        )
    value = entity[name]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return value
    try:
        return converter(kind)(_of_text(value, kind))
    except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
        raise BadRequest(
            f"{name} of the request has a value of a wrong type.",
            f"{str(error).rstrip('.')}.",
            f"It is {kind.lower()}.",
        ) from None


def _of_text(value: Any, kind: str) -> Any:
    """What a text stands for; other values as they are."""
    element = kind.removesuffix("_LIST")
    if isinstance(value, list) and element == "BYTES":
        return [_of_text(item, element) for item in value]
    if not isinstance(value, str) or kind == "STRING":
        return value
    if kind == element:
        return _bytes(value) if kind == "BYTES" else value.strip()
    try:
        return _of_text(json.loads(value), kind)
    except json.JSONDecodeError:
        raise ValueError(f"{value[:40]!r} is not a list such as [1, 2]") from None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not base64 such as 3q2+7w==") from None


def key_value(value: Any, kind: str) -> Any:
    """A key in its type. Text is converted to that type, since forms and command lines have only
    text; `02134` stays text if the key is text. Raises ValueError or TypeError for other values.
    """
    if isinstance(value, str) and kind in _PARSERS:
        parse, expected = _PARSERS[kind]
        try:
            value = parse(value.strip())
        except ValueError:
            raise ValueError(f"{value[:40]!r} is not {expected}") from None
    found = typed(value, kind)
    if kind == "STRING":
        found.encode()  # half a sign of UTF-16 is no text
    return found


def shown_key(value: Any, kind: str) -> Any:
    """As `key_value`, with a time as a time, which the store has in seconds."""
    known = key_value(value, kind)
    if kind != "UNIX_TIMESTAMP":
        return known
    time = _time(value.strip()) if isinstance(value, str) else value
    if isinstance(time, datetime):
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return _EPOCH + timedelta(seconds=known)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PARSERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "BYTES": (_bytes, "base64 such as 3q2+7w=="),
    "INT32": (int, "a whole number"),
    "INT64": (int, "a whole number"),
    "UNIX_TIMESTAMP": (_time, "a time such as 2026-03-01T12:00:00Z"),
}
"""By Feast's type: how text becomes such a key, and what it must be."""
