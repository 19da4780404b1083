"""The training set that the main job made, against the raw files: each value is what was known at
the moment of prediction, and nothing later.

Everything is reckoned here once more from the CSV files, by the standard library: the clocks, what
was known when, each feature, the label. No code of the notebooks is used.
"""

from __future__ import annotations

import csv
import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from jupyter_mlinfra import Workbench
from tests.conftest import Demo

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")
ZONES = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), ZoneInfo("America/Puerto_Rico"))
"""Destinations that are not in the file of airports."""

ORIGINS = ["EWR", "JFK", "LGA"]
CARRIERS = [
    "9E",
    "AA",
    "AS",
    "B6",
    "DL",
    "EV",
    "F9",
    "FL",
    "HA",
    "MQ",
    "OO",
    "UA",
    "US",
    "VX",
    "WN",
    "YV",
]
WEATHER = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
NAMES = ["scheduled_at", "predict_at", "carrier", "flight", "origin", "dest", "route", "tailnum"]
"""Columns that name the flight, beside the features and the label."""


@dataclass(frozen=True)
class Flight:
    """One line of the file, with its clocks in UTC. departed, landed: None where it never left or
    never arrived.
    """

    raw: dict[str, str]
    scheduled: datetime
    due: datetime
    departed: datetime | None
    landed: datetime | None

    @property
    def route(self) -> str:
        return f"{self.raw['origin']}-{self.raw['dest']}"

    @property
    def key(self) -> tuple[Any, ...]:
        return self.scheduled, self.raw["carrier"], int(self.raw["flight"]), self.raw["origin"]


