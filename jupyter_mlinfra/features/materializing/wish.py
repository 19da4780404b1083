"""What is to be online, and who is told how far that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ...core.errors import BadRequest

Progress = Callable[[str, int, int], None]
"""Called with the view, the rows that are done and the number of rows to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be online.

    views: names; none: all that are served online. start, end: event times; end defaults to now. A
    range with a start is a backfill: it never replaces a newer value. every: length of a part.
    full: everything again.
    """

    views: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    every: timedelta | None = None
    full: bool = False

    def __post_init__(self) -> None:
        if self.full and self.start:
            raise BadRequest(
                "A full run has no start.", "It reads everything.", "Leave one of the two out."
            )
        if self.start and self.end and in_utc(self.start) > in_utc(self.end):
            raise BadRequest(f"start {self.start} is after end {self.end}.", fix="Swap them.")


def in_utc(time: datetime) -> datetime:
    """A time with its zone; without one it is UTC already."""
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
