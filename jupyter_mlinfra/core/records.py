"""Values that every domain hands to every face: pages, labelled numbers, JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from .errors import BadRequest

Basis = Literal["exact", "approx", "sample", "est", "n"]
"""How a number was obtained; `n` is a group size."""

PAGE_LIMIT = 500
"""No list answers with more items than this."""

_LONGEST_CURSOR = len(str(2**62))  # SQLite takes no larger numbers than 2**63, and Python reads no endless ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number with its basis.

    n: rows it was reckoned from. error: relative error of an approximation (0.01 = 1 %).
    """

    value: float | int | str | None
    basis: Basis = "exact"
    n: int | None = None
    error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a reader has to know of the list, mostly empty."""

    items: Sequence[T]
    shown: int
    total: int
    cursor: str | None = None
    note: str = ""


def check_limit(limit: int) -> None:
    """Raises BadRequest for a page without items or without bound."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise BadRequest(f"limit={limit} is out of range.", f"A page has 1 to {PAGE_LIMIT} items.", "Ask for less and follow `cursor`.")


def parse_cursor(text: str | None) -> int:
    """The number in a cursor; 0 for the first page. Raises BadRequest for what no answer gave."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_CURSOR and int(text) <= 2**62):
        raise BadRequest(f"cursor {text[:40]!r} is not one of ours.", fix="Use the cursor of the last answer.")
    return int(text)


def page_of[T](items: Sequence[T], *, limit: int = 50, cursor: str | None = None) -> Page[T]:
    """Cut one page out of a list held in memory; the cursor is an offset."""
    check_limit(limit)
    start = parse_cursor(cursor)
    part = items[start : start + limit]
    end = start + len(part)
    return Page(items=part, shown=len(part), total=len(items), cursor=str(end) if end < len(items) else None)


def every[T](page: Callable[..., Page[T]], **options: Any) -> Iterator[T]:
    """All items of a list, whose verb is `page`, by as few pages as there can be."""
    cursor = None
    while True:
        found = page(limit=PAGE_LIMIT, cursor=cursor, **options)
        yield from found.items
        cursor = found.cursor
        if cursor is None:
            return


def now() -> datetime:
    """The time in UTC; the one clock of the workbench."""
    return datetime.now(UTC)


def to_json(value: Any) -> Any:
    """Plain JSON values of a record: enums by value, times as ISO 8601 in UTC, NaN and infinity as null."""
    if value is None or (isinstance(value, str | bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path | Decimal):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [to_json(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
