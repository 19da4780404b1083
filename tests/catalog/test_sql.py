"""SQL over datasets: SELECT and nothing else, over datasets and nothing else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import duckdb
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.querying import words
from jupyter_mlinfra.catalog.querying.engine import Limits, answer, engine
from jupyter_mlinfra.catalog.querying.views import one_state
from jupyter_mlinfra.core.errors import (
    BadRequest,
    Forbidden,
    MLInfraError,
    NotFound,
    Unavailable,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK
from jupyter_mlinfra.core.waiting import waited_for

FLIGHTS = pl.DataFrame(
    {
        "carrier": ["UA", "AA", "UA", "B6", None, "AA"],
        "delay": [10, None, -3, 5, 7, 7],
        "note": ["it's", 'x "y"', "--", "/*", "", None],
        "moment": pl.Series([1, 2, 3, 4, 5, None]).cast(pl.Datetime("us", "UTC")),
        "share": [0.5, 1.5, None, float("nan"), 2.0, -1.0],
    }
)
LINES = pl.DataFrame({"carrier": ["UA", "AA"], "name": ["United", "American"]})


class Tables:
    """The same rows in DuckDB, and the snapshot that has them."""

    def __init__(self, catalog: Catalog) -> None:
        catalog.write(FLIGHTS, into="flights.departures")
        catalog.write(LINES, into="flights.airlines")
        self.first = catalog.snapshots("flights.departures").items[0].id
        catalog.write(FLIGHTS.head(2), into="flights.departures")
        self.now, self.then = duckdb.connect(), duckdb.connect()
        self._fill(self.now, pl.concat([FLIGHTS, FLIGHTS.head(2)]))
        self._fill(self.then, FLIGHTS)

    @staticmethod
    def _fill(connection: duckdb.DuckDBPyConnection, flights: pl.DataFrame) -> None:
        connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA flights")
        for name, frame in (("departures", flights), ("airlines", LINES)):
            connection.register("frame", frame.to_arrow())
            connection.execute(f"CREATE TABLE flights.{name} AS SELECT * FROM frame")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """One for all tests of this file: a query changes nothing."""
    root = tmp_path_factory.mktemp("project")
    (root / "mlinfra.toml").write_text('[project]\nname = "test"\n')
    project = Project.open(root)
    yield Catalog(project)
    project.database.close()


@pytest.fixture(scope="module")
def tables(catalog: Catalog) -> Tables:
    return Tables(catalog)


SHAPES = [
    "SELECT * FROM {d}",
    "SELECT carrier, count(*) AS n, sum(delay) AS s FROM {d} WHERE {w} GROUP BY carrier",
    "SELECT d.carrier, a.name FROM {d} d LEFT JOIN flights.airlines AS a USING (carrier) WHERE {w}",
    "SELECT departures.carrier, note FROM {d}, flights.airlines a WHERE"
    " departures.carrier = a.carrier AND {w}",
    "WITH late AS (SELECT * FROM {d} WHERE {w}) SELECT carrier, delay FROM late",
    'SELECT "carrier" FROM {d} WHERE {w} UNION ALL SELECT name FROM "flights"."airlines"',
    "SELECT carrier -- FROM nowhere.at_all\nFROM {d} /* FROM flights.none */ WHERE {w}",
    "SELECT carrier FROM {d} WHERE delay IN (SELECT max(delay) FROM {d}) AND {w}",
    "SELECT DISTINCT note, $$FROM a.b$$ AS text FROM {d} WHERE {w}",
    "SELECT carrier, row_number() OVER (PARTITION BY carrier ORDER BY delay, note, share) AS r,"
    " delay, note FROM {d} WHERE {w}",
    "SELECT delay FROM ({d}) WHERE {w}".replace("({d})", "(SELECT * FROM {d})"),
    "SELECT * FROM {d} WHERE {w} ORDER BY ALL LIMIT 3",
    "FROM {d} SELECT moment, share, list(delay) OVER () IS NULL WHERE {w}",
    "SELECT min(moment), max(share), avg(delay), count(DISTINCT carrier) FROM {d} WHERE {w}",
]
CONDITIONS = [
    "TRUE",
    "delay > 5",
    "delay IS NULL OR delay < 0",
    "note = 'it''s'",
    "note LIKE '%y%'",
    "moment >= TIMESTAMPTZ '1970-01-01 00:00:00.000003+00'",
    "share > 1",
    "share <= 1 AND share = share",
    "length(coalesce(note, '')) BETWEEN 1 AND 3",
    "delay NOT IN (5, 7)",
    "delay % 2 = 1",
]


def rows_of(found: list[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, found))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_select_answers_as_duckdb_does_now_and_then(
    catalog: Catalog, tables: Tables, shape: str
) -> None:
    """14 shapes × 11 conditions, at the newest snapshot and at an older one."""
    conditions = CONDITIONS if "{w}" in shape else CONDITIONS[:1]
    for condition in conditions:
        query = shape.replace("{w}", condition)
        plain = query.replace("{d}", "flights.departures")
        assert rows_of(catalog.sql(plain).rows()) == rows_of(tables.now.execute(plain).fetchall())
        older = query.replace("{d}", f"flights.departures@{tables.first}")
        expected = rows_of(tables.then.execute(plain).fetchall())
        assert rows_of(catalog.sql(older).rows()) == expected, older


def test_states_are_named_in_each_way(catalog: Catalog, tables: Tables) -> None:
    table = catalog._store.load(catalog.named("flights.departures"))
    table.manage_snapshots().create_tag(int(tables.first), "monthly").commit()
    at = table.snapshot_by_id(int(tables.first)).timestamp_ms / 1000
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03}"
    for state in (
        f"@{tables.first}",
        "@monthly",
        f" FOR VERSION AS OF {tables.first}",
        " VERSION AS OF 'monthly'",
        f" FOR TIMESTAMP AS OF '{moment}'",
        f" for system_time as of timestamp '{moment}+00:00'",
        f" AT (VERSION => {tables.first})",
        " at (version => 'monthly')",
        f" AT (TIMESTAMP => TIMESTAMP '{moment}')",
        f" AT (TIMESTAMP => '{moment}+00:00')",
    ):
        query = f"SELECT departures.carrier FROM flights.departures{state} WHERE delay = 7"
        assert catalog.sql(query).height == 2, state
        both = (
            f"SELECT (SELECT count(*) FROM flights.departures{state}) AS a, count(*) AS b"
            f" FROM flights.departures{state} AS old JOIN flights.departures USING (carrier, delay)"
        )
        assert catalog.sql(both)["a"].item() == 6, state
    answer = catalog.answer(f"SELECT * FROM flights.departures@{tables.first}, flights.airlines")
    assert answer.snapshots["flights.departures"] == tables.first
    for query, error in (
        ("SELECT * FROM flights.departures@1", NotFound),
        ("SELECT * FROM flights.departures@weekly", NotFound),
        ("SELECT * FROM flights.departures FOR TIMESTAMP AS OF '2001-01-01'", NotFound),
        ("SELECT * FROM flights.departures FOR TIMESTAMP AS OF 'soon'", BadRequest),
        ("SELECT * FROM flights.departures AT (VERSION => 1)", NotFound),
        ("SELECT * FROM flights.departures AT (TIMESTAMP => now() - INTERVAL 1 DAY)", BadRequest),
    ):
        with pytest.raises(error):
            catalog.sql(query)


def test_parameters_are_bound(catalog: Catalog, tables: Tables) -> None:
    query = "SELECT count(*) AS n FROM flights.departures WHERE note = $note AND delay > $least"
    assert catalog.sql(query, parameters={"note": "it's", "least": 9}).item() == 2
    hostile = "' OR 1=1 --"
    assert catalog.sql(query, parameters={"note": hostile, "least": -99}).item() == 0
    assert catalog.sql("SELECT $x AS x", parameters={"x": [1, 2]}).item().to_list() == [1, 2]
    for parameters in ({}, {"note": "a"}, {"note": "a", "least": 1, "more": 2}):
        with pytest.raises(BadRequest):
            catalog.sql(query, parameters=parameters)


def test_a_refusal_says_what_to_write(catalog: Catalog) -> None:
    # `"… = $least"` in a terminal: the shell has put nothing there.
    for text in ("SELECT count(*) FROM t.a WHERE n =", "SELECT $leaster"):
        with pytest.raises(BadRequest, match=r"has no \$least, .*between single quotes"):
            catalog.sql(text, parameters={"least": 1})
    with pytest.raises(BadRequest, match=r"\$day has no value.*-p day=VALUE"):
        catalog.sql("SELECT $day AS d")
    for query, instead in (
        ("TABLE shop.orders", "SELECT * FROM NAME"),
        ("DESCRIBE shop.orders", "catalog show"),
        ("Show tables", "catalog list"),
        ("SUMMARIZE shop.orders", "catalog profile"),
        ("PIVOT shop.orders ON a USING sum(b)", "SELECT * FROM (PIVOT"),
        ("UNPIVOT shop.orders ON a, b", "SELECT * FROM (UNPIVOT"),
        ("DROP TABLE shop.orders", "change by ingest"),
    ):
        begins = query.partition(" ")[0]
        with pytest.raises(BadRequest, match=f"Only a SELECT .*begins with {begins}") as caught:
            catalog.sql(query)
        assert instead in caught.value.fix


def test_what_is_said_of_pivot_can_be_done(catalog: Catalog, tables: Tables) -> None:
    found = catalog.sql(
        "SELECT * FROM (PIVOT flights.departures ON carrier IN ('UA', 'AA') USING sum(delay)"
        " GROUP BY note) WHERE note = '--'"
    )
    assert found.to_dicts() == [{"note": "--", "UA": -3, "AA": None}]
    unpivoted = "UNPIVOT flights.airlines ON carrier, name INTO NAME n VALUE v"
    rows = catalog.sql(f"SELECT * FROM ({unpivoted})")
    assert set(rows["v"]) == {"UA", "United", "AA", "American"}


def test_a_column_called_like_a_word_of_sql_is_said_to_be_quoted(catalog: Catalog) -> None:
    catalog.write(pl.DataFrame({"at": [1], "order": [2], "n": [3]}), into="w.reserved")
    for query, word in (
        ("SELECT at FROM w.reserved", "at"),
        ("SELECT n FROM w.reserved WHERE at >= 1", "at"),
        ("SELECT n, order FROM w.reserved", "order"),
        ("SELECT n FROM w.reserved ORDER BY at", "at"),
    ):
        with pytest.raises(BadRequest, match=f'{word} is a column here.*double quotes: "{word}"'):
            catalog.sql(query)
        quoted = query.replace(word, f'"{word}"', 1)
        assert catalog.sql(quoted).height == 1
    with pytest.raises(BadRequest, match=r"Correct the query\.$"):
        catalog.sql("SELECT n FROM w.reserved WHERE (")


def test_names_of_tables_are_found_in_small_and_capital_letters(
    catalog: Catalog, tables: Tables
) -> None:
    count = "SELECT count(*) AS n FROM Flights.DEPARTURES"
    assert catalog.sql(count).item() == 8
    assert catalog.sql(f"{count}@{tables.first}").item() == 6
    both = "SELECT count(*) FROM FLIGHTS.airlines a JOIN flights.AIRLINES b USING (carrier)"
    assert catalog.sql(both).item() == 2
    catalog.write(pl.DataFrame({"a": [1]}), into="cased.t")
    catalog.write(pl.DataFrame({"a": [2]}), into="cased.T")
    assert catalog.sql("SELECT a FROM cased.T").item() == 2
    assert catalog.sql("SELECT a FROM cased.t").item() == 1
    with pytest.raises(BadRequest, match=r"The catalog has cased\.T and cased\.t"):
        catalog.sql("SELECT a FROM CASED.t")
    with pytest.raises(BadRequest, match="two tables that differ only in case"):
        catalog.sql("SELECT x.a, y.a FROM cased.t x, cased.T y")


def test_an_answer_is_plain_json(catalog: Catalog, tables: Tables) -> None:
    query = (
        "SELECT 1 AS a, 2 AS a, 170141183460469231731687303715884105727::HUGEINT AS h, INTERVAL 3"
        " DAY AS i, uuid() AS u, TIME '10:00' AS t, DATE '2020-01-01' AS d, [1, NULL] AS l, {'k':"
        " 'v'} AS s, 'NaN'::DOUBLE AS f, MAP {'k': 1} AS m, 1.5::DECIMAL(10, 2) AS c, NULL AS n"
    )
    answer = catalog.answer(query)
    assert answer.columns == [*"a", "a_2", *"hiutdlsfmcn"]
    (row,) = json.loads(json.dumps(answer.rows))
    found = dict(zip(answer.columns, row, strict=True))
    assert (found["a"], found["a_2"], found["d"]) == (1, 2, "2020-01-01")
    assert (found["f"], found["c"], found["n"]) == ("nan", "1.50", None)
    assert found["h"] == "170141183460469231731687303715884105727"
    assert "3" in found["i"]
    assert (answer.more, answer.masked) == (False, [])
    cut = catalog.answer("SELECT * FROM range(1000)", limit=10)
    assert (len(cut.rows), cut.more) == (10, True)


def test_a_limit_bounds_the_answer(catalog: Catalog, tables: Tables) -> None:
    assert catalog.sql("SELECT * FROM flights.departures", limit=2).height == 2
    assert catalog.sql("SELECT * FROM flights.departures", limit=0).height == 0


NO_SELECT = [
    "",
    "-- only a comment",
    "DROP TABLE flights.departures",
    "DELETE FROM flights.departures",
    "INSERT INTO flights.departures VALUES (1)",
    "WITH x AS (SELECT 1) INSERT INTO flights.departures SELECT * FROM x",
    "SHOW TABLES",
    "SELECT 1; DROP TABLE flights.departures",
    "SELECT 1; SELECT 2",
    "CREATE TABLE x AS SELECT * FROM flights.departures",
    "EXPLAIN SELECT 1",
    "PRAGMA database_list",
    "SET memory_limit = '99GB'",
    "ATTACH '/tmp/x.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    "EXPORT DATABASE '/tmp/x'",
    "CALL pragma_version()",
    "TRUNCATE TABLE flights.departures",
    "SELECT nope FROM flights.departures",
    "SELECT (",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('HOME')",
]
NO_DATASET = [
    "SELECT * FROM flights.none",
    "SELECT * FROM departures",
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "../../etc"."passwd"',
    "SELECT * FROM flights.departures JOIN x.y USING (carrier)",
    "SELECT * FROM FLIGHTS",
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
def test_anything_else_is_refused_and_changes_nothing(
    catalog: Catalog, tables: Tables, query: str, error: type[MLInfraError]
) -> None:
    flights = FLIGHTS  # noqa: F841 - a query must not see it
    with pytest.raises(error) as caught:
        catalog.sql(query)
    assert caught.value.what
    assert caught.value.fix
    assert catalog.sql("SELECT count(*) AS n FROM flights.departures").item() == 8


# `{}` is a call that opens a file. Each form begins or ends a quote or a comment where a naive
# reader of SQL would not.
HIDDEN = [
    "SELECT * FROM {}",
    "SELECT $$'$$ AS a, * FROM {}",
    "SELECT $x$'$x$ AS a, * FROM {}",
    "SELECT '\\' AS a, * FROM {} --'",
    "SELECT e'\\'' AS a, * FROM {}",
    'SELECT 1 AS "\'", * FROM {}',
    "WITH t AS (SELECT * FROM {}) SELECT * FROM t",
    "SELECT * FROM flights.airlines UNION ALL BY NAME SELECT * FROM {}",
    "SELECT /* ' */ * FROM {} --'",
    "SELECT * FROM flights.airlines WHERE carrier IN (SELECT word FROM {})",
    "SELECT * FROM flights.airlines CROSS JOIN {}",
    "SELECT (SELECT word FROM {}) AS a",
    "FROM {}",
    "SELECT * FROM query('FROM ' || 'flights.airlines, {}')",
]
CALLS = [
    "read_csv('{}')",
    "\"read_csv\"('{}')",
    "READ_CSV ('{}')",
    "read_csv_auto('{}')",
    "sniff_csv('{}')",
    "read_text('{}')",
    "read_blob('{}')",
    "read_parquet('{}')",
    "parquet_scan('{}')",
    "parquet_metadata('{}')",
    "read_json('{}')",
    "read_json_objects('{}')",
    "glob('{}')",
    "'{}'",
    '"{}"',
    "query_table('{}')",
]


@pytest.mark.slow
def test_no_way_to_write_a_call_opens_a_file(
    catalog: Catalog, tables: Tables, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("word\ncanary\n")
    pl.DataFrame({"word": ["canary"]}).write_parquet(tmp_path / "secret.parquet")
    monkeypatch.chdir(tmp_path)
    for form, call in product(HIDDEN, CALLS):
        query = form.replace("{}", call.format(secret))
        if "query(" in form:
            query = form.replace("{}", call.format(secret).replace("'", "''"))
        with pytest.raises(MLInfraError) as caught:
            catalog.sql(query)
        assert "canary" not in str(caught.value), query
    for form in (
        "secret.csv",
        'secret."csv"',
        "'secret.csv'",
        "'secret.parquet'",
        "secret.parquet",
    ):
        with pytest.raises(MLInfraError):
            catalog.sql(f"SELECT * FROM {form}")


def test_no_function_of_the_engine_reads_a_file_or_its_environment(
    catalog: Catalog, tables: Tables, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every function of this DuckDB that takes a text, called with a file and with the name of a
    variable.
    """
    (tmp_path / "secret.csv").write_text("word\ncanary\n")
    monkeypatch.setenv("SECRET_WORD", "canary")
    names = tables.now.execute(
        "SELECT DISTINCT function_name, function_type FROM duckdb_functions() WHERE"
        " function_type IN ('scalar', 'table', 'table_macro', 'macro', 'pragma') AND"
        " regexp_matches(function_name, '^[a-z_0-9]+$')"
    ).fetchall()
    assert len(names) > 300
    calls = [
        f"SELECT {name}('{{}}')" if kind in ("scalar", "macro") else f"SELECT * FROM {name}('{{}}')"
        for name, kind in names
        if name not in ("repeat", "sleep_ms")
    ]
    from jupyter_mlinfra.catalog.querying.engine import Limits, answer, engine, lock

    with engine(Limits(memory_mib=256, seconds=60)) as connection:
        lock(connection)
        for call, value in product(calls, (str(tmp_path / "secret.csv"), "SECRET_WORD")):
            try:
                found, _ = answer(connection, call.format(value), {}, 100, 64)
            except (duckdb.Error, OSError):
                continue
            assert "canary" not in str(found.to_pylist()), call
        for setting in ("enable_external_access = true", "lock_configuration = false"):
            with pytest.raises(duckdb.Error):
                connection.execute(f"SET {setting}")


