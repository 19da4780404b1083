"""The training set that the main job made, against the raw files: each feature is what was known at the moment of prediction, and nothing later."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra import Workbench
from tests.conftest import REPOSITORY, Demo

sys.path.insert(0, str(REPOSITORY / "notebooks"))

import flights as project

Event = tuple[datetime, float]
DELAYS = [
    # key, when the delay is known, delay, window, how long a value may be used
    ("origin", "departed_at", "dep_delay", "2h", timedelta(hours=2), timedelta(hours=12), "departures_2h"),
    ("carrier", "landed_at", "arr_delay", "6h", timedelta(hours=6), timedelta(hours=30), "landed_6h"),
    ("route", "landed_at", "arr_delay", "14d", timedelta(days=14), timedelta(days=30), "landed_14d"),
]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    files = project.raw_files(tmp_path_factory.mktemp("raw"))
    return {name: pl.read_csv(path, null_values=["NA", ""], infer_schema_length=None) for name, path in files.items()}


@pytest.fixture(scope="module")
def flown(raw: dict[str, pl.DataFrame]) -> pl.DataFrame:
    departures = raw["flights"].with_columns(pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC"))
    return project.clocks(departures.lazy(), raw["airports"].lazy())


@pytest.fixture(scope="module")
def rows(demo: Demo) -> list[dict[str, Any]]:
    """Some rows of the stored training set, drawn over the whole year."""
    stored = Workbench.open(demo.root).catalog.dataset("flights.training_set").scan().collect()
    assert stored.height == 336_776
    return list(stored[sorted(random.Random(11).sample(range(stored.height), 40))].iter_rows(named=True))


def _known(events: list[Event], at: datetime, window: timedelta, ttl: timedelta) -> tuple[int | None, float | None]:
    """Count and late share of the newest window that was complete at `at`; nothing when that is too old."""
    before = [(when, delay) for when, delay in events if when <= at]
    newest = max((when for when, _ in before), default=None)
    if newest is None or at - newest > ttl:
        return None, None
    inside = [delay for when, delay in before if newest - window < when]
    return len(inside), sum(delay >= 15 for delay in inside) / len(inside)


def _events(flown: pl.DataFrame, key: str, value: str, known: str, delay: str) -> list[Event]:
    found = flown.filter((pl.col(key) == value) & pl.col(known).is_not_null() & pl.col(delay).is_not_null())
    return list(found.select(known, delay).iter_rows())


@pytest.mark.parametrize(("key", "known", "delay", "suffix", "window", "ttl", "count"), DELAYS, ids=[entry[0] for entry in DELAYS])
def test_recent_delays_are_those_that_were_known_one_hour_before_departure(
    rows: list[dict[str, Any]], flown: pl.DataFrame, key: str, known: str, delay: str, suffix: str, window: timedelta, ttl: timedelta, count: str
) -> None:
    for row in rows:
        assert row["predict_at"] == row["scheduled_at"] - timedelta(hours=1)
        events = _events(flown, key, row[key], known, delay)
        number, share = _known(events, row["predict_at"], window, ttl)
        assert row[count] == number, row
        assert row[f"late_share_{suffix}"] == (share if share is None else pytest.approx(share)), row


def _observations(raw: dict[str, pl.DataFrame], row: dict[str, Any]) -> Iterator[tuple[datetime, Any]]:
    """Observations of the airport: an hour's is complete when the hour is over."""
    for hour, origin, temp in raw["weather"].select("time_hour", "origin", "temp").iter_rows():
        if origin == row["origin"]:
            yield datetime.fromisoformat(hour) + timedelta(hours=1), temp


def test_weather_is_the_last_whole_hour_before_the_prediction(rows: list[dict[str, Any]], raw: dict[str, pl.DataFrame]) -> None:
    for row in rows:
        usable = [(when, temp) for when, temp in _observations(raw, row) if row["predict_at"] - timedelta(hours=6) <= when <= row["predict_at"]]
        assert row["temp"] == (max(usable, key=lambda item: item[0])[1] if usable else None), row
