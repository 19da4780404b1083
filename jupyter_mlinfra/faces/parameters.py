"""The types of query and body parameters, with their limits. Kept apart from pydantic and
annotated_types, which are loaded at the first request: annotated_types alone takes a third of the
time in which the extension starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from ..core.records import PAGE_LIMIT
from ..core.refs import decoded


class Bound:
    """A limit, as annotated_types' `GroupedMetadata`, which pydantic asks for its parts."""

    __slots__ = ("_limits",)
    kind = ""

    def __init__(self, **limits: Any) -> None:
        self._limits = limits

    @property
    def __is_annotated_types_grouped_metadata__(self) -> Literal[True]:
        return True

    def __iter__(self) -> Iterator[Any]:
        import annotated_types

        found = getattr(annotated_types, self.kind)(**self._limits)
        return iter([found] if self.kind == "Predicate" else found)


class Interval(Bound):
    """Of a number: gt, ge, lt, le."""

    kind = "Interval"


class Len(Bound):
    """Of a text or a list, both ends included."""

    kind = "Len"

    def __init__(self, least: int, most: int) -> None:
        super().__init__(min_length=least, max_length=most)


class Whole(Bound):
    """Of a text: without a NUL, which no file name and no database takes."""

    kind = "Predicate"

    def __init__(self) -> None:
        super().__init__(func=lambda text: "\0" not in text)


Limit = Annotated[int, Interval(ge=1, le=PAGE_LIMIT)]
"""Items of a page."""

Cursor = Annotated[str, Len(0, 500)] | None
"""The `cursor` of the previous answer; none for the first page."""

Text = Annotated[str, Len(0, 2000), Whole()]
Name = Annotated[str, Len(1, 500), Whole()]
Many = Annotated[str, Len(0, 20_000), Whole()]
"""Several words separated by commas. A query of the longest values, with each letter written in 12
bytes, must fit into `app.HEADER_KIB`.
"""

Values = Annotated[str, Len(0, 4000), Whole()]
"""Values of a facet separated by commas; a comma inside one is %2C."""

Count = Annotated[int, Interval(ge=0, le=2**53)]
Percent = Annotated[int, Interval(ge=0, le=100)]


def values(text: str) -> list[str]:
    """The values of a facet."""
    return [decoded(word) for word in words(text)]


def words(text: str) -> list[str]:
    """The words of a comma-separated parameter."""
    return [word for word in (part.strip() for part in text.split(",")) if word]
