"""Parquet files of other writers whose types or values no library here takes: the error names file
and column and blames no storage.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from jupyter_mlinfra.core.errors import Unprocessable


def _not_utf8() -> pa.Array:
    return pa.Array.from_buffers(pa.string(), 2, pa.array([b"fine", b"\xff\xfe"]).buffers())


REFUSED = {
    "text that is no UTF-8": _not_utf8(),
    "a time zone of nowhere": pa.array([0, 1], pa.timestamp("us", "Mars/Base")),
    "a decimal of 60 digits": pa.array([Decimal("9" * 50), None], pa.decimal256(60, 0)),
    "a duration": pa.array([1, 2], pa.duration("us")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_column_that_cannot_be_kept_is_named(catalog, project, case):
    path = project.root / "odd.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "odd one": REFUSED[case]}), path)
    with pytest.raises(Unprocessable, match="Column 'odd one'") as error:
        catalog.ingest([path], into="t.a")
    text = str(error.value)
    assert "[catalog]" not in text
    assert "network" not in text
    assert catalog.list().total == 0


def test_times_of_day_are_kept(catalog, project, rows):
    path = project.root / "times.parquet"
    parquet.write_table(
        pa.table({"at": pa.array([time(1, 2, 3, 456), None], pa.time64("us"))}), path
    )
    catalog.ingest([path], into="t.a")
    assert {row["at"] for row in rows("t.a")} == {time(1, 2, 3, 456), None}


def test_old_and_far_times_of_spark_stay_what_they_are(catalog, project, rows):
    folder = project.root / "lake" / "day=2024-01-01"
    folder.mkdir(parents=True)
    times = [
        datetime(1, 1, 1),
        datetime(1650, 5, 6, 7, 8, 9, 123456),
        datetime(2020, 1, 1),
        datetime(9999, 12, 31),
    ]
    at = pa.timestamp("us")
    table = pa.table(
        {
            "at": pa.array(times, at),
            "within": pa.array([{"list": [time, None]} for time in times]),
            "map": pa.array([[("a", time)] for time in times], pa.map_(pa.string(), at)),
        }
    )
    # Spark says nothing of Arrow in its files.
    old = {"use_deprecated_int96_timestamps": True, "store_schema": False}
    parquet.write_table(table, folder / "spark.parquet", **old)
    parquet.write_table(table.slice(0, 0), folder / "an_empty_one.parquet", **old)
    newer = table.slice(0, 1).append_column("more", pa.array(["x"]))
    parquet.write_table(newer, folder / "z_newer.parquet")
    catalog.ingest([folder / "spark.parquet"], into="t.a")
    assert [row["at"] for row in rows("t.a")] == times
    catalog.register(project.root / "lake", name="t.b")
    written = pa.concat_tables([table, newer], promote_options="default").to_pylist()
    expected = [{**row, "map": dict(row["map"])} for row in written]
    found = catalog.dataset("t.b").scan().drop("day").collect()
    assert found.to_dicts() == expected
    assert catalog.sql('SELECT max("at") AS last FROM t.b').item() == times[-1]
    fine = pl.DataFrame({"at": pl.Series([1], dtype=pl.Datetime("ns"))})
    fine.write_parquet(project.root / "fine.parquet")
    catalog.register(project.root / "fine.parquet", name="t.c")
    assert catalog.dataset("t.c").scan().collect().equals(fine)


@pytest.mark.parametrize("kind", ["day", "moment"])
def test_days_of_the_old_calendar_of_spark_are_refused(catalog, project, kind):
    """Spark 2, and its mode LEGACY since, write 1500-02-28 as what all others read as 03-09."""
    path = project.root / "old.parquet"
    value = date(1500, 3, 9) if kind == "day" else datetime(1899, 12, 31)

    def write(value: object, says: dict[str, str]) -> None:
        table = pa.table({"id": [1, 2], "in": pa.array([{"list": [value]}, None])})
        parquet.write_table(table.replace_schema_metadata(says), path)

    spark = "org.apache.spark."
    legacy = {f"{spark}version": "3.5.1", f"{spark}legacyDateTime": ""}
    for says in ({f"{spark}version": "2.4.8"}, legacy):
        write(value, says)
        for verb in (
            lambda: catalog.ingest([path], into="t.a"),
            lambda: catalog.register(path, name="t.b"),
        ):
            with pytest.raises(Unprocessable, match=r"'in' of .*old\.parquet has days before 1582"):
                verb()
    write(value, {f"{spark}version": "3.5.1"})
    catalog.register(path, name="t.b")
    write(date(1582, 10, 15) if kind == "day" else datetime(1900, 1, 1), legacy)
    assert catalog.ingest([path], into="t.a").rows_written == 2


BEYOND = {
    "a time beyond the years 1 to 9999": pa.array([2**63 - 1, *[0] * 19], pa.timestamp("us")),
    "+10000-01-01 00:00:00+00:00": pa.array([253_402_300_800, *[0] * 19], pa.timestamp("s", "UTC")),
    "-0043-03-15": pa.array([-735_160, *[0] * 19], pa.date32()),
}
"""Infinity, the year 10000 and 44 B.C., by the words for them."""


@pytest.mark.parametrize("case", BEYOND)
def test_a_time_that_python_does_not_know_is_a_row_in_quarantine(catalog, project, case):
    path = project.root / "beyond.parquet"
    parquet.write_table(pa.table({"id": range(20), "at": BEYOND[case]}), path)
    report = catalog.ingest([path], into="t.a")
    assert (report.rows_written, report.quarantined) == (19, 1)
    assert f"line 1 of beyond.parquet: '{case}' in column 'at'" in report.summary
    assert "of the years 1 to 9999;" in report.summary
    assert catalog.preview("t.a").total == 19


def test_a_time_beyond_the_years_within_a_list_hides_no_row(catalog, project):
    path = project.root / "beyond.parquet"
    parquet.write_table(
        pa.table({"days": pa.array([[-735_160], [0, None]], pa.list_(pa.date32()))}), path
    )
    catalog.ingest([path], into="t.a")
    assert catalog.preview("t.a").data == [[["-0043-03-15"], ["1970-01-01", None]]]


def test_rows_of_others_with_a_time_beyond_the_years_are_shown(catalog, monkeypatch):
    import polars as pl

    catalog.write(pl.DataFrame({"at": [date(2020, 1, 1), date(2021, 1, 1)]}), into="t.a")
    odd = pl.DataFrame({"at": pl.Series([-735_160, 18_262], dtype=pl.Int32).cast(pl.Date)})
    monkeypatch.setattr("jupyter_mlinfra.catalog.rows.block", lambda *_, **__: odd)
    assert catalog.preview("t.a").data == [["-0043-03-15", "2020-01-01"]]


def test_a_column_and_a_field_of_one_name_are_told(catalog, project):
    path = project.root / "twins.parquet"
    parquet.write_table(pa.table({"a.b": [1, 2], "a": [{"b": 3}, {"b": 4}]}), path)
    with pytest.raises(Unprocessable, match=r"Two columns are called 'a\.b'"):
        catalog.ingest([path], into="t.a")
    assert catalog.list().total == 0


def test_halves_and_json_are_kept(catalog, project, rows):
    import duckdb
    import numpy

    path = project.root / "half.parquet"
    parquet.write_table(
        pa.table({"x": pa.array(numpy.array([1.5, -2.0], dtype=numpy.float16))}), path
    )
    catalog.ingest([path], into="t.half")
    assert [row["x"] for row in rows("t.half")] == [-2.0, 1.5]
    other = project.root / "json.parquet"
    duckdb.sql(f"""COPY (SELECT '{{"a": 1}}'::JSON AS body) TO '{other}' (FORMAT parquet)""")
    catalog.ingest([other], into="t.json")
    assert rows("t.json") == [{"body": '{"a": 1}'}]
    span = project.root / "span.parquet"
    duckdb.sql(f"COPY (SELECT INTERVAL 1 DAY AS span) TO '{span}' (FORMAT parquet)")
    with pytest.raises(Unprocessable, match=r"span\.parquet cannot be read.*interval"):
        catalog.register(span, name="t.span")  # Polars panics


def test_empty_row_groups_lose_no_rows(catalog, project, rows):
    path = project.root / "groups.parquet"
    schema = pa.schema([("id", pa.int64()), ("price", pa.decimal128(9, 2))])
    empty, full = (
        schema.empty_table(),
        pa.table({"id": [1, 2], "price": [Decimal("1.10"), None]}, schema=schema),
    )
    with parquet.ParquetWriter(path, schema) as writer:
        for group in (empty, full, empty):
            writer.write_table(group)
    catalog.ingest([path], into="t.a")
    assert rows("t.a") == [{"id": 1, "price": Decimal("1.10")}, {"id": 2, "price": None}]
    assert catalog.profile("t.a", tier="exact").columns["price"].min == "1.10"


def test_a_panic_while_reading_a_table_of_others_is_an_error_with_a_fix(catalog, monkeypatch):
    import polars as pl
    from polars.exceptions import PanicException

    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")

    def panic(*_: object, **__: object) -> None:
        raise PanicException(
            'called `Result::unwrap()` on an `Err` value: ComputeError(ErrString("unable to parse'
            " 'x'\\n\\nHint\"))"
        )

    monkeypatch.setattr("jupyter_mlinfra.catalog.rows.block", panic)
    with pytest.raises(Unprocessable, match=r"t\.a cannot be read.*unable to parse 'x'"):
        catalog.preview("t.a")


def test_times_of_day_within_lists_and_structs_are_kept(catalog, rows):
    at = time(1, 2, 3, 456)
    value = [{"l": [at], "s": {"at": at}}]
    frame = pl.DataFrame({"l": [[at, None]], "v": [value]})
    frame.write_parquet("a.parquet")
    catalog.ingest(["a.parquet"], into="t.a")
    catalog.ingest(["a.parquet"], into="t.a", again=True)
    assert rows("t.a") == [{"l": [at, None], "v": value}] * 2


def test_half_floats_in_place_are_asked_in_sql(catalog, project):
    path = project.root / "half.parquet"
    parquet.write_table(pa.table({"x": pa.array([1.5, None, -2.25], pa.float16())}), path)
    catalog.register(path, name="t.a")
    assert catalog.sql("SELECT sum(x) AS s FROM t.a").item() == -0.75
    assert catalog.answer("SELECT x FROM t.a").rows == [[1.5], [None], [-2.25]]


def test_decimals_of_256_bits_come_in_where_they_fit(catalog, project, rows):
    path = project.root / "wide.parquet"
    values = [Decimal("1.25"), None, Decimal("-12345678901234567890.5")]
    parquet.write_table(pa.table({"x": pa.array(values, pa.decimal256(30, 2))}), path)
    catalog.ingest([path], into="t.a")
    assert catalog.dataset("t.a").scan().collect()["x"].to_list() == values
    parquet.write_table(pa.table({"x": pa.array(values, pa.decimal256(50, 2))}), path)
    for verb in (
        lambda: catalog.ingest([path], into="t.b"),
        lambda: catalog.register(path, name="t.b"),
    ):
        with pytest.raises(Unprocessable, match="38"):
            verb()


@pytest.mark.parametrize("group", [3, 1000])
def test_embeddings_of_which_some_are_missing_come_in(catalog, project, group):
    """PyArrow writes them, and does not read them again."""
    path = project.root / "embeddings.parquet"
    values = [[1.0, 2.0], None, [3.0, None], [4.0, 5.0]] * 3
    vectors = pa.array(values, pa.list_(pa.float32(), 2))
    table = pa.table({"v": vectors, "id": range(12), "whole": pa.array([[1, 2]] * 12)})
    parquet.write_table(table, path, row_group_size=group)
    assert catalog.inspect([path]).rows == 12
    assert catalog.ingest([path], into="t.a").rows_written == 12
    found = catalog.dataset("t.a").scan().sort("id").collect()
    assert found.columns == ["v", "id", "whole"]
    assert found["v"].to_list() == values
    parquet.write_table(table.select(["v"]), path)
    assert catalog.ingest([path], into="t.b").rows_written == 12
