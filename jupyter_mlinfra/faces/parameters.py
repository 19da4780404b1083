"""The types of query and body parameters, with their limits. Kept apart from pydantic, which is
loaded at the first request.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Interval, Len, Predicate

from ..core.records import PAGE_LIMIT


def _whole(text: str) -> bool:
    return "\0" not in text


Limit = Annotated[int, Interval(ge=1, le=PAGE_LIMIT)]
"""Items of a page."""

Cursor = Annotated[str, Len(0, 500)] | None
"""The `cursor` of the previous answer; none for the first page."""

Text = Annotated[str, Len(0, 2000), Predicate(_whole)]
Name = Annotated[str, Len(1, 500), Predicate(_whole)]
Many = Annotated[str, Len(0, 20_000), Predicate(_whole)]
"""Several words separated by commas. A query of the longest values, with each letter written in 12
bytes, must fit into `app.HEADER_KIB`.
"""

Count = Annotated[int, Interval(ge=0, le=2**53)]
Percent = Annotated[int, Interval(ge=0, le=100)]


def words(text: str) -> list[str]:
    """The words of a comma-separated parameter."""
    return [word for word in (part.strip() for part in text.split(",")) if word]
