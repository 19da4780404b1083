"""Verdicts of a join in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .spec import Verdict


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one question. created: the column of created times, or empty. at: the time that
    is asked for. taken: event and created time of the row that is taken.
    """

    ttl: timedelta | None
    created: str
    at: datetime
    known_only: bool
    taken: tuple[datetime | None, datetime | None]

    def of(self, verdict: Verdict, event_at: datetime | None, created_at: datetime | None) -> str:
        """Why a row with these times has this verdict."""
        if event_at is None:
            return "It has no event time."
        return _WORDS[verdict](self, event_at, created_at)

    def _taken(self, _: datetime, created_at: datetime | None) -> str:
        inside = f", inside the ttl of {lasting(self.ttl)}" if self.ttl is not None else ""
        late = created_at is not None and created_at > self.at
        note = f"; written later, at {clock(created_at, self.at)}" if late and created_at else ""
        return f"latest event at or before {clock(self.at)}{inside}{note}"

    def _counted(self, event_at: datetime, _: datetime | None) -> str:
        return f"one vote: known at {clock(event_at, self.at)}"

    def _older(self, *_: datetime | None) -> str:
        return "older than the row taken"

    def _tie_created(self, _: datetime, created_at: datetime | None) -> str:
        best = self.taken[1]
        if created_at is None or best is None:
            return "same event time, without a created time: the row with one counts"
        times = f"{clock(created_at, self.at)} before {clock(best, self.at)}"
        return f"same event time, written earlier ({times}): a correction replaced it"

    def _tie_order(self, *_: datetime | None) -> str:
        same = "same event time and created time" if self.created else "same event time"
        return f"{same}: the later row of the source counts"

    def _outranked(self, *_: datetime | None) -> str:
        return "a label of a weaker labeler"

    def _expired(self, event_at: datetime, _: datetime | None) -> str:
        age = lasting(self.at - event_at)
        return f"expired: {age} old, the ttl is {lasting(self.ttl or timedelta(0))}"

    def _later(self, event_at: datetime, _: datetime | None) -> str:
        leak = lasting(event_at - self.at)
        return f"later than {clock(self.at)}: not known yet, would leak {leak} of the future"

    def _created_later(self, _: datetime, created_at: datetime | None) -> str:
        if created_at is None:
            return "it has no created time, so nobody knows when it was written"
        return f"a late arrival: written at {clock(created_at, self.at)}, not known yet"


_WORDS: Mapping[Verdict, Callable[[Words, datetime, datetime | None], str]] = {
    "taken": Words._taken,
    "counted": Words._counted,
    "older": Words._older,
    "tie_created": Words._tie_created,
    "tie_order": Words._tie_order,
    "outranked": Words._outranked,
    "expired": Words._expired,
    "later": Words._later,
    "created_later": Words._created_later,
}


def clock(moment: datetime, day: datetime | None = None) -> str:
    """A time in UTC; without its day, if that is the day of the other."""
    form = "%H:%M" if day is not None and moment.date() == day.date() else "%Y-%m-%d %H:%M"
    if moment.second or moment.microsecond:
        form += ":%S"
    return moment.strftime(form)


def lasting(length: timedelta) -> str:
    """`7 d`, `3 h 39 min`, `12 s`: the two largest units, cut off."""
    seconds, parts = length.total_seconds(), list[str]()
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    rest = int(seconds)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count:,} {unit}")
        if len(parts) == 2 or (parts and not rest):
            break
    return " ".join(parts)
