"""Due times around every change of the clocks, held against a minute-by-minute reading of the wall
clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.pipelines.schedules.calendar import Calendar, clock_change

ZONES = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "America/Santiago",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "America/Caracas",
    "Asia/Pyongyang",
    "America/St_Johns",
    "Pacific/Chatham",
]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@cache
def changes() -> list[tuple[str, datetime]]:
    """Zone and moment (to the day) of every change of the clocks from 2006 to 2027."""
    found = []
    for name in ZONES:
        zone, day = ZoneInfo(name), datetime(2006, 1, 1, tzinfo=UTC)
        while day.year < 2028:
            if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
                found.append((name, day))
            day += DAY
    return found


def values(field: str, lowest: int, highest: int) -> set[int]:
    """What a field of a cron text stands for: `*`, `*/n`, `a-b`, `a,b`."""
    found: set[int] = set()
    for term in field.split(","):
        text, _, step = term.partition("/")
        first, _, last = ("0", "", str(highest)) if text == "*" else text.partition("-")
        low = lowest if text == "*" else int(first)
        found |= set(range(low, int(last or first) + 1, int(step or 1)))
    return found


class Oracle:
    """Debian's cron, by looking at each minute."""

    def __init__(self, cron: str, tz: str) -> None:
        minute, hour, day, month, weekday = cron.split()
        self.zone = ZoneInfo(tz)
        self.minutes, self.hours, self.days, self.months = (
            values(minute, 0, 59),
            values(hour, 0, 23),
            values(day, 1, 31),
            values(month, 1, 12),
        )
        self.weekdays = {number % 7 for number in values(weekday, 0, 6)}
        self.both = day.startswith("*") or weekday.startswith("*")
        self.runs_with_the_clock = minute.startswith("*") or hour.startswith("*")

    def fits(self, at: datetime) -> bool:
        by_day, by_week = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return (
            at.minute in self.minutes
            and at.hour in self.hours
            and at.month in self.months
            and ((by_day and by_week) if self.both else (by_day or by_week))
        )

    def between(self, start: datetime, end: datetime) -> list[datetime]:
        """Later than `start`, up to `end`; both in UTC and on a whole minute."""
        if self.runs_with_the_clock:
            return [
                at for at in minutes(start + MINUTE, end) if self.fits(at.astimezone(self.zone))
            ]
        found = set()
        for wall in minutes(
            start.replace(tzinfo=None) - 2 * DAY, end.replace(tzinfo=None) + 2 * DAY
        ):
            if self.fits(wall):
                found.add(self.first(wall))
        return sorted(at for at in found if start < at <= end)

    def first(self, wall: datetime) -> datetime:
        """The first moment at which the wall clock shows this, or more where it never does."""
        at = min(
            candidate
            for candidate in (
                wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
            )
        ) - timedelta(hours=2)
        while at.astimezone(self.zone).replace(tzinfo=None) < wall:
            at += MINUTE
        return at


def minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    while start <= end:
        yield start
        start += MINUTE


def listed(lowest: int, highest: int) -> st.SearchStrategy[str]:
    return st.lists(st.integers(lowest, highest), min_size=1, max_size=3, unique=True).map(
        lambda found: ",".join(map(str, found))
    )


MINUTES = st.one_of(st.sampled_from(["*", "*/7", "*/15", "*/30", "0", "30", "45"]), listed(0, 59))
HOURS = st.one_of(st.sampled_from(["*", "*/2", "*/3", "0", "1", "2", "3", "1-3"]), listed(0, 4))
DAYS = st.sampled_from(["*", "*", "*", "1-15", "*/2"])
WEEKDAYS = st.sampled_from(["*", "*", "*", "0", "1-5", "6,0"])


