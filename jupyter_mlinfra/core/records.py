"""Values that every domain passes to every interface: pages, labelled numbers, JSON."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, overload
from uuid import UUID

from .errors import BadRequest

Basis = Literal["exact", "approx", "sample", "est", "n"]
"""How a number was obtained; `n` is a group size."""


class _Words:
    """Tells the REST schema what `to_json` writes; without pydantic, which is loaded at the first
    request.
    """

    def __get_pydantic_json_schema__(self, *_: Any) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]},
            ]
        }


Real = Annotated[float, _Words()]
"""A number that may be NaN or infinite."""

PAGE_LIMIT = 500
"""The most items that a list answers with."""

# SQLite takes no number above 2**63, and Python limits the digits of a number that it reads.
_LONGEST_CURSOR = len(str(2**62))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number with its basis.

    n: rows that it was computed from. error: relative error of an approximation (0.01 = 1 %).
    """

    value: float | int | str | None
    basis: Basis = "exact"
    n: int | None = None
    error: float | None = None


MASK = "•••"
"""In place of a value that the project does not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """A bounded part of a list. `cursor` fetches the next part; None at the end. note: what a
    reader has to know about the list, usually empty.

    total: the length of the list; with `more`, only the items up to here, because a remote store
    does not count the rest, which may be empty.
    """

    items: Sequence[T]
    shown: int
    total: int
    cursor: str | None = None
    note: str = ""
    more: bool = False


def check_limit(limit: int) -> None:
    """Raise BadRequest for a page without items or without a limit."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise BadRequest(
            f"limit={limit} is out of range.",
            f"A page has 1 to {PAGE_LIMIT} items.",
            "Ask for less and follow `cursor`.",
        )


def parse_cursor(text: str | None) -> int:
    """The number in a cursor; 0 for the first page. Raises BadRequest for a cursor that no answer
    contained.
    """
    if not text:
        return 0
    if not (
        text.isascii() and text.isdecimal() and len(text) <= _LONGEST_CURSOR and int(text) <= 2**62
    ):
        raise BadRequest(
            f"cursor {text[:40]!r} is not one of ours.", fix="Use the cursor of the last answer."
        )
    return int(text)


def page_of[T](items: Sequence[T], *, limit: int = 50, cursor: str | None = None) -> Page[T]:
    """Cut one page out of a list held in memory; the cursor is an offset."""
    check_limit(limit)
    start = parse_cursor(cursor)
    part = items[start : start + limit]
    return Page(
        items=part,
        shown=len(part),
        total=len(items),
        cursor=next_cursor(start, len(part), len(items)),
    )


def next_cursor(start: int, shown: int, total: int) -> str | None:
    """The cursor of the next part, where a cursor is an offset; None at the end."""
    end = start + shown
    return str(end) if shown and end < total else None


def every[T](page: Callable[..., Page[T]], **options: Any) -> Iterator[T]:
    """All items of a list whose verb is `page`, in as few pages as possible."""
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


@overload
def to_seconds(moment: datetime) -> float: ...
@overload
def to_seconds(moment: datetime | None) -> float | None: ...
def to_seconds(moment: datetime | None) -> float | None:
    """A time as `state.db` holds it: seconds since 1970 in UTC, to the microsecond."""
    return None if moment is None else moment.timestamp()


@overload
def from_seconds(seconds: float | str) -> datetime: ...
@overload
def from_seconds(seconds: float | str | None) -> datetime | None: ...
def from_seconds(seconds: float | str | None) -> datetime | None:
    """The time, in UTC, that `state.db` holds so.

    A process that has run since before `state.db` held seconds still writes ISO 8601.
    """
    if isinstance(seconds, str):
        moment = datetime.fromisoformat(seconds)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def word_of(value: float) -> str:
    """A number that is not finite, as a word that Python's `float`, JavaScript's `Number` and
    Polars can read.
    """
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def to_json(value: Any) -> Any:
    """Plain JSON values of a record: enums by value, times as ISO 8601 in UTC, bytes as base64. NaN
    and the infinities, which JSON lacks, by name.
    """
    if value is None or (isinstance(value, str | bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else word_of(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Path | Decimal | UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [to_json(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