def test_a_query_that_takes_too_long_is_stopped(project: Project) -> None:
    toml = project.root / "mlinfra.toml"
    toml.write_text(toml.read_text() + "\n[catalog]\nsql_seconds = 0.5\n")
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"stopped after 0.5 s"):
        Catalog(Project(project.root)).sql(
            "SELECT sum(a.range) FROM range(9000000) a, range(99999) b"
        )
    assert time.monotonic() - started < 60


def test_a_query_that_nobody_waits_for_is_stopped(catalog: Catalog) -> None:
    gone = threading.Event()
    threading.Timer(0.5, gone.set).start()
    with waited_for(gone), pytest.raises(Unavailable, match="Nobody waits"):
        catalog.sql("SELECT sum(a.range) FROM range(9000000) a, range(99999) b")


def test_too_much_memory_is_refused(project: Project) -> None:
    toml = project.root / "mlinfra.toml"
    toml.write_text(toml.read_text() + "\n[catalog]\nsql_memory_mib = 64\n")
    with pytest.raises(Unprocessable, match="more memory"):
        Catalog(Project(project.root)).sql(
            "SELECT list(range::VARCHAR || 'xxxxxxxx') FROM range(20000000)"
        )


def test_a_large_table_is_read_in_parts_with_the_same_answer(
    catalog: Catalog, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private classes of DuckDB that this needs are there."""
    from jupyter_mlinfra.catalog.querying import streamed, views

    seen = list[Any]()
    real = streamed.StreamedFrame.stream

    def noted(self: Any, columns: Any, filters: Any) -> Any:
        seen.append((columns, len(filters)))
        return real(self, columns, filters)

    monkeypatch.setattr(streamed.StreamedFrame, "stream", noted)
    monkeypatch.setattr(streamed, "_ROWS", 2)
    monkeypatch.setattr(views, "_LARGE_PART", 1 << 40)
    for shape, condition in product(SHAPES[:4], CONDITIONS[:6]):
        query = shape.replace("{w}", condition).replace("{d}", "flights.departures")
        assert rows_of(catalog.sql(query).rows()) == rows_of(tables.now.execute(query).fetchall())
    assert any(columns and filters for columns, filters in seen)
    assert catalog.sql("SELECT count(*) AS n FROM flights.departures").item() == 8


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("SELECT * FROM a.b, c.d@12 x JOIN (e.f) ON TRUE", ["a.b", "c.d@12", "e.f"]),
        ("SELECT 'FROM a.b' FROM c.d -- FROM e.f", ["c.d"]),
        ('SELECT * FROM "a""b"."c d"@tag-1.x AS t', ['a"b.c d@tag-1.x']),
        ("WITH x AS (FROM a.b.c@7.1) SELECT x.y FROM x", ["a.b.c@7.1"]),
        ("SELECT a.b, c.d FROM x", ["c.d"]),
    ],
)
def test_tables_are_found_among_the_words(query: str, names: list[str]) -> None:
    found = words.tables(words.tokens(query))
    assert [f"{named.text}@{named.at}" if named.at else named.text for named in found] == names


@pytest.fixture(scope="module")
def people(catalog: Catalog) -> Catalog:
    rows = {"id": [1, 2, 3], "email": ["ana@x", "bo@x", None], "pay": [10, 20, 20]}
    catalog.write(pl.DataFrame(rows), into="hr.people")
    catalog.write(pl.DataFrame({"mail": ["ana@x", "zoe@x"], "n": [1, 2]}), into="hr.orders")
    for name in ("hr.people.email", "hr.people.pay", "hr.orders.mail"):
        catalog.tag(f"column:{name}", add=["pii"])
    return catalog


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "SELECT * FROM hr.people ORDER BY id",
            [(1, MASK, MASK), (2, MASK, MASK), (3, None, MASK)],
        ),
        ("SELECT count(*), count(email), count(DISTINCT pay) FROM hr.people", [(3, 2, 2)]),
        ("SELECT pay, count(*) FROM hr.people GROUP BY pay ORDER BY 2", [(MASK, 1), (MASK, 2)]),
        ("SELECT id, n FROM hr.people JOIN hr.orders ON email = mail", []),
        ("SELECT count(*) FROM hr.people a JOIN hr.people b USING (email)", [(2,)]),
        ("SELECT id FROM hr.people WHERE email IS NULL", [(3,)]),
        ("WITH x AS (SELECT email AS y FROM hr.people) SELECT y FROM x LIMIT 1", [(MASK,)]),
        ("SELECT list(email) AS l FROM hr.people", [(MASK,)]),
        ("SELECT people FROM hr.people WHERE id = 1", [(MASK,)]),
        ("SELECT unnest(list(email)) FROM hr.people WHERE id = 1", [(MASK,)]),
        (
            "SELECT len(list(email)), list_transform([1], lambda x: x + 1) FROM hr.people",
            [(3, [2])],
        ),
        ("SELECT DISTINCT typeof(email) AS t FROM hr.people", [(MASK,)]),
        ("SELECT max(pay) FROM hr.people", [(MASK,)]),
    ],
)
def test_masked_columns_are_counted_grouped_and_joined_but_not_shown(
    people: Catalog, query: str, expected: list[tuple[Any, ...]]
) -> None:
    before = people.audit().total
    assert people.sql(query).rows() == expected
    assert people.audit().total == before


@pytest.mark.parametrize(
    "condition",
    [
        "email = 'ana@x'",
        "'ana@x' = email",
        "email IN ('ana@x', 'bo@x')",
        "email LIKE 'a%'",
        "starts_with(email, 'a')",
        "length(email) = 5",
        "email > 'b'",
        "email = $value",
        "email = (SELECT 'ana@x')",
        "lower(email) = 'ana@x'",
        "pay > 15",
        "pay + 1 = 11",
        "pay BETWEEN 1 AND 15",
        "email IN (SELECT word FROM (VALUES ('ana@x')) AS t(word))",
        "regexp_matches(email, 'a')",
        "email::VARCHAR LIKE 'a%'",
        "length(CAST(email AS VARCHAR)) = 5",
        "concat(email, '') = 'ana@x'",
        "id IN (SELECT id FROM (SELECT id, email AS x FROM hr.people) WHERE x || '!' = 'ana@x!')",
    ],
)
def test_nothing_is_asked_of_masked_values(people: Catalog, condition: str) -> None:
    parameters = {"value": "ana@x"} if "$value" in condition else {}
    query = f"SELECT id FROM hr.people WHERE {condition}"
    with pytest.raises(Forbidden, match="masked column") as caught:
        people.sql(query, parameters=parameters)
    assert "ana@x" not in str(caught.value)
    assert "masked_" not in str(caught.value)
    assert people.sql(query, parameters=parameters, reveal=True).rows() in (
        [(1,)],
        [(1,), (2,)],
        [(2,), (3,)],
        [(2,)],
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT unnest(email) FROM hr.people",
        "SELECT length(t) FROM (SELECT unnest(email) FROM hr.people) AS x(t)",
        "SELECT 1 FROM (SELECT unnest(email) FROM hr.people) AS x(t) WHERE t = 'ana@x'",
        "SELECT email.* FROM hr.people",
        "SELECT unnest([email], recursive := true) FROM hr.people",
        "SELECT unnest({'a': email}, recursive := true) FROM hr.people",
        "SELECT unnest(people, recursive := true) FROM hr.people",
    ],
)
def test_what_stands_for_a_masked_value_is_not_taken_apart(people: Catalog, query: str) -> None:
    with pytest.raises(Forbidden, match="masked column") as caught:
        people.sql(query)
    assert "masked_" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT email::VARCHAR LIKE 'a%' AS hit FROM hr.people",
        "SELECT length(email::VARCHAR) AS n FROM hr.people WHERE id = $id",
        "SELECT length(x) FROM (SELECT email::VARCHAR AS x FROM hr.people)",
        "WITH t AS (SELECT concat(email) AS x FROM hr.people) SELECT x = 'ana@x' FROM t",
        "SELECT substr(COLUMNS('email')::VARCHAR, 1, 3) FROM hr.people",
        "SELECT id FROM hr.people WHERE COLUMNS('ema.*')::VARCHAR LIKE '%a%'",
        "SELECT histogram(pay) AS h FROM hr.people",
        "SELECT * FROM (PIVOT hr.people ON email IN ('ana@x') USING count(*))",
    ],
)
def test_a_name_hides_no_cast_of_a_masked_value(people: Catalog, query: str) -> None:
    """The answers would be those of texts that stand for nothing."""
    with pytest.raises(Forbidden, match="masked column"):
        people.sql(query, parameters={"id": 1} if "$id" in query else None)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a.email = b.email AS same FROM hr.people a, hr.people b WHERE a.id = b.id",
        "SELECT email IS NULL AS missing, count(*) AS n FROM hr.people GROUP BY 1",
        "SELECT list(email) AS all_of, max(pay) AS most FROM hr.people WHERE id > $id",
        "SELECT CASE WHEN email IS NULL THEN 'no' ELSE 'yes' END AS has FROM hr.people",
        "SELECT * FROM (PIVOT hr.people ON id IN (1, 2) USING count(email))",
    ],
)
def test_what_tokens_are_right_for_may_have_a_name(people: Catalog, query: str) -> None:
    assert people.sql(query, parameters={"id": 0} if "$id" in query else None).height


def test_who_reveals_by_sql_is_written_down_for_what_the_query_names(people: Catalog) -> None:
    before = people.audit().total
    found = people.sql("SELECT email FROM hr.people WHERE id = 1", reveal=True)
    assert found.item() == "ana@x"
    assert people.sql("SELECT people FROM hr.people WHERE id = 1", reveal=True).item() == MASK
    assert people.sql("SELECT count(*) FROM hr.people", reveal=True).item() == 3
    assert people.sql("SELECT * FROM hr.people WHERE id = 1", reveal=True).row(0) == (
        1,
        "ana@x",
        10,
    )
    entries = [
        (item.verb, item.dataset, item.columns)
        for item in people.audit(limit=people.audit().total - before).items
    ]
    assert entries == [
        ("sql", "hr.people", ["email", "pay"]),
        ("sql", "hr.people", ["email"]),
    ]
    answer = people.answer("SELECT id, email, pay AS p FROM hr.people")
    assert answer.masked == ["email", "p"]
    assert answer.types == ["i64", "str", "str"]


def test_tokens_tell_nothing_from_one_query_to_the_next(people: Catalog) -> None:
    query = "SELECT hash(email) FROM hr.people WHERE id = 1"
    assert people.sql(query).item() != people.sql(query).item()


def test_every_type_can_be_masked(catalog: Catalog) -> None:
    from datetime import date, datetime, time
    from decimal import Decimal

    rows = pl.DataFrame(
        {
            "i": [1, 1, None],
            "f": [0.5, float("nan"), float("nan")],
            "b": [True, False, None],
            "d": [date(2020, 1, 1), None, date(2020, 1, 1)],
            "t": [datetime(2020, 1, 1), None, datetime(2021, 1, 1)],
            "m": [time(1), time(1), None],
            "c": [Decimal("1.5"), Decimal("1.50"), None],
            "x": [b"a", b"a", b"b"],
            "l": [[1], [1], None],
            "s": [{"k": 1}, {"k": 2}, None],
        }
    )
    catalog.write(rows, into="t.all")
    names = rows.columns
    for name in names:
        catalog.tag(f"column:t.all.{name}", add=["pii"])
    assert set(catalog.sql("SELECT * FROM t.all").row(0)) == {MASK}
    counts = ", ".join(f"count(DISTINCT {name})" for name in names)
    assert catalog.sql(f"SELECT {counts} FROM t.all").row(0) == (1, 2, 2, 1, 2, 1, 1, 2, 1, 2)


def test_no_file_of_the_project_holds_what_a_query_asked(
    people: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    def held() -> list[str]:
        return [
            str(path)
            for path in people._project.home.rglob("*")
            if path.is_file() and "warehouse" not in path.parts and b"ana@x" in path.read_bytes()
        ]

    people.sql("SELECT * FROM hr.people", reveal=True)
    people.answer("SELECT * FROM hr.people")
    assert held() == []
    assert "ana@x" not in caplog.text


def test_what_polars_has_no_type_for_is_text_and_nanoseconds_stay(catalog: Catalog) -> None:
    query = (
        "SELECT [INTERVAL 1 DAY] a, union_value(k := 1) b, TIMETZ '12:00:00+02' c, '101'::BIT d,"
        " {'x': INTERVAL 1 DAY} e, 1 AS a, TIMESTAMP_NS '2020-01-01 00:00:00.123456789' f,"
        " INTERVAL '1 month -2 seconds' g, 340282366920938463463374607431768211455::UHUGEINT h,"
        " '-99999999999999999999999999999999999999999'::BIGNUM i, {'y': [1]}::VARIANT j"
    )
    found = catalog.answer(query)
    assert found.rows == [
        [
            "[1 day]",
            "1",
            "12:00:00+02",
            "101",
            "{'x': 1 day}",
            1,
            "2020-01-01T00:00:00.123456789",
            "1 month -00:00:02",
            str(2**128 - 1),
            "-" + "9" * 41,
            "{'y': [1]}",
        ]
    ]
    assert list(found.columns) == ["a", "b", "c", "d", "e", "a_2", *"fghij"]


def test_an_answer_takes_no_more_memory_than_it_may() -> None:
    limits = Limits(memory_mib=64, seconds=60)
    wide = "SELECT repeat('x', 10000) FROM range(1000000)"
    with engine(limits) as connection:
        found, _ = answer(connection, wide, {}, 1, 64)
        assert found.num_rows == 2
        with pytest.raises(Unprocessable, match=r"over 64 MiB.*sql_memory_mib"):
            answer(connection, wide, {}, None, 64)


@pytest.mark.parametrize("opened", ["/* ", "$t{}$ "])
def test_what_is_never_closed_is_read_in_one_go(opened: str) -> None:
    query = "SELECT 1 " + "".join(opened.format(number) for number in range(99_999))
    began = time.process_time()
    assert len(words.tokens(query)) <= 3
    assert time.process_time() - began < 10  # from each sign to the end: minutes


def test_a_huge_query_is_refused_before_it_is_read(catalog: Catalog) -> None:
    with pytest.raises(BadRequest, match=r"It has 1,000,009 characters; 1,000,000 are the most"):
        catalog.sql("SELECT 1 " + " " * 1_000_000)


def test_dollars_in_names_and_of_parameters_open_no_text() -> None:
    found = words.tokens("SELECT a$b$ FROM s.t WHERE x = $1 AND y = $2$ OR z = $p")
    assert [table.text for table in words.tables(found)] == ["s.t"]
    assert [token.text for token in found if token.kind == "text"] == []


def test_the_rows_of_a_query_are_of_the_state_that_it_names() -> None:
    """Another process commits while the query is prepared."""

    class Written:
        states = iter(["1", "2", "2", "2"])

        def state(self) -> str:
            self.now = next(self.states)
            return self.now

        def scan(self) -> str:
            return f"rows of {self.now}"

    assert one_state(Written()) == ("rows of 2", "2")  # type: ignore[arg-type, comparison-overlap]