@settings(max_examples=examples(100), deadline=None)
@given(st.sampled_from(changes()), MINUTES, HOURS, DAYS, WEEKDAYS, st.integers(0, 24 * 60))
@example(
    ("Europe/Paris", datetime(2026, 3, 28, tzinfo=UTC)), "0", "0", "*", "*", 60
)  # APScheduler 3.11 leaves out the midnight after the change
@example(
    ("Europe/Paris", datetime(2026, 10, 24, tzinfo=UTC)), "30", "2", "*", "*", 60
)  # croniter 7 and APScheduler 3.11 are due twice
@example(
    ("Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC)), "45", "*", "*", "*", 60
)  # cronsim 2.8 steps past 02:45
def test_due_times_are_those_of_the_wall_clock(
    change: tuple[str, datetime], minute: str, hour: str, day: str, weekday: str, offset: int
) -> None:
    zone, moment = change
    cron = f"{minute} {hour} {day} * {weekday}"
    start = moment - DAY + offset * MINUTE
    end = start + 2 * DAY + timedelta(hours=12)
    assert [due.astimezone(UTC) for due in Calendar(cron, zone).between(start, end)] == Oracle(
        cron, zone
    ).between(start, end), (cron, zone)


@settings(max_examples=examples(80), deadline=None)
@given(
    st.sampled_from(changes()),
    MINUTES,
    HOURS,
    st.lists(st.integers(1, 60 * 60 * 60), min_size=1, max_size=5),
)
def test_wherever_one_begins_to_look_the_same_times_follow(
    change: tuple[str, datetime], minute: str, hour: str, seconds: list[int]
) -> None:
    calendar, start = Calendar(f"{minute} {hour} * * *", change[0]), change[1] - DAY
    end = start + timedelta(days=4)
    every = list(calendar.between(start, end))
    instants = [due.astimezone(UTC) for due in every]
    assert instants == sorted(set(instants))
    for count in seconds:
        here = start + timedelta(seconds=count, microseconds=count % 7)
        assert [due.astimezone(UTC) for due in calendar.between(here, end)] == [
            due for due in instants if due > here
        ]


@pytest.mark.parametrize(
    ("cron", "tz", "start", "expected"),
    [
        (
            "30 2 * * *",
            "Europe/Paris",
            "2026-03-28T12:00Z",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),  # does not exist
        (
            "30 2 * * *",
            "Europe/Paris",
            "2026-10-24T12:00Z",
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),  # exists twice
        (
            "0,30 2 * * *",
            "Europe/Paris",
            "2026-03-28T12:00Z",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"],
        ),  # both end at 03:00, once
        (
            "0 0 * * *",
            "America/Sao_Paulo",
            "2018-11-03T12:00Z",
            ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"],
        ),
        (
            "0 * * * *",
            "Australia/Lord_Howe",
            "2026-04-04T14:20Z",
            ["2026-04-05T02:00:00+10:30", "2026-04-05T03:00:00+10:30"],
        ),
        (
            "0 6 30 * *",
            "Pacific/Apia",
            "2011-12-01T00:00Z",
            ["2011-12-31T00:00:00+14:00", "2012-01-30T06:00:00+14:00"],
        ),  # that day was left out
        (
            "0 0 29 2 *",
            "UTC",
            "2026-01-01T00:00Z",
            ["2028-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00"],
        ),
        (
            "0 9 13 * 5",
            "UTC",
            "2026-11-01T00:00Z",
            ["2026-11-06T09:00:00+00:00", "2026-11-13T09:00:00+00:00"],
        ),  # either, as cron has it
    ],
)
def test_some_days_that_people_ask_about(
    cron: str, tz: str, start: str, expected: list[str]
) -> None:
    assert [
        due.isoformat() for due in Calendar(cron, tz).next(2, datetime.fromisoformat(start))
    ] == expected


def test_days_on_which_clocks_change_are_marked() -> None:
    days = Calendar("0 12 * * *", "Australia/Lord_Howe").next(
        3, datetime(2026, 10, 2, 12, tzinfo=UTC)
    )
    assert [clock_change(day) for day in days] == ["", "clocks go forward 30 min", ""]
    (day,) = Calendar("30 2 * * *", "Europe/Paris").next(1, datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert clock_change(day) == "clocks go back 60 min"


@pytest.mark.parametrize(
    "tz", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "Europe", "a\0b"]
)
def test_a_zone_that_is_none_is_refused(tz: str) -> None:
    with pytest.raises(BadRequest, match="time zone"):
        Calendar("0 6 * * *", tz)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "0 6 * *",
        "0 0 6 * * *",
        "60 6 * * *",
        "0 24 * * *",
        "0 6 31 2 *",
        "0 6 * * FUN",
        "*/0 * * * *",
        "a b c d e",
    ],
)
def test_a_cron_text_that_is_none_or_never_comes_is_refused(cron: str) -> None:
    with pytest.raises(BadRequest):
        Calendar(cron)


@settings(max_examples=examples(100), deadline=None)
@given(st.text("0123456789*/,-#L MONWED?@", max_size=25))
def test_whatever_is_typed_is_a_schedule_or_refused(cron: str) -> None:
    try:
        calendar = Calendar(cron)
    except BadRequest:
        return
    assert calendar.next(1, datetime(2026, 1, 1, tzinfo=UTC))
