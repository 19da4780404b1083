"""Of what columns an answer was made: statements with the answer that a person gives."""

from __future__ import annotations

import duckdb
import pytest

from jupyter_mlinfra.catalog.querying.columns import sources

TABLES = {
    ("s", "orders"): ["id", "customer", "amount", "day"],
    ("s", "people"): ["id", "name", "Email"],
    ("s", "orders@42"): ["id", "amount"],
}
ID, CUSTOMER, AMOUNT, DAY = "o.id", "o.customer", "o.amount", "o.day"

STATEMENTS = {
    "SELECT id, amount FROM s.orders": {"id": [ID], "amount": [AMOUNT]},
    "SELECT amount * 2 + id AS twice FROM s.orders": {"twice": [AMOUNT, ID]},
    "SELECT 1 AS one, count(*) AS rows FROM s.orders": {"one": [], "rows": []},
    "FROM s.orders": {"id": [ID], "customer": [CUSTOMER], "amount": [AMOUNT], "day": [DAY]},
    "SELECT * EXCLUDE (id, day) FROM s.orders": {"customer": [CUSTOMER], "amount": [AMOUNT]},
    "SELECT * REPLACE (id + customer AS id) FROM s.orders": {
        "id": [CUSTOMER, ID],
        "customer": [CUSTOMER],
        "amount": [AMOUNT],
        "day": [DAY],
    },
    "SELECT p.*, o.amount FROM s.people p JOIN s.orders o ON o.customer = p.id": {
        "id": ["p.id"],
        "name": ["p.name"],
        "Email": ["p.Email"],
        "amount": [AMOUNT],
    },
    "SELECT EMAIL AS mail FROM S.People WHERE id > 3": {"mail": ["p.Email"]},
    "SELECT name, amount FROM s.orders JOIN s.people ON customer = people.id": {
        "name": ["p.name"],
        "amount": [AMOUNT],
    },
    "SELECT coalesce(name, Email) AS who FROM s.people LEFT JOIN s.orders USING (id)": {
        "who": ["p.Email", "p.name"],
    },
    "SELECT a.id AS x, b.amount AS y FROM s.orders a, s.orders b WHERE a.id = b.customer": {
        "x": [ID],
        "y": [AMOUNT],
    },
    "SELECT customer, sum(amount) AS total FROM s.orders GROUP BY ALL": {
        "customer": [CUSTOMER],
        "total": [AMOUNT],
    },
    "SELECT max(day) AS last FROM s.orders GROUP BY customer HAVING sum(amount) > 3": {
        "last": [DAY],
    },
    "SELECT id, row_number() OVER (PARTITION BY customer ORDER BY day) AS n FROM s.orders": {
        "id": [ID],
        "n": [CUSTOMER, DAY],
    },
    "SELECT id, sum(amount) OVER w AS running FROM s.orders WINDOW w AS (ORDER BY day)": {
        "id": [ID],
        "running": [AMOUNT],
    },
    "SELECT id FROM s.orders UNION ALL SELECT id FROM s.people": {"id": [ID, "p.id"]},
    "SELECT id, name FROM s.people EXCEPT SELECT customer, 'x' FROM s.orders": {
        "id": [CUSTOMER, "p.id"],
        "name": ["p.name"],
    },
    "WITH t AS (SELECT customer AS c, sum(amount) AS a FROM s.orders GROUP BY 1)"
    " SELECT name, a / 2 AS half FROM t JOIN s.people p ON p.id = t.c": {
        "name": ["p.name"],
        "half": [AMOUNT],
    },
    "WITH a AS (SELECT id FROM s.orders), b AS (SELECT id + 1 AS n FROM a) SELECT n FROM b": {
        "n": [ID],
    },
    "SELECT x FROM (SELECT amount - id AS x FROM s.orders) t WHERE x > 0": {"x": [AMOUNT, ID]},
    "SELECT name, (SELECT max(amount) FROM s.orders o WHERE o.customer = p.id) AS most"
    " FROM s.people p": {"name": ["p.name"], "most": [AMOUNT]},
    "SELECT Email FROM s.people WHERE id IN (SELECT customer FROM s.orders)": {
        "Email": ["p.Email"],
    },
    "SELECT CASE WHEN name = 'x' THEN amount ELSE 0 END AS v"
    " FROM s.people p JOIN s.orders o ON o.id = p.id ORDER BY day LIMIT 5": {
        "v": [AMOUNT, "p.name"],
    },
    'SELECT "orders".amount AS was FROM "s"."orders@42" AS "orders"': {"was": ["o42.amount"]},
    "SELECT DISTINCT ON (customer) id AS first FROM s.orders ORDER BY customer, day": {
        "first": [ID],
    },
}
LETTERS = {"o": "orders", "p": "people", "o42": "orders@42"}


def _source(text: str) -> tuple[str, str, str]:
    table, column = text.split(".")
    return ("s", LETTERS[table], column)


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA s")
    for (_, table), columns in TABLES.items():
        texts = {"name", "Email"}
        types = ", ".join(f"{name} {'TEXT' if name in texts else 'BIGINT'}" for name in columns)
        connection.execute(f'CREATE TABLE s."{table}" ({types})')
    return connection


@pytest.mark.parametrize("query", STATEMENTS)
def test_statements(query: str, engine: duckdb.DuckDBPyConnection) -> None:
    answer = engine.sql(query).columns  # DuckDB takes it, and names its columns
    expected = {name: sorted(map(_source, made)) for name, made in STATEMENTS[query].items()}
    assert sources(query, TABLES, answer) == expected


@pytest.mark.parametrize(
    "query",
    [
        "SELECT COLUMNS('i.*') FROM s.orders",
        "SELECT o FROM s.orders o",
        "PIVOT s.orders ON customer USING sum(amount)",
        "SELECT #3 AS x FROM s.orders",
        "SELECT (SELECT p.name) AS x FROM s.people p",
        "SELECT (SELECT p.name FROM s.orders LIMIT 1) || id AS x FROM s.people p",
        "SELECT id AS x FROM s.people UNION BY NAME SELECT Email AS x FROM s.people",
        "SELECT 1 AS x FROM",
    ],
)
def test_what_cannot_be_told(query: str) -> None:
    assert sources(query, TABLES, ["x"]) is None


def test_a_name_that_occurs_twice_is_not_guessed() -> None:
    query = "SELECT id, amount AS id, day FROM s.orders"
    assert sources(query, TABLES, ["id", "id_2", "day"]) == {"day": [_source(DAY)]}
