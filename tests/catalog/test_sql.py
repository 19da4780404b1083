"""SQL over datasets: SELECT and nothing else, over datasets and nothing else."""

from __future__ import annotations

import contextlib

import duckdb
import polars as pl
import pytest

from jupyter_mlinfra.catalog.sql import run
from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, NotFound, Unprocessable


@pytest.fixture
def tables(catalog):
    flights = pl.DataFrame(
        {
            "carrier": ["UA", "AA", "UA", "B6"],
            "delay": [10, None, -3, 5],
            "note": ["it's", 'x "y"', "--", "/*"],
        }
    )
    lines = pl.DataFrame({"carrier": ["UA", "AA"], "name": ["United", "American"]})
    catalog.write(flights, into="flights.departures")
    catalog.write(lines, into="flights.airlines")
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA flights")
    for name, frame in (("departures", flights), ("airlines", lines)):
        connection.register("frame", frame.to_arrow())
        connection.execute(f"CREATE TABLE flights.{name} AS SELECT * FROM frame")
    return connection


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM flights.departures",
        "select carrier, count(*) as n, sum(delay) as s from flights.departures group by carrier",
        (
            "SELECT d.carrier, a.name FROM flights.departures d LEFT JOIN flights.airlines AS a ON"
            " d.carrier = a.carrier"
        ),
        (
            "SELECT d.carrier, d.delay FROM flights.departures AS d, flights.airlines AS a WHERE"
            " d.carrier = a.carrier"
        ),
        "WITH late AS (SELECT * FROM flights.departures WHERE delay > 0) SELECT carrier FROM late",
        'SELECT "carrier" FROM "flights"."departures"',
        "SELECT carrier -- FROM nowhere.at_all\nFROM flights.departures /* FROM flights.none */",
        "SELECT note FROM flights.departures WHERE note = 'it''s'",
        (
            "SELECT carrier FROM flights.departures WHERE delay IN (SELECT max(delay) FROM"
            " flights.departures)"
        ),
    ],
)
def test_a_select_answers_as_duckdb_does(catalog, tables, query):
    assert sorted(catalog.sql(query).rows(), key=repr) == sorted(
        tables.execute(query).fetchall(), key=repr
    )


def test_a_limit_bounds_the_answer(catalog, tables):
    assert catalog.sql("SELECT * FROM flights.departures", limit=2).height == 2
    assert catalog.sql("SELECT * FROM flights.departures", limit=0).height == 0


NO_SELECT = [
    "",
    "-- only a comment",
    "DROP TABLE flights.departures",
    "DELETE FROM flights.departures",
    "INSERT INTO flights.departures VALUES (1)",
    "SHOW TABLES",
    "SELECT 1; DROP TABLE flights.departures",
    "CREATE TABLE x AS SELECT * FROM flights.departures",
    "EXPLAIN SELECT 1",
    "TRUNCATE TABLE flights.departures",
    "SELECT nope FROM flights.departures",
    "SELECT (",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM READ_PARQUET /**/ ('/x')",
    "SELECT * FROM \"read_json\"('/x')",
]
NO_DATASET = [
    "SELECT * FROM flights.none",
    "SELECT * FROM departures",
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "../../etc"."passwd"',
    "SELECT * FROM flights.departures JOIN x.y USING (carrier)",
]
NO_VALUE = ["SELECT CAST(carrier AS INT) FROM flights.departures"]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        *((query, BadRequest) for query in NO_SELECT),
        *((query, NotFound) for query in NO_DATASET),
        *((query, Unprocessable) for query in NO_VALUE),
    ],
)
def test_anything_else_is_refused_and_changes_nothing(catalog, tables, query, error):
    with pytest.raises(error) as caught:
        catalog.sql(query)
    assert caught.value.what
    assert caught.value.fix
    assert catalog.sql("SELECT count(*) AS n FROM flights.departures").item() == 4