class Raw:
    """The raw files, and what of them was known when."""

    def __init__(self, folder: Path) -> None:
        self.zones = ZONES | {
            row["faa"]: ZoneInfo(row["tzone"])
            for row in _lines(folder / "airports.csv")
            if row["tzone"] not in ("NA", "\\N", "")
        }
        self.flights = [self._flight(row) for row in _lines(folder / "flights.csv")]
        self.planes = {row["tailnum"]: row for row in _lines(folder / "planes.csv")}
        self.weather: dict[str, list[tuple[datetime, dict[str, str]]]] = defaultdict(list)
        for row in _lines(folder / "weather.csv"):
            # One hour of November comes twice: its instant is taken from the file, and held against
            # the wall clock.
            hour = datetime.fromisoformat(row["time_hour"])
            wall = hour.astimezone(NEW_YORK)
            assert (wall.month, wall.day, wall.hour) == (
                int(row["month"]),
                int(row["day"]),
                int(row["hour"]),
            )
            self.weather[row["origin"]].append((hour + HOUR, row))
        self.left = _events(
            (item.raw["origin"], item.departed, item.raw["dep_delay"]) for item in self.flights
        )
        self.carrier = _events(
            (item.raw["carrier"], item.landed, item.raw["arr_delay"]) for item in self.flights
        )
        self.route = _events(
            (item.route, item.landed, item.raw["arr_delay"]) for item in self.flights
        )

    def _flight(self, row: dict[str, str]) -> Flight:
        day = datetime(int(row["year"]), int(row["month"]), int(row["day"]), tzinfo=NEW_YORK)
        scheduled = day.replace(hour=int(row["hour"]), minute=int(row["minute"])).astimezone(UTC)
        zone, clock = self.zones[row["dest"]], int(row["sched_arr_time"])
        there = scheduled.astimezone(zone)
        # Of the wall clock at the destination: the first one after departure.
        arrival = there.replace(hour=clock // 100 % 24, minute=clock % 100)
        due = (arrival if arrival.astimezone(UTC) > scheduled else arrival + DAY).astimezone(UTC)
        departed, landed = (
            None if row[delay] == "NA" else at + int(row[delay]) * MINUTE
            for delay, at in (("dep_delay", scheduled), ("arr_delay", due))
        )
        return Flight(row, scheduled, due, departed, landed)

    def features(self, flight: Flight) -> dict[str, Any]:
        """Each feature, from what was known one hour before scheduled departure."""
        at, raw = flight.scheduled - HOUR, flight.raw
        wall = flight.scheduled.astimezone(NEW_YORK)
        calendar = {
            "day_of_week": wall.isoweekday(),
            "minute_of_day": 60 * wall.hour + wall.minute,
            "arrival_hour": int(raw["sched_arr_time"]) // 100 % 24,
            "scheduled_minutes": (flight.due - flight.scheduled) // MINUTE,
            "distance": int(raw["distance"]),
            "carrier_code": CARRIERS.index(raw["carrier"]),
            "origin_code": ORIGINS.index(raw["origin"]),
        }
        left = _delays(self.left[raw["origin"]], at, 2 * HOUR, 12 * HOUR)
        carrier = _delays(self.carrier[raw["carrier"]], at, 6 * HOUR, 30 * HOUR)
        route = _delays(self.route[flight.route], at, 14 * DAY, 30 * DAY)
        return {
            **calendar,
            **self._weather(raw["origin"], at),
            **dict(zip(("departures_2h", "late_share_2h", "mean_delay_2h"), left, strict=True)),
            **dict(zip(("landed_6h", "late_share_6h", "mean_delay_6h"), carrier, strict=True)),
            **dict(zip(("landed_14d", "late_share_14d", "mean_delay_14d"), route, strict=True)),
            **self._plane(raw["tailnum"], at),
        }

    def _weather(self, origin: str, at: datetime) -> dict[str, float | None]:
        usable = [item for item in self.weather[origin] if at - 6 * HOUR <= item[0] <= at]
        row = max(usable, key=lambda item: item[0])[1] if usable else dict.fromkeys(WEATHER, "NA")
        return {name: None if row[name] in ("NA", "") else float(row[name]) for name in WEATHER}

    def _plane(self, tailnum: str, at: datetime) -> dict[str, int | None]:
        plane = self.planes.get(tailnum)
        # The year of building is over.
        if plane is None or plane["year"] == "NA" or int(plane["year"]) >= at.year:
            return {"year_built": None, "seats": None}
        return {"year_built": int(plane["year"]), "seats": int(plane["seats"])}


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def _events(
    found: Iterator[tuple[str, datetime | None, str]],
) -> dict[str, list[tuple[datetime, int]]]:
    """Delays by key, in the order in which they became known."""
    events: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for key, at, delay in found:
        if at is not None:
            events[key].append((at, int(delay)))
    return {key: sorted(items) for key, items in events.items()}


def _delays(
    events: list[tuple[datetime, int]], at: datetime, window: timedelta, ttl: timedelta
) -> tuple[int | None, float | None, float | None]:
    """Count, late share and mean delay of the window that ends with the newest delay known at `at`;
    nothing when that is too old.
    """
    known = bisect_right(events, at, key=lambda item: item[0])
    if not known or at - events[known - 1][0] > ttl:
        return None, None, None
    newest = events[known - 1][0]
    inside = [
        delay
        for when, delay in events[
            bisect_left(events, newest - window, key=lambda item: item[0]) : known
        ]
        if when > newest - window
    ]
    mean = sum(min(max(delay, -60), 180) for delay in inside) / len(inside)
    return len(inside), sum(delay >= 15 for delay in inside) / len(inside), mean


@pytest.fixture(scope="module")
def raw(demo: Demo) -> Raw:
    return Raw(demo.root / "data" / "raw")


@pytest.fixture(scope="module")
def stored(demo: Demo) -> pl.DataFrame:
    found = Workbench.open(demo.root).catalog.dataset("flights.training_set").scan().collect()
    assert found.height == 336_776
    return found


@pytest.fixture(scope="module")
def sample(raw: Raw) -> list[Flight]:
    """Some hundred flights: of the whole year, and those that are easily wrong."""
    source = random.Random(11)

    def of_day(month: int, day: int) -> list[Flight]:
        return [
            item
            for item in raw.flights
            if (item.raw["month"], item.raw["day"]) == (str(month), str(day))
        ]

    built = {tailnum for tailnum, plane in raw.planes.items() if plane["year"] in ("2013", "NA")}
    drawn = [
        *source.sample(raw.flights, 250),
        *(
            item
            for day in ((3, 9), (3, 10), (3, 11), (11, 2), (11, 3), (11, 4))
            for item in source.sample(of_day(*day), 25)
        ),
        *source.sample([item for item in raw.flights if item.departed is None], 50),
        *source.sample([item for item in raw.flights if item.departed and not item.landed], 20),
        *source.sample([item for item in raw.flights if item.raw["tailnum"] == "NA"], 25),
        *source.sample([item for item in raw.flights if item.raw["tailnum"] in built], 40),
        *source.sample(of_day(12, 31), 20),
        *of_day(1, 1)[:15],
    ]
    return list({item.key: item for item in drawn}.values())


@pytest.fixture(scope="module")
def rows(stored: pl.DataFrame, sample: list[Flight]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The stored rows of the sample, by what names a flight."""
    days = {item.scheduled.date() for item in sample}
    near = stored.filter(pl.col("scheduled_at").dt.date().is_in(pl.Series(list(days)).implode()))
    assert near.select("scheduled_at", "carrier", "flight", "origin").is_duplicated().sum() == 0
    found = {
        (row["scheduled_at"], row["carrier"], row["flight"], row["origin"]): row
        for row in near.iter_rows(named=True)
    }
    assert {item.key for item in sample} <= set(found)
    return found


def test_the_clocks_of_this_test_agree_with_the_wall_clock_of_arrival(raw: Raw) -> None:
    """The file also has the time of arrival as a wall clock at the destination, which nothing else
    here reads.
    """
    arrived = [item for item in raw.flights if item.landed]
    local = [
        (item, item.landed.astimezone(raw.zones[item.raw["dest"]]))
        for item in arrived
        if item.landed
    ]
    agree = sum(
        clock.hour * 100 + clock.minute == int(item.raw["arr_time"]) % 2400 for item, clock in local
    )
    assert agree / len(arrived) > 0.99


def test_every_feature_is_what_was_known_one_hour_before_departure(
    sample: list[Flight],
    rows: dict[tuple[Any, ...], dict[str, Any]],
    raw: Raw,
    stored: pl.DataFrame,
) -> None:
    assert len(sample) > 400
    wrong = []
    for flight in sample:
        row, wanted = rows[flight.key], raw.features(flight)
        assert {*wanted, *NAMES, "late"} == {*stored.columns}, (
            "a column that this test does not reckon"
        )
        assert row["predict_at"] == flight.scheduled - HOUR
        wrong += [
            (flight.key, name, row[name], value)
            for name, value in wanted.items()
            if row[name] != (value if value is None else pytest.approx(value, rel=1e-9, abs=1e-9))
        ]
    assert wrong == []


def test_the_label_is_fifteen_minutes_of_arrival_delay_and_missing_for_flights_that_did_not_arrive(
    sample: list[Flight], rows: dict[tuple[Any, ...], dict[str, Any]]
) -> None:
    for flight in sample:
        delay = flight.raw["arr_delay"]
        assert rows[flight.key]["late"] is (None if delay == "NA" else int(delay) >= 15), flight.key


def test_the_sample_holds_the_cases_that_are_easily_wrong(
    sample: list[Flight], rows: dict[tuple[Any, ...], dict[str, Any]]
) -> None:
    assert sum(flight.departed is None for flight in sample) >= 50
    assert sum(flight.raw["tailnum"] == "NA" for flight in sample) >= 25
    assert {rows[flight.key]["tailnum"] for flight in sample if flight.raw["tailnum"] == "NA"} == {
        "unknown"
    }
    for change in (datetime(2013, 3, 10, tzinfo=NEW_YORK), datetime(2013, 11, 3, tzinfo=NEW_YORK)):
        assert sum(abs(flight.scheduled - change) < 2 * DAY for flight in sample) >= 60
    assert any(rows[flight.key]["temp"] is None for flight in sample)
    assert any(rows[flight.key]["landed_14d"] is None for flight in sample)
