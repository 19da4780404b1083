"""Tables of databases, read by ADBC; the oracle is psycopg, or sqlite3."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from servers import Server, postgres

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.databases.sqlite import SQLite
from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    NotFound,
    Unavailable,
    Unprocessable,
)

UTC = dt.UTC


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture
def shop(server: Server) -> Iterator[psycopg.Connection]:
    """A connection to the database, whose schema `public` is empty."""
    with psycopg.connect(
        f"postgresql://postgres:secret@{server.address}/postgres", autocommit=True
    ) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        yield connection


@pytest.fixture
def address(server: Server) -> Callable[[str], str]:
    return lambda table: f"postgresql://postgres:secret@{server.address}/postgres#{table}"


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(tmp_path / "shop.db", autocommit=True) as connection:
        yield connection
    connection.close()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    return lambda table: f"sqlite:///{tmp_path / 'shop.db'}#{table}"


KINDS = {
    "bool": (True, False),
    "smallint": (-32768, 32767),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
    "real": (1.5, -2.25),
    "double precision": (0.1, float("inf")),
    "numeric(12, 2)": (Decimal("1234567890.12"), Decimal("-0.05")),
    "text": ("a\n'quoted' \"ü\"", ""),
    "varchar(9)": ("00123", "NULL"),
    "char(4)": ("ab  ", "abcd"),
    "bytea": (b"\x00\xff", b""),
    "date": (dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    "time": (dt.time(0, 0), dt.time(23, 59, 59, 999999)),
    "timestamp": (dt.datetime(1969, 12, 31, 23, 59, 59, 1), dt.datetime(2024, 2, 29)),
    "timestamptz": (
        dt.datetime(2024, 3, 31, 1, 30, tzinfo=UTC),
        dt.datetime(1900, 1, 1, tzinfo=UTC),
    ),
    "integer[]": ([1, None, 3], []),
    "text[]": (["a", "b"], None),
}
AS_TEXT = {
    "uuid": "9f0c6ffa-7b31-4a3f-8b8e-0a3f3f1a2b3c",
    "json": '{"b": 1, "a": [2]}',
    "jsonb": '{"a": [2], "b": 1}',
    "interval": "1 mon 2 days 03:00:00",
    "inet": "10.0.0.1/8",
    "money": "$1,234.50",
    "time with time zone": "12:00:00+02",
    "int4range": "[1,5)",
    "mood": "happy",
}


def test_every_type_of_postgresql_has_the_values_that_psycopg_reads(catalog, shop, address):
    shop.execute("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN plz AS integer")
    names = [f"c{number}" for number in range(len(KINDS) + len(AS_TEXT))]
    kinds = [*KINDS, *AS_TEXT]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    shop.execute(f"CREATE TABLE things (id integer, p plz, {columns})")
    values = [
        [1, 80331, *(pair[0] for pair in KINDS.values()), *AS_TEXT.values()],
        [2, None, *(pair[1] for pair in KINDS.values()), *AS_TEXT.values()],
        [3, *([None] * (len(kinds) + 1))],
    ]
    casts = [
        "%s",
        "%s",
        *(f"CAST(%s AS {kind})" for kind in kinds),
    ]
    for row in values:
        shop.execute(f"INSERT INTO things VALUES ({', '.join(casts)})", row)
    shop.execute("SET timezone = 'UTC'")
    asked = [*names[: len(KINDS)], *(f"{name}::text" for name in names[len(KINDS) :])]
    expected = shop.execute(f"SELECT id, p, {', '.join(asked)} FROM things ORDER BY id").fetchall()
    assert catalog.ingest([address("things")], into="shop.things").rows_written == 3
    frame = catalog.dataset("shop.things").scan().collect().sort("id")
    assert frame.rows() == expected
    assert frame.schema["p"] == pl.Int32()
    assert frame.schema["c6"] == pl.Decimal(12, 2)


def test_numbers_without_a_limit_never_block_finer_ones(catalog, shop, address):
    shop.execute("CREATE TABLE t (id integer, n numeric); INSERT INTO t VALUES (1, 1.5)")
    ways = {"shop.t": {}, "shop.f": {"n": "f64"}, "shop.d": {"n": "dec[38,1]"}}
    for into, types in ways.items():
        catalog.ingest([address("t")], into=into, cursor="id", types=types)
    shop.execute("INSERT INTO t VALUES (2, 12345678901234567890.257)")
    for into in ("shop.t", "shop.f"):
        catalog.ingest([address("t")], into=into, cursor="id")
    shop.execute("INSERT INTO t VALUES (3, 1.257)")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    found = [catalog.dataset(name).scan().collect().sort("id")["n"].to_list() for name in ways]
    assert found[0] == ["1.5", "12345678901234567890.257", "1.257"]
    assert found[1:] == [[1.5, 12345678901234567890.257], [Decimal("1.5")]]
    shop.execute("DELETE FROM t WHERE id = 2")
    with pytest.raises(Unprocessable, match="another type") as error:
        catalog.ingest([address("t")], into="shop.d", cursor="id")
    assert "--decimal" not in str(error.value)
    assert "--replace" in str(error.value)


def test_a_number_that_is_none_can_be_read_as_text(catalog, shop, address):
    shop.execute("CREATE TABLE t (n numeric(9, 2)); INSERT INTO t VALUES (1.5), ('NaN')")
    with pytest.raises(Unprocessable, match="--schema n=str"):
        catalog.ingest([address("t")], into="shop.t")
    catalog.ingest([address("t")], into="shop.t", types={"n": "str"})
    assert catalog.dataset("shop.t").scan().collect()["n"].sort().to_list() == ["1.50", "NaN"]


def test_numbers_that_no_decimal_holds_are_kept_as_text(catalog, shop, address):
    shop.execute("CREATE TABLE t (a numeric, b numeric(50, 2))")
    shop.execute("INSERT INTO t VALUES ('NaN', 1.25), (1e30 + 0.123456789012, NULL)")
    catalog.ingest([address("t")], into="shop.t")
    assert sorted(catalog.dataset("shop.t").scan().collect().rows(), key=str) == [
        ("1000000000000000000000000000000.123456789012", None),
        ("NaN", "1.25"),
    ]


def test_arrays_in_arrays_are_text_rather_than_flat(catalog, shop, address):
    shop.execute("CREATE TABLE t (id integer, a integer[][], b integer[], c text[])")
    shop.execute("INSERT INTO t VALUES (1, NULL, '{{1,2},{3,4}}', '{x}'), (2, '{1}', '{5}', NULL)")
    catalog.ingest([address("t")], into="shop.t")
    assert catalog.dataset("shop.t").scan().collect().sort("id").rows() == [
        (1, None, "{{1,2},{3,4}}", ["x"]),
        (2, "{1}", "{5}", None),
    ]


def test_times_that_python_does_not_know_go_to_quarantine(catalog, shop, address):
    shop.execute("CREATE TABLE t (id integer, at timestamp, day date, zoned timestamptz)")
    shop.execute("INSERT INTO t SELECT i, '2024-01-01' FROM generate_series(1, 40) i")
    shop.execute("INSERT INTO t (id, at) VALUES (99, '0044-03-15 BC'), (100, 'infinity')")
    shop.execute("INSERT INTO t (id, day) VALUES (101, 'infinity')")
    shop.execute("INSERT INTO t (id, zoned) VALUES (102, '-infinity')")
    report = catalog.ingest([address("t")], into="shop.t", max_bad=0.2)
    assert (report.rows_written, report.quarantined) == (40, 4)


def test_a_view_and_a_table_of_odd_name_in_another_schema(catalog, shop, address):
    shop.execute('CREATE SCHEMA "old stock"; CREATE TABLE "old stock"."a ""b"" c" (id integer)')
    shop.execute('INSERT INTO "old stock"."a ""b"" c" VALUES (7)')
    shop.execute('CREATE VIEW v AS SELECT id + 1 AS next FROM "old stock"."a ""b"" c"')
    catalog.ingest([address('old stock.a "b" c')], into="shop.a")
    catalog.ingest([address("v")], into="shop.v")
    assert catalog.dataset("shop.a").scan().collect().rows() == [(7,)]
    assert catalog.dataset("shop.v").scan().collect().rows() == [(8,)]
    shop.execute('DROP SCHEMA "old stock" CASCADE')
    with pytest.raises(NotFound, match=r"orderz.*Perhaps: orders"):
        shop.execute("CREATE TABLE orders (id integer)")
        catalog.ingest([address("orderz")], into="shop.b")


def test_many_rows_come_in_blocks(catalog, shop, address):
    shop.execute(
        "CREATE TABLE big AS SELECT i AS id, repeat('x', 100) AS word FROM"
        " generate_series(1, 300000) i"
    )
    assert catalog.ingest([address("big")], into="shop.big").rows_written == 300_000
    total = pl.col("id").cast(pl.Int64).sum()
    frame = catalog.dataset("shop.big").scan().select(total, n=pl.len()).collect()
    assert frame.row(0) == (300_000 * 300_001 // 2, 300_000)


def everything_written(project: Any) -> bytes:
    return b"".join(path.read_bytes() for path in project.home.rglob("*") if path.is_file())


def test_a_password_is_used_and_never_kept(
    catalog, project, shop, server, monkeypatch, caplog, capfd
):
    shop.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1)")
    shop.execute("CREATE ROLE ana LOGIN PASSWORD 'cana@ry/77'")
    shop.execute("GRANT USAGE ON SCHEMA public TO ana; GRANT SELECT ON t TO ana")
    monkeypatch.setenv("SHOP_PASSWORD", "cana@ry/77")
    monkeypatch.setenv("SHOP", f"postgresql://ana:cana%40ry%2F77@{server.address}/postgres")
    addresses = (
        f"postgresql://ana:env:SHOP_PASSWORD@{server.address}/postgres#t",
        f"postgresql://ana:cana%40ry%2F77@{server.address}/postgres#t",
        f"postgresql://{server.address}/postgres?user=ana&password=cana%40ry%2F77#t",
        "env:SHOP#t",
    )
    try:
        for number, text in enumerate(addresses):
            report = catalog.ingest([text], into=f"shop.t{number}", cursor="id")
            assert report.rows_written == 1
            assert "cana" not in repr(report)
        with pytest.raises(Unavailable, match="authentication failed") as error:
            catalog.ingest(
                [f"postgresql://ana:cana-wrong@{server.address}/postgres#t"], into="shop.x"
            )
        assert "cana" not in f"{error.value}{error.value.__cause__}"
        unset = f"postgresql://ana:env:SHOP_NOT_SET@{server.address}/postgres#t"
        with pytest.raises(NotFound, match="SHOP_NOT_SET"):
            catalog.ingest([unset], into="shop.x")
    finally:
        shop.execute("DROP OWNED BY ana; DROP ROLE ana")
    kept = everything_written(project)
    assert f"postgresql://ana@{server.address}/postgres#t".encode() in kept  # the lineage
    assert b"cana" not in kept
    assert "cana" not in f"{caplog.text}{capfd.readouterr()}"


def test_a_database_that_does_not_answer_is_named_without_a_trace(catalog):
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/shop#t cannot be read"):
        catalog.ingest(["postgresql://ana:canary@127.0.0.1:1/shop#t"], into="shop.t")
    with pytest.raises(BadRequest, match="names no table"):
        catalog.ingest(["postgresql://ana@127.0.0.1:1/shop"], into="shop.t")
    with pytest.raises(BadRequest, match="Databases: postgresql, sqlite"):
        catalog.ingest(["mysql://ana@127.0.0.1/shop#t"], into="shop.t")
    with pytest.raises(BadRequest, match=r"from the web.*Download the file"):
        catalog.ingest(["https://example.org/a.csv"], into="shop.t")
    with pytest.raises(NotFound, match=r"no SQLite file nowhere\.db"):
        catalog.ingest(["sqlite:///nowhere.db#t"], into="shop.t")


ADDRESSES = (
    "postgresql://ana:canary@127.0.0.1:1/db#t",
    "postgresql:/ana:canary@127.0.0.1:1/db#t",
    "postgresql://ana:canary?x@127.0.0.1:1/db#t",
    "postgresql://ana:x#canary@127.0.0.1:1/db",
    "postgresql://ana:x/canary@127.0.0.1:1/db#t",
    "mongodb://ana:it's canary@h/db#t",
    "clickhouse+http://ana:canary@h/db#t",
    "jdbc:postgresql://ana:canary@h/db#t",
    "s3://AKIA:canary@bucket/x",
    "s3://AKIA:x/canary@bucket/x",
)


@pytest.mark.parametrize("text", ADDRESSES)
def test_no_error_shows_the_password_of_an_address(catalog, text):
    for call in (
        lambda: catalog.ingest([text], into="shop.t"),
        lambda: catalog.ingest([Path(text)], into="shop.t"),
        lambda: catalog.inspect([text]),
        lambda: catalog.register(text, name="shop.t"),
        lambda: catalog.register(Path(text), name="shop.t"),
    ):
        with pytest.raises((BadRequest, Unavailable)) as error:
            call()
        assert "canary" not in f"{error.value}"


def test_a_whole_table_is_added_once(catalog, shop, address, rows):
    shop.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (2)")
    first = catalog.ingest([address("t")], into="shop.t")
    again = catalog.ingest([address("t")], into="shop.t")
    assert (again.rows_written, again.snapshot) == (0, first.snapshot)
    assert "is already in it" in again.summary
    shop.execute("INSERT INTO t VALUES (3)")
    with pytest.raises(Conflict, match="--replace"):
        catalog.ingest([address("t")], into="shop.t")
    with pytest.raises(Conflict, match="--cursor"):
        catalog.ingest([address("t")], into="shop.t", cursor="id")
    catalog.ingest([address("t")], into="shop.t", mode="replace")
    assert [row["id"] for row in rows("shop.t")] == [1, 2, 3]
    catalog.ingest([address("t")], into="shop.t", again=True)
    assert len(rows("shop.t")) == 6


def test_a_row_that_comes_during_an_ingest_waits_for_the_next(
    catalog, shop, address, rows, meanwhile
):
    shop.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1)")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    shop.execute("INSERT INTO t VALUES (2)")
    meanwhile(lambda: shop.execute("INSERT INTO t VALUES (2), (3)"))
    assert catalog.ingest([address("t")], into="shop.t", cursor="id").rows_written == 1
    assert catalog.ingest([address("t")], into="shop.t", cursor="id").rows_written == 2
    assert [row["id"] for row in rows("shop.t")] == [1, 2, 2, 3]


def test_two_ingests_by_a_cursor_at_once_bring_each_row_once(
    catalog, project, shop, address, rows, meanwhile
):
    shop.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1)")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    shop.execute("INSERT INTO t VALUES (2)")
    meanwhile(lambda: Catalog(project).ingest([address("t")], into="shop.t", cursor="id"))
    assert catalog.ingest([address("t")], into="shop.t", cursor="id").rows_written == 0
    assert [row["id"] for row in rows("shop.t")] == [1, 2]


STEPS: dict[str, list[str]] = {
    "integer": ["-10", "-9", "1", "1", "2", "9", "10", "100", "NULL"],
    "timestamptz": [
        "'2024-03-31 01:30:00.000001+00'",
        "'2024-03-31 03:30:00.000001+02'",
        "'2024-03-31 01:30:00.000002+00'",
        "NULL",
        "'2025-01-01'",
    ],
    "numeric": ["0.1", "0.10", "12345678901234567890.5", "12345678901234567890.50"],
    "numeric(9, 2)": ["-1.5", "9", "9.00", "10.5", "100"],
    "mood": ["'sad'", "'happy'", "'happy'", "'aglow'"],
    "char(4)": ["'ab'", "'abcd'", "'abcd'", "'b'"],
    "bit(3)": ["B'001'", "B'010'", "B'010'", "B'111'"],
    "text": ["'2024-01-01T00:00'", "'a'", "'a'", "'b ü'"],
    "date": ["'2024-01-01'", "'2024-01-01'", "'2024-01-02'"],
    "uuid": ["'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-00000000000f'"],
    "double precision": ["0.1", "0.1", "0.30000000000000004", "9", "10", "1e3"],
}


@pytest.mark.parametrize("kind", STEPS)
def test_rows_that_come_step_by_step_are_each_there_once(catalog, shop, address, kind):
    """Equal rows, later rows with the value that was the last, and rows without a value."""
    shop.execute("CREATE TYPE mood AS ENUM ('sad', 'happy', 'aglow')")
    shop.execute(f"CREATE TABLE t (c {kind}, word text)")
    missing = 0
    for step in STEPS[kind]:
        shop.execute(f"INSERT INTO t VALUES ({step}, 'a')")
        if step != "NULL":
            shop.execute(f"INSERT INTO t VALUES ({step}, 'a'), ({step}, NULL)")
        missing += step == "NULL"
        for _ in range(2):
            report = catalog.ingest([address("t")], into="shop.t", cursor="c")
            assert (len(report.notes) == 1) == bool(missing)
        assert report.rows_written == 0
    expected = shop.execute("SELECT word, count(*) FROM t WHERE c IS NOT NULL GROUP BY 1")
    found = catalog.dataset("shop.t").scan().group_by("word").len().collect()
    assert sorted(found.rows(), key=str) == sorted(expected.fetchall(), key=str)


def test_no_position_is_taken_that_no_row_has(catalog, lite, file, monkeypatch):
    lite.execute("CREATE TABLE t (id INTEGER)")
    lite.execute("INSERT INTO t VALUES (1), (2)")
    monkeypatch.setattr(SQLite, "newest", lambda *_: 3)
    with pytest.raises(Unprocessable, match="no row was found by it"):
        catalog.ingest([file("t")], into="shop.t", cursor="id")
    monkeypatch.undo()
    assert catalog.ingest([file("t")], into="shop.t", cursor="id").rows_written == 2


def test_too_many_rows_with_the_latest_value_are_refused(catalog, shop, address):
    shop.execute("CREATE TABLE t AS SELECT 7 AS c FROM generate_series(1, 1001)")
    with pytest.raises(Unprocessable, match=r"Over 1,000 rows.*latest value"):
        catalog.ingest([address("t")], into="shop.t", cursor="c")
    shop.execute("INSERT INTO t VALUES (8)")
    assert catalog.ingest([address("t")], into="shop.t", cursor="c").rows_written == 1002


def test_a_cursor_after_which_nothing_can_come_is_refused(catalog, shop, address):
    shop.execute("CREATE TABLE t (c float8); INSERT INTO t VALUES (1), ('NaN')")
    with pytest.raises(Unprocessable, match="cannot be a cursor"):
        catalog.ingest([address("t")], into="shop.t", cursor="c")
    with pytest.raises(NotFound, match="no column 'd'"):
        catalog.ingest([address("t")], into="shop.t", cursor="d")


def test_rows_that_were_replaced_since_make_it_uncertain_what_is_new(catalog, shop, address, rows):
    shop.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1)")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    catalog.write(pl.DataFrame({"id": [9]}, schema={"id": pl.Int32}), into="shop.t", mode="replace")
    with pytest.raises(Conflict, match="not certain which rows"):
        catalog.ingest([address("t")], into="shop.t", cursor="id")
    catalog.ingest([address("t")], into="shop.t", cursor="id", mode="replace")
    shop.execute("INSERT INTO t VALUES (2)")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    assert [row["id"] for row in rows("shop.t")] == [1, 2]


def test_a_new_column_of_the_table_does_not_double_the_last_rows(catalog, shop, address, rows):
    shop.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (1)")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    shop.execute("ALTER TABLE t ADD COLUMN word text; INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    assert rows("shop.t") == [
        {"id": 1, "word": "a"},
        {"id": 1, "word": None},
        {"id": 1, "word": None},
        {"id": 2, "word": "b"},
    ]


def test_values_of_sqlite_are_those_that_sqlite3_reads(catalog, lite, file):
    lite.execute(
        "CREATE TABLE t (i INTEGER, r REAL, n DECIMAL(10, 2), s TEXT, b BLOB, x, empty, d VARCHAR)"
    )
    values = [
        (1, 0.1, 10, "00123", b"\x00\xff", 2**63 - 1, None, "1.5"),
        (-(2**63), 1e300, 10.5, "NA", b"", -1, None, "x"),
        (None, 2.0, None, "a\n'ü'", None, None, None, None),
    ]
    lite.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    catalog.ingest([file("t")], into="shop.t")
    frame = catalog.dataset("shop.t").scan().collect()
    assert frame.rows() == lite.execute("SELECT * FROM t").fetchall()
    assert [str(dtype) for dtype in frame.dtypes] == [
        *("Int64", "Float64", "Float64", "String", "Binary", "Int64", "String", "String")
    ]


def test_declared_dates_and_truths_of_sqlite_have_their_types(catalog, lite, file):
    lite.execute("CREATE TABLE t (day DATE, at DATETIME, zoned TIMESTAMP, paid BOOLEAN)")
    lite.execute("INSERT INTO t VALUES ('2024-02-29', '2024-02-29 12:00:00', NULL, 1)")
    lite.execute(
        "INSERT INTO t VALUES (NULL, '2024-03-01 00:00:00.5', '2024-03-01T00:00:00+02:00', 0)"
    )
    catalog.ingest([file("t")], into="shop.t")
    assert catalog.dataset("shop.t").scan().collect().rows() == [
        (dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 12), None, True),
        (
            None,
            dt.datetime(2024, 3, 1, 0, 0, 0, 500000),
            dt.datetime(2024, 2, 29, 22, tzinfo=UTC),
            False,
        ),
    ]


def test_a_table_is_looked_at_before_anything_is_written(catalog, lite, file):
    lite.execute("CREATE TABLE t (id INTEGER, price TEXT, paid BOOLEAN)")
    lite.executemany("INSERT INTO t VALUES (?, ?, 1)", [(n, f"{n}.5") for n in range(3000)])
    seen = catalog.inspect([file("t")], into="shop.t", types={"price": "f64"})
    assert {column.name: column.type for column in seen.columns} == {
        "id": "i64",
        "price": "f64",
        "paid": "bool",
    }
    assert [values[1] for values in seen.data] == [1, 1.5, True]
    assert (seen.exists, seen.whole, seen.rows, list(seen.notes)) == (
        False,
        False,
        1000,
        ["The table has 3,000 rows."],
    )
    assert [found.kind for found in seen.files] == ["table"]
    catalog.ingest([file("t")], into="shop.t", types={"price": "f64"})
    again = catalog.inspect([file("t")], into="shop.t")
    assert again.exists
    assert all(column.in_dataset for column in again.columns)
    with pytest.raises(NotFound, match="does not exist"):
        catalog.inspect([file("nope")])


def test_a_dry_run_of_a_table_says_what_the_ingest_then_does(catalog, lite, file, rows):
    lite.execute("CREATE TABLE t (id INTEGER, price REAL)")
    lite.executemany("INSERT INTO t VALUES (?, ?)", [*((n, n / 2) for n in range(9)), (9, "x")])
    for number, way in enumerate([{"cursor": "id"}, {"key": ["id"]}]):
        into = f"shop.t{number}"
        for is_there in (False, True):
            trial = catalog.ingest([file("t")], into=into, dry_run=True, **way)
            assert trial.summary.startswith("Nothing was written, this is a dry run.")
            before = rows(into) if is_there else []
            done = catalog.ingest([file("t")], into=into, **way)
            assert (trial.rows_written, trial.rows_updated, trial.quarantined, trial.schema) == (
                done.rows_written,
                done.rows_updated,
                done.quarantined,
                done.schema,
            )
            assert len(rows(into)) == len(before) + done.rows_written - done.rows_updated
            lite.execute("UPDATE t SET price = 100 WHERE id = 1")
            lite.executemany(
                "INSERT INTO t VALUES (?, 1.0)", [(n,) for n in (20 + number, 30 + number)]
            )
    said = catalog.ingest([file("t")], into="shop.t1", key=["id"])
    assert "is already in it (snapshot" not in said.summary
    said = catalog.ingest([file("t")], into="shop.t1", key=["id"], dry_run=True)
    assert "is already in it" in said.summary


def test_a_word_among_the_numbers_of_sqlite_goes_to_quarantine(catalog, lite, file):
    lite.execute("CREATE TABLE t (i INTEGER, r REAL)")
    numbers = [(number, 1 / (number + 1)) for number in range(2000)]
    lite.executemany("INSERT INTO t VALUES (?, ?)", [*numbers, ("oops", 1.0), (1, "1,5")])
    report = catalog.ingest([file("t")], into="shop.t")
    assert (report.rows_written, report.quarantined) == (2000, 2)
    assert catalog.dataset("shop.t").scan().collect().rows() == numbers


def test_a_view_of_sqlite_and_many_columns(catalog, lite, file):
    names = [f"c{number}" for number in range(250)]
    lite.execute(f"CREATE TABLE wide ({', '.join(f'{name} INTEGER' for name in names)})")
    lite.execute(f"INSERT INTO wide VALUES ({', '.join(map(str, range(250)))})")
    lite.execute("CREATE VIEW v AS SELECT * FROM wide")
    catalog.ingest([file("V")], into="shop.v")
    assert catalog.dataset("shop.v").scan().collect().row(0) == tuple(range(250))


@pytest.mark.parametrize(
    "steps",
    [
        [-10, -9, 1, 1, 9, 10, None, 100, 2**62, 2**62],
        [0.1, 0.1, 1, 1.5],
        ["a", "a", "b", "ü", "ü"],
    ],
    ids=["int", "float", "text"],
)
def test_rows_of_sqlite_that_come_step_by_step_are_each_there_once(catalog, lite, file, steps):
    lite.execute("CREATE TABLE t (c, word TEXT)")
    for step in steps:
        lite.execute("INSERT INTO t VALUES (?, 'a')", (step,))
        for _ in range(2):
            if lite.execute("SELECT max(c) FROM t").fetchone()[0] is not None:
                report = catalog.ingest([file("t")], into="shop.t", cursor="c")
        assert report.rows_written == 0
    found = catalog.dataset("shop.t").scan().collect()["c"].sort().to_list()
    assert found == [value for value in steps if value is not None]


@pytest.mark.parametrize("point", ["catalog-sent", "catalog-committed"])
def test_an_ingest_by_a_cursor_that_was_killed_is_run_again(
    catalog, project, lite, file, rows, point
):
    lite.execute("CREATE TABLE t (id INTEGER)")
    lite.execute("INSERT INTO t VALUES (1), (1)")
    catalog.ingest([file("t")], into="shop.t", cursor="id")
    lite.execute("INSERT INTO t VALUES (1), (2)")
    command = ["catalog", "ingest", file("t"), "--into", "shop.t", "--cursor", "id"]
    killed = subprocess.run(
        [sys.executable, "-m", "jupyter_mlinfra.cli", *command],
        env={**os.environ, "MLINFRA_FAIL": point},
        cwd=project.root,
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    report = catalog.ingest([file("t")], into="shop.t", cursor="id")
    assert report.rows_written == (2 if point == "catalog-sent" else 0)
    assert [row["id"] for row in rows("shop.t")] == [1, 1, 1, 2]


def test_an_empty_table_is_told(catalog, lite, file):
    lite.execute("CREATE TABLE t (id INTEGER)")
    for cursor in ("", "id"):
        with pytest.raises(Unprocessable, match="no rows to read"):
            catalog.ingest([file("t")], into="shop.t", cursor=cursor)
    lite.execute("INSERT INTO t VALUES (1)")
    catalog.ingest([file("t")], into="shop.t", cursor="id")
    lite.execute("DELETE FROM t")
    assert "no rows to read" in catalog.ingest([file("t")], into="shop.t", cursor="id").summary


NO_ORDER = {
    "'9' comes after '10'": (["8", "9"], ["10"]),
    "'12/31/2024' comes after": (["12/30/2024", "12/31/2024"], ["01/01/2025"]),
    "several zones": (["2024-01-01T11:00:00+02:00"], ["2024-01-01T10:30:00Z"]),
}


@pytest.mark.parametrize("why", NO_ORDER)
def test_a_cursor_of_text_that_hides_later_rows_is_refused(catalog, lite, file, why):
    """They would be taken for earlier ones, and never come in."""
    lite.execute("CREATE TABLE t (c TEXT)")
    first, later = NO_ORDER[why]
    with pytest.raises(Unprocessable, match=why):
        for step in (first, later):
            lite.executemany("INSERT INTO t VALUES (?)", [(value,) for value in step])
            catalog.ingest([file("t")], into="shop.t", cursor="c")


@pytest.mark.parametrize("values", [["2024-01-01", "2024-01-02 10:00"], ["20240101", "20240102"]])
def test_a_cursor_of_text_that_sorts_by_time_is_followed(catalog, lite, file, values):
    lite.execute("CREATE TABLE t (c TEXT)")
    for value in values:
        lite.execute("INSERT INTO t VALUES (?)", (value,))
        assert catalog.ingest([file("t")], into="shop.t", cursor="c").rows_written == 1


def test_a_cursor_of_text_in_postgresql_that_hides_later_rows_is_refused(catalog, shop, address):
    shop.execute("CREATE TABLE t (c varchar(9), n integer)")
    shop.execute("INSERT INTO t VALUES ('9', 9), ('10', 10)")
    with pytest.raises(Unprocessable, match="'9' comes after '10'"):
        catalog.ingest([address("t")], into="shop.t", cursor="c")
    assert catalog.ingest([address("t")], into="shop.t", cursor="n").rows_written == 2


def test_a_cursor_of_mixed_kinds_is_refused(catalog, lite, file):
    lite.execute("CREATE TABLE t (c)")
    lite.executemany("INSERT INTO t VALUES (?)", [(1,), ("a",)])
    with pytest.raises(Unprocessable, match="number, text"):
        catalog.ingest([file("t")], into="shop.t", cursor="c")


def test_a_path_to_a_file_in_the_project_is_relative_to_it(catalog, project, rows):
    with sqlite3.connect(project.root / f"a b {uuid.uuid4().hex}.db") as connection:
        connection.execute("CREATE TABLE t (id INTEGER)")
        connection.execute("INSERT INTO t VALUES (1)")
    name = next(project.root.glob("a b *.db")).name
    report = catalog.ingest([f"sqlite:///{name}#t"], into="shop.t")
    assert report.rows_written == 1
    assert f"sqlite:///{name}#t".encode() in everything_written(project)


def test_a_table_and_files_are_not_ingested_together(catalog, lite, file, tmp_path):
    lite.execute("CREATE TABLE t (id INTEGER)")
    (tmp_path / "a.csv").write_text("id\n1\n")
    with pytest.raises(BadRequest, match="by itself"):
        catalog.ingest([file("t"), tmp_path / "a.csv"], into="shop.t")
    with pytest.raises(BadRequest, match="no cursor"):
        catalog.ingest([tmp_path / "a.csv"], into="shop.t", cursor="id")


def test_a_column_that_postgresql_and_the_dataset_do_not_share_is_refused(catalog, shop, address):
    shop.execute("CREATE TABLE t (id integer, word text); INSERT INTO t VALUES (1, 'a')")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    shop.execute("ALTER TABLE t DROP COLUMN word; INSERT INTO t VALUES (2)")
    with pytest.raises(Unprocessable, match="no column 'word'"):
        catalog.ingest([address("t")], into="shop.t", cursor="id")


def test_rows_that_change_come_in_by_their_key(catalog, shop, address, rows):
    """The cursor is the time of the last change, with many rows a day."""
    shop.execute("CREATE TABLE t (id integer, day date, word text)")
    shop.execute("INSERT INTO t SELECT i, '2024-01-01', 'a' FROM generate_series(1, 1500) i")
    by_key = {"into": "shop.t", "mode": "upsert", "key": ["id"], "cursor": "day"}
    assert catalog.ingest([address("t")], **by_key).rows_written == 1500
    assert catalog.ingest([address("t")], **by_key).rows_written == 0
    shop.execute("UPDATE t SET word = 'b' WHERE id = 7")
    shop.execute("UPDATE t SET word = 'c', day = '2024-01-02' WHERE id = 8")
    shop.execute("INSERT INTO t VALUES (2000, '2024-01-01', 'late')")
    report = catalog.ingest([address("t")], **by_key)
    assert (report.rows_written, report.rows_updated) == (3, 2)
    found = catalog.dataset("shop.t").scan().collect().sort("id").rows()
    assert found == shop.execute("SELECT * FROM t ORDER BY id").fetchall()


def test_a_whole_table_by_its_key_follows_its_changes(catalog, shop, address):
    shop.execute("CREATE TABLE t (id integer, n integer); INSERT INTO t VALUES (1, 1), (2, 2)")
    by_key = {"into": "shop.t", "mode": "upsert", "key": ["id"]}
    catalog.ingest([address("t")], **by_key)
    assert "already in it" in catalog.ingest([address("t")], **by_key).summary
    shop.execute("UPDATE t SET n = 5 WHERE id = 1; INSERT INTO t VALUES (3, 3)")
    assert catalog.ingest([address("t")], **by_key).rows_written == 2
    found = catalog.dataset("shop.t").scan().collect().sort("id").rows()
    assert found == [(1, 5), (2, 2), (3, 3)]
    shop.execute("UPDATE t SET n = 1 WHERE id = 1; DELETE FROM t WHERE id = 3")  # as it was
    assert catalog.ingest([address("t")], **by_key).rows_written == 1
    found = catalog.dataset("shop.t").scan().collect().sort("id").rows()
    assert found == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("engine", ["postgresql", "sqlite"])
def test_looking_back_brings_rows_that_came_late_or_changed(
    catalog, rows, engine, request, tmp_path
):
    """The oracle is the table itself, within the time that is looked back."""
    if engine == "postgresql":
        database, kind = request.getfixturevalue("shop"), "timestamptz"
        source = request.getfixturevalue("address")("o")
    else:
        database, kind = request.getfixturevalue("lite"), "timestamp"
        source = request.getfixturevalue("file")("o")
    database.execute(f"CREATE TABLE o (id integer, at {kind}, n integer)")

    def insert(*values: tuple[int, str, int]) -> None:
        for id_, time, n in values:
            database.execute(f"INSERT INTO o VALUES ({id_}, '2026-01-01 {time}:00', {n})")

    def bring(**options: Any) -> Any:
        return catalog.ingest([source], into="t.a", key="id", cursor="at", **options)

    hour = dt.timedelta(hours=1)
    insert((1, "10:00", 1), (2, "11:30", 1), (3, "12:00", 1))
    assert bring(lookback=hour).rows_written == 3
    insert((4, "11:15", 1), (5, "10:30", 1))  # the second one too late
    database.execute("UPDATE o SET n = 2 WHERE id IN (1, 2)")
    assert bring().rows_written == 0
    report = bring(lookback=hour)
    assert (report.rows_written, report.rows_updated) == (2, 1)
    insert((6, "13:00", 1))
    assert bring(lookback=hour).rows_written == 1
    assert {(row["id"], row["n"]) for row in rows("t.a")} == {
        *((1, 1), (2, 2), (3, 1), (4, 1), (6, 1))
    }
    assert bring(lookback=10 * hour).rows_written == 2
    assert {(row["id"], row["n"]) for row in rows("t.a")} == {
        *((1, 2), (2, 2), (3, 1), (4, 1), (5, 1), (6, 1))
    }
    with pytest.raises(BadRequest, match="--key"):
        catalog.ingest([source], into="t.b", cursor="at", lookback=hour)
    catalog.ingest([source], into="t.b", cursor="id", key="id")
    with pytest.raises(Unprocessable, match="which is no time"):
        catalog.ingest([source], into="t.b", cursor="id", key="id", lookback=hour)


def test_24_o_clock_is_a_row_for_quarantine_or_text(catalog, shop, address, rows):
    shop.execute("CREATE TABLE t (id integer, at time, l time[])")
    shop.execute("INSERT INTO t SELECT i, '01:00:00.5', '{02:00}' FROM generate_series(1, 20) i")
    catalog.ingest([address("t")], into="shop.t", cursor="id")
    shop.execute("INSERT INTO t VALUES (20, '03:00', NULL), (21, '24:00', NULL)")
    report = catalog.ingest([address("t")], into="shop.t", cursor="id", max_bad=0.5)
    assert (report.rows_written, report.quarantined) == (1, 1)  # none of the first 20 comes twice
    assert "'24:00:00' in column 'at'" in report.summary
    assert rows("shop.t")[-1] == {"id": 9, "at": dt.time(1, 0, 0, 500000), "l": [dt.time(2)]}
    shop.execute("INSERT INTO t VALUES (22, '04:00', '{24:00,NULL}')")
    catalog.ingest([address("t")], into="shop.u", types={"at": "str"})
    assert [row["at"] for row in rows("shop.u") if row["id"] == 21] == ["24:00:00"]
    assert [row["l"] for row in rows("shop.u") if row["id"] == 22] == [["24:00:00", None]]


@pytest.mark.parametrize("engine", ["postgresql", "sqlite"])
def test_a_table_whose_last_rows_are_gone_has_no_new_ones(catalog, rows, engine, request):
    if engine == "postgresql":
        database, source = request.getfixturevalue("shop"), request.getfixturevalue("address")("t")
    else:
        database, source = request.getfixturevalue("lite"), request.getfixturevalue("file")("t")
    database.execute("CREATE TABLE t (id integer)")
    database.execute("INSERT INTO t VALUES (0), (9), (10)")
    catalog.ingest([source], into="shop.t", cursor="id")
    database.execute("DELETE FROM t WHERE id >= 9")
    report = catalog.ingest([source], into="shop.t", cursor="id")
    assert report.rows_written == 0
    assert "is 0 now, which is before 10" in report.notes[0]
    database.execute("INSERT INTO t VALUES (11)")
    assert catalog.ingest([source], into="shop.t", cursor="id").rows_written == 1
    assert [row["id"] for row in rows("shop.t")] == [0, 10, 11, 9]
