"""The features of the flights project against a brute-force look at the raw rows: nothing later
than the prediction enters.
"""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import flights as project  # noqa: E402


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    files = project.raw_files(tmp_path_factory.mktemp("raw"))
    frames = {
        name: pl.read_csv(path, null_values=["NA", ""], infer_schema_length=None)
        for name, path in files.items()
    }
    for name in ("flights", "weather"):
        frames[name] = frames[name].with_columns(
            pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC")
        )
    return frames


@pytest.fixture(scope="module")
def flights(raw: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return project.clocks(raw["flights"].lazy(), raw["airports"].lazy())


def test_all_flights_are_read_and_keep_their_number(
    raw: dict[str, pl.DataFrame], flights: pl.DataFrame
) -> None:
    assert raw["flights"].height == flights.height == 336_776


def test_landing_times_leave_room_for_the_time_in_the_air(flights: pl.DataFrame) -> None:
    """Independent of how arrival was reckoned: gate to gate is longer than the air time, by a
    plausible taxi.
    """
    arrived = flights.filter(pl.col("landed_at").is_not_null())
    ground = (arrived["landed_at"] - arrived["departed_at"]).dt.total_minutes() - arrived[
        "air_time"
    ]
    assert ground.min() > 0
    assert ground.quantile(0.999) < 180


@pytest.mark.parametrize(
    ("when", "offset"),
    [("2013-03-10", -4), ("2013-03-09", -5), ("2013-11-02", -4), ("2013-11-03", -5)],
)
def test_scheduled_departures_agree_with_the_wall_clock_around_clock_changes(
    flights: pl.DataFrame, when: str, offset: int
) -> None:
    day = flights.filter(
        (
            pl.format(
                "{}-{}-{}",
                "year",
                pl.col("month").cast(str).str.zfill(2),
                pl.col("day").cast(str).str.zfill(2),
            )
            == when
        )
        & (pl.col("hour") >= 5)
    )
    assert day.height > 500
    for row in day.sample(50, seed=1).iter_rows(named=True):
        wall = datetime(
            row["year"],
            row["month"],
            row["day"],
            row["hour"],
            row["minute"],
            tzinfo=ZoneInfo("America/New_York"),
        )
        assert wall.utcoffset() == timedelta(hours=offset)
        assert row["scheduled_at"] == wall


@pytest.mark.parametrize(
    ("table", "by", "known", "delay", "window"),
    [
        ("origin_delays", "origin", "departed_at", "dep_delay", timedelta(hours=2)),
        ("carrier_delays", "carrier", "landed_at", "arr_delay", timedelta(hours=6)),
        ("route_delays", "route", "landed_at", "arr_delay", timedelta(days=14)),
    ],
)
def test_recent_delays_hold_only_flights_whose_delay_was_known_at_that_moment(
    flights: pl.DataFrame, table: str, by: str, known: str, delay: str, window: timedelta
) -> None:
    made = getattr(project, table)(flights)
    assert made.select(by, "known_at").is_duplicated().sum() == 0
    count, share, mean = (column for column in made.columns if column not in (by, "known_at"))
    rows = flights.select(by, known, delay).rows()
    for row in random.Random(7).sample(list(made.iter_rows(named=True)), 12):
        inside = [
            value
            for key, at, value in rows
            if key == row[by]
            and at is not None
            and value is not None
            and row["known_at"] - window < at <= row["known_at"]
        ]
        assert row[count] == len(inside)
        assert row[share] == pytest.approx(sum(value >= 15 for value in inside) / len(inside))
        assert row[mean] == pytest.approx(
            sum(min(max(value, -60), 180) for value in inside) / len(inside)
        )


def test_the_label_is_missing_exactly_for_flights_that_did_not_arrive(
    flights: pl.DataFrame,
) -> None:
    assert flights["late"].null_count() == 9_430
    assert flights.filter(pl.col("late"))["arr_delay"].min() == 15
