"""When a schedule is due: from cron text and time zone to moments. The calendar is cronsim's, which
follows Debian's cron.

When clocks go forward, a fixed time that does not exist is due right after the gap. When they go
back, a fixed time that occurs twice is due only the first time. `*` and `*/n` in the minute or hour
follow the clock as it runs. Why cronsim: docs/pipelines.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ...core.errors import BadRequest

_SECOND = timedelta(seconds=1)
_EXAMPLE = (
    "Minute, hour, day of the month, month, day of the week: 0 6 * * 1-5 is 06:00 from Monday to"
    " Friday."
)

_FIELDS = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, and a day that its months have",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT",
}
"""By cronsim's field names."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The due times of one schedule. Raises BadRequest for an invalid cron text or zone, or times
    that never come.
    """

    cron: str
    tz: str = "UTC"

    def __post_init__(self) -> None:
        if (fields := len(self.cron.split())) != 5:
            raise BadRequest(
                f"{self.cron!r} is not a cron text.",
                f"It has {fields} field{'s' if fields != 1 else ''} instead of 5.",
                _EXAMPLE,
            )
        try:
            ZoneInfo(self.tz)
        except (
            LookupError,
            ValueError,
            OSError,
        ):
            # An invalid name, one with `..` or NUL, or of a folder.
            raise BadRequest(
                f"There is no time zone {self.tz!r}.",
                "It is not in the IANA list.",
                "Use a name such as Europe/Paris or UTC.",
            ) from None
        try:
            next(CronSim(self.cron, datetime.now(UTC)))
        except CronSimError as error:
            raise BadRequest(
                f"{self.cron!r} is not a cron text.", _bad(str(error)), _EXAMPLE
            ) from None
        except StopIteration:
            raise BadRequest(
                f"{self.cron!r} never comes.",
                "No day fits in the next 50 years.",
                "Correct the day or the month.",
            ) from None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Due times later than `moment`, in the schedule's zone, in increasing order."""
        zone = ZoneInfo(self.tz)
        while True:
            following = self._following(moment.astimezone(UTC), zone)
            if following is None:
                return
            moment = following
            yield moment.astimezone(zone)

    def next(self, count: int, after: datetime) -> list[datetime]:
        """The next due times."""
        return list(islice(self.after(after), count))

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Due times later than `start`, up to and including `end`."""
        return takewhile(lambda due: due.astimezone(UTC) <= end, self.after(start))

    def _following(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        minute, hour = self.cron.split()[:2]
        if minute.startswith("*") or hour.startswith("*"):
            return self._as_clocks_run(moment, zone)
        # Here cronsim goes by the wall clock: in an hour that occurs twice it may return a time
        # that has passed, and the end of a gap once for each time in it.
        return next(
            (
                due
                for each in CronSim(self.cron, moment.astimezone(zone))
                if (due := each.astimezone(UTC)) > moment
            ),
            None,
        )

    def _as_clocks_run(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """With a fixed offset from one clock change to the next: over a change of half an hour
        cronsim steps past its target.
        """
        start, since, offset = moment, moment.replace(microsecond=0), _offset(moment, zone)
        while True:
            local = next(CronSim(self.cron, (start + offset).replace(tzinfo=None)), None)
            if local is None:
                return None
            found = (local - offset).replace(tzinfo=UTC)
            change = _change(since, found, offset, zone)
            if change is None:
                return found
            start, since, offset = change - _SECOND, change, _offset(change, zone)


def clock_change(day: datetime) -> str:
    """What the clocks do on the day of a moment, in its own zone; empty on most days."""
    zone = day.tzinfo
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    before, after = start.utcoffset(), (start + timedelta(days=1)).utcoffset()
    if before is None or after is None or before == after:
        return ""
    minutes = round((after - before).total_seconds() / 60)
    return f"clocks go {'forward' if minutes > 0 else 'back'} {abs(minutes)} min"


def _bad(message: str) -> str:
    """cronsim's message about a field, with the field's valid values."""
    field = message.removeprefix("Bad ")
    return f"{message}: it is {_FIELDS[field]}." if field in _FIELDS else f"{message}."


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _change(since: datetime, until: datetime, offset: timedelta, zone: ZoneInfo) -> datetime | None:
    """The first second later than `since`, up to and including `until`, that has another offset;
    None if there is none.
    """
    low = since
    while _offset(high := min(low + timedelta(days=1), until), zone) == offset:
        if high == until:
            return None
        low = high
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return high