# `{}` is a call that opens a file. Each form begins or ends a quote or a comment where a naive
# reader of SQL would not.
HIDDEN = [
    "SELECT $$'$$ AS a, * FROM {}",
    "SELECT $x$'$x$ AS a, * FROM {}",
    "SELECT `'` FROM {} AS t(`'`)",
    "SELECT '\\' AS a, * FROM {} --'",
    "SELECT e'\\'' AS a, * FROM {}",
    'SELECT 1 AS "\'", * FROM {}',
    "WITH t AS (SELECT * FROM {}) SELECT * FROM t",
    "SELECT * FROM flights.airlines UNION ALL BY NAME SELECT * FROM {}",
    "SELECT /* /* */ ' */ * FROM {} --'",
    "SELECT 1 --\r' \n, * FROM {} --'",
    "SELECT * FROM flights.airlines WHERE carrier IN (SELECT word FROM {})",
    "SELECT * FROM flights.airlines CROSS JOIN {}",
    "SELECT (SELECT word FROM {}) AS a",
]
CALLS = [
    "read_csv('{}')",
    "`read_csv`('{}')",
    "\"read_csv\"('{}')",
    "`READ_CSV` ('{}')",
    "read_csv/* /* */ */('{}')",
    "read_csv --x\n('{}')",
    "read_csv\u00a0('{}')",
    "read_csv\n\t('{}')",
    "read_csv($${}$$)",
    "read_parquet('{}')",
    "read_json('{}')",
    "read_ipc('{}')",
    "scan_csv('{}')",
]


@pytest.mark.parametrize("form", HIDDEN)
@pytest.mark.parametrize("call", CALLS)
def test_no_way_to_write_a_call_opens_a_file(tmp_path, form, call):
    secret = tmp_path / "secret.csv"
    secret.write_text("word\ncanary\n")

    def nothing(name):
        raise AssertionError(f"{name} was opened")

    with pytest.raises(BadRequest, match=r"(read|scan)_\w+ cannot be used here"):
        run(form.replace("{}", call.format(secret)), nothing, limit=None)


def test_every_function_of_polars_that_opens_files_is_one_of_those(tmp_path):
    """Should Polars learn to open files by another name, this says so."""
    (tmp_path / "a.csv").write_text("word\ncanary\n")
    names = {name for name in dir(pl) if name.startswith(("read_", "scan_"))} | {
        "glob",
        "csv",
        "parquet",
        "open",
        "file",
        "iceberg",
        "from_csv",
        "load",
    }
    for name in sorted(names):
        with contextlib.suppress(pl.exceptions.PolarsError, OSError):
            pl.SQLContext().execute(
                f"SELECT * FROM {name}('{tmp_path / 'a.csv'}')", eager=False
            ).collect()
            assert name.startswith(("read_", "scan_")), f"{name} opens a file"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT read_csv FROM t.a",
        "SELECT carrier FROM t.a WHERE carrier LIKE '%read_csv%'",
        "SELECT spread_x FROM t.a",
    ],
)
def test_a_name_that_only_looks_like_a_call_is_none(query):
    frame = pl.LazyFrame({"read_csv": ["a"], "carrier": ["read_csv"], "spread_x": [1]})
    assert run(query, lambda _: frame, limit=None).height == 1


def test_what_a_query_wants_to_open_is_never_opened(catalog, tables, tmp_path, monkeypatch):
    secret = tmp_path / "secret.csv"
    secret.write_text("word\ncanary\n")
    monkeypatch.chdir(tmp_path)
    forms = [
        "read_csv('{}')",
        "'{}'",
        '"{}"',
        "read_csv ('{}')",
        "(SELECT * FROM read_csv('{}'))",
        "flights.airlines, read_csv('{}')",
        "Read_CSV('{}')",
        'secret."csv"',
    ]
    for form in forms:
        with pytest.raises(MLInfraError) as caught:
            catalog.sql(f"SELECT * FROM {form.format(secret)}")
        assert "canary" not in str(caught.value)
