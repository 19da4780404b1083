"""Rules in SQL: a SELECT of the rows that fail, or of one value that is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.quality.words import check_of, text_of
from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.errors import BadRequest, Forbidden, MLInfraError, NotFound, Unprocessable
from jupyter_mlinfra.core.records import MASK

ROWS = pl.DataFrame({"id": [1, 2, 3, 4], "price": [5.0, -1.0, None, -2.0], "day": [1, 1, 2, 2]})


@pytest.fixture
def orders(catalog: Catalog) -> Catalog:
    catalog.write(ROWS, into="shop.orders")
    catalog.write(pl.DataFrame({"day": [1], "total": [4.0]}), into="shop.days")
    return catalog


@pytest.mark.parametrize(
    ("text", "failed", "passed"),
    [
        ("SELECT * FROM shop.orders WHERE price < 0", 2, False),
        ("select id from {object} where price > 100;", 0, True),
        ("SELECT id FROM ${table} WHERE '{object}' = 'x' -- {object}", 0, True),
        ("WITH o AS (SELECT * FROM orders) FROM o WHERE price IS NULL", 1, False),
        ("SELECT orders.id FROM orders ANTI JOIN shop.days USING (day)", 2, False),
        ("(SELECT 1 FROM {object}) UNION ALL (SELECT 1 FROM {object})", 8, False),
        ("SELECT * FROM {object} a JOIN {object} b ON a.day = b.day AND a.id < b.id", 2, False),
        ("SELECT count(*) FROM {object} must be 4", None, True),
        ("SELECT count(*) FROM {batch} WHERE price < 0 must be < 2", None, False),
        ("SELECT avg(price) FROM {object} must be between 0 and 1", None, True),
        ("SELECT avg(price) FROM {object} must not be between 0 and 1", None, False),
        ("SELECT sum(price::DECIMAL(9,1)) / 10 FROM {object} must be 0.2", None, True),
        ("SELECT bool_and(id > 0) FROM {object} must be true", None, True),
        ("SELECT (SELECT sum(price) FROM {object} WHERE day = 1) - total FROM shop.days must be 0",
         None, True),
        ("SELECT max(id) FROM {object} must be >= 1e1", None, False),
        ("SELECT max(id) FROM {object} -- the newest\n must be 4", None, True),
    ],
)  # fmt: skip
def test_a_query_finds_rows_or_a_value(orders, text: str, failed: int | None, passed: bool) -> None:
    rule = orders.rule("shop.orders", text, severity="warn", as_="r")
    assert text_of(check_of(rule.text)) == rule.text
    (result,) = orders.quality("shop.orders").rules
    assert (result.failed_rows, result.passed, result.error) == (failed, passed, "")
    assert len(result.sample) == (1 if failed is None else min(failed, 5))
    assert orders.rules("shop.orders").rules[0].last == result
    assert [past.passed for past in orders.results("shop.orders").items] == [passed]


def test_what_no_rule_can_be_says_what_to_write(orders) -> None:
    said = {
        "SELECT count(*) FROM {object}": "answer even where no dataset has rows",
        "SELECT id FROM {object} must be 0, or so": "not clear what the value must be",
        "SELECT id, day FROM {object} must be 0": "2 columns",
        "SELECT min(id)::text FROM {object} must be 0": "no number",
        "SELECT * FROM {object} WHERE {property} < 0": "stands for no column",
        "SELECT * FROM {object} WHERE price < $least": r"has a parameter: \$least",
        "SELECT * FROM {object} WHERE prise < 0": "prise",
        "SELECT * FROM shop.nothing": "does not have",
        "SELECT * FROM '/etc/passwd'": "does not exist",
        "SELECT 1 FROM {object}; DROP TABLE x": "one SELECT",
        "SELECT * FROM {object} WHERE": "syntax error",
        "SELECT * FROM {object} WHERE id > 0 " + "OR id > 0 " * 2_000: "signs",
    }
    for text, words in said.items():
        with pytest.raises(MLInfraError, match=words):
            orders.rule("shop.orders", text)
    assert orders.rules("shop.orders").rules == []
    with pytest.raises(BadRequest, match="cannot set rows aside"):
        orders.rule("shop.orders", "SELECT * FROM {object} WHERE id < 0", severity="quarantine")
    # Columns with names of SQL are conditions still, as they were.
    assert check_of("select > 5 and day < 3").columns == ("select", "day")


@pytest.mark.parametrize(("mode", "key"), [("append", ()), ("replace", ()), ("upsert", ("id",))])
def test_a_write_is_judged_by_the_state_that_it_would_leave(
    orders, mode: str, key: tuple[str, ...], rows, stored
) -> None:
    orders.rule("shop.orders", "SELECT sum(price) FROM {object} must be <= 10", as_="budget")
    orders.rule("shop.orders", "SELECT day FROM {object} GROUP BY 1 HAVING count(*) > 3",
                severity="warn", as_="full days")  # fmt: skip
    before, files = rows("shop.orders"), stored()
    new = pl.DataFrame({"id": [4, 5], "price": [9.0, 0.5], "day": [1, 1]})
    total = {"append": 11.5, "replace": 9.5, "upsert": 13.5}[mode]
    write = {"into": "shop.orders", "mode": mode, **({"key": list(key)} if key else {})}
    if total > 10:
        with pytest.raises(
            Unprocessable, match=f"'budget' does not hold: the value is {total}"
        ) as no:
            orders.write(new, **write)
        assert (rows("shop.orders"), stored()) == (before, files)
        assert no.value.fix.endswith(
            ": mlinfra catalog rule shop.orders 'SELECT sum(price) FROM {object} must be <= 10'"
            " --as budget --severity warn"
        )
        new = new.with_columns(price=pl.lit(0.0))
    report = orders.write(new, **write)
    full = [] if mode == "replace" else ["'full days' finds 1 row; the rows are in the dataset"]
    assert list(report.rules_failed) == full
    page = orders.results("shop.orders", rule="budget").items
    assert (page[0].by, page[0].passed) == ("ingest", True)


def test_the_first_rows_of_a_dataset_are_asked_too(catalog, file) -> None:
    catalog.rule("shop.new", "SELECT count(*) FROM {object} must be > 1")
    with pytest.raises(BadRequest, match="cannot be run"):
        catalog.rule("shop.new", "SELECT * FROM {object} WHERE WHERE")
    with pytest.raises(Unprocessable, match="the value is 1"):
        catalog.ingest([file("a.csv", "id,day\n1,2026-01-01\n")], into="shop.new")
    with pytest.raises(Unprocessable, match="the value is 0"):
        catalog.ingest([file("none.csv", "id,day\n")], into="shop.new", types={"id": "i64"})
    done = catalog.ingest([file("b.csv", "id,day\n1,2026-01-01\n2,2026-01-02\n")], into="shop.new")
    assert (done.rows_written, list(done.rules_failed)) == (2, [])


def test_a_write_of_no_rows_is_judged_too(orders, rows) -> None:
    orders.rule("shop.orders", "SELECT count(*) FROM {object} WHERE price < -5 must be 0")
    none = ROWS.clear().with_columns(new=pl.lit(None, pl.Int64))
    assert list(orders.write(none, into="shop.orders").rules_failed) == []
    assert len(rows("shop.orders")) == 4
    assert list(orders.write(none, into="shop.orders", mode="replace").rules_failed) == []
    assert rows("shop.orders") == []


def test_a_commit_of_another_writer_is_seen(orders, meanwhile) -> None:
    orders.rule("shop.orders", "SELECT id FROM {object} GROUP BY id HAVING count(*) > 1")
    new = ROWS.head(1).with_columns(id=pl.lit(9, pl.Int64))
    meanwhile(lambda: orders.write(new, into="shop.orders"))
    with pytest.raises(Unprocessable, match="finds 1 row"):
        orders.write(new, into="shop.orders")


def test_no_value_is_kept_in_an_error_before_it_is_known_to_be_personal(orders, project) -> None:
    secret = "canary@example.org"
    orders.write(pl.DataFrame({"id": [1], "mail": [secret]}), into="shop.people")
    asked = {
        "type": "SELECT * FROM {object} WHERE mail::INT > 0",
        "parse": "SELECT * FROM {object} WHERE strptime(mail, '%Y') IS NULL",
        "error": "SELECT * FROM {object} WHERE error(mail) IS NULL",
    }
    for name, text in asked.items():
        orders.rule("shop.people", text, severity="warn", as_=name)
    found = orders.quality("shop.people").rules
    assert all(secret in item.error for item in found)  # who asks is told why
    orders.write(pl.DataFrame({"id": [2], "mail": [secret]}), into="shop.people")  # keeps them, too
    gone = "SELECT id FROM {object} WHERE id < 0"
    orders.rule("shop.people", gone, severity="warn", as_="gone")
    orders.write(pl.DataFrame({"no": [2]}), into="shop.people", mode="replace")
    orders.quality("shop.people")
    with project.database.read() as connection:
        kept = [row[0] for row in connection.execute("SELECT sample FROM catalog_result")]
    assert len(kept) > 6
    assert secret not in str(kept)
    shown = {state.rule.rule: state.last.error for state in orders.rules("shop.people").rules}
    assert "Binder Error" in shown["gone"]  # what tells no value is kept
    # What an earlier version kept is not shown.
    with project.database.write() as connection:
        error = f"The query failed. Conversion Error: '{secret}'."
        old = json.dumps({"sample": [], "error": error})
        connection.execute("UPDATE catalog_result SET sample = ?", (old,))
    for state in orders.rules("shop.people").rules:
        assert state.last.error == "The query fails. Run the rules to see why: it is not kept."


def test_masked_values_are_in_no_sample_and_no_error(orders, project) -> None:
    secret = "canary@example.org"
    people = pl.DataFrame({"id": [1, 2], "mail": [secret, "b"], "n": [-1, 2]})
    orders.write(people, into="shop.people")
    orders.rule("shop.people", "SELECT * FROM {object} WHERE n < 0", severity="warn", as_="star")
    orders.tag("column:shop.people.mail", add=["pii"])
    asked = {
        "named": "SELECT id FROM {object} WHERE mail LIKE 'canary%'",
        "alias": "SELECT upper(mail) AS m FROM {object}",
        "value": "SELECT count(*) FROM {object} WHERE mail = 'b' must be 5",
        "fails": "SELECT * FROM {object} WHERE mail::INT > 0",
        "parse": "SELECT * FROM {object} WHERE strptime(mail, '%Y') IS NULL",
        "error": "SELECT * FROM {object} WHERE error(mail) IS NULL",
        "whole": "SELECT * FROM {object} p WHERE p::TEXT LIKE '%canary%'",
    }
    for name in asked.keys() - {"whole"}:
        orders.rule("shop.people", asked[name], severity="warn", as_=name)
    with pytest.raises(Forbidden, match="values of a masked column"):
        orders.rule("shop.people", asked["whole"])
    with pytest.raises(Forbidden):
        orders.rule("shop.people", asked["named"], reveal=False)
    orders.rule("shop.orders", "SELECT mail FROM shop.people", severity="warn", as_="of others")
    found = {item.rule: item for item in orders.quality("shop.people").rules}
    assert found["star"].sample == [{"id": 1, "mail": MASK, "n": -1}]
    assert {name: item.failed_rows for name, item in found.items()} == {
        "star": 1, "named": 1, "alias": 2, "value": None, "fails": None,
        "parse": None, "error": None,
    }  # fmt: skip
    for name in asked.keys() - {"whole"}:
        assert (list(found[name].sample), found[name].passed) == ([], False)
    assert all("masked" in found[name].error for name in ("fails", "parse", "error"))
    (other,) = orders.quality("shop.orders").rules
    assert (other.failed_rows, list(other.sample)) == (2, [])
    with pytest.raises(Unprocessable) as caught:
        orders.rule("shop.people", asked["fails"], as_="fails")  # blocks now
        orders.write(people, into="shop.people")
    told = [str(caught.value), found, orders.rules("shop.people"), orders.rules("shop.people")]
    assert secret not in repr(told)
    with project.database.read() as connection:
        kept = [*map(tuple, connection.execute("SELECT * FROM catalog_result"))]
    assert secret not in repr(kept)
    # Who may not see the values is told no result of a rule about them.
    hidden = {item.rule.rule: item.last for item in orders.rules("shop.people", reveal=False).rules}
    assert hidden["named"].failed_rows is None
    assert hidden["star"].failed_rows == 2  # of the refused write


AROUND = [
    "SELECT * FROM b: shop.buyers WHERE b.mail = 'alice@x.fr'",
    """SELECT * FROM "b" : "shop"."buyers" WHERE b.mail = 'alice@x.fr'""",
    "SELECT b.mail FROM {object} o, b: shop.buyers WHERE b.mail = 'alice@x.fr'",
    "WITH c AS (FROM b: shop.buyers) SELECT * FROM c WHERE mail = 'alice@x.fr'",
    "FROM {object}, LATERAL (FROM b: shop.buyers WHERE b.mail = 'alice@x.fr')",
    "SELECT * FROM shop.buyers FOR VERSION AS OF OLD WHERE email = 'alice@x.fr'",
    "SELECT * FROM shop.buyers@OLD b WHERE b.email = 'alice@x.fr'",
    """FROM/**/"shop" -- .
       .buyers b WHERE b.mail = 'alice@x.fr'""",
    "FROM {object} SELECT (SELECT min(mail) FROM shop.buyers) > 'alice' must be true",
    "SELECT * FROM (TABLE shop.buyers) WHERE mail = 'alice@x.fr'",
    "SELECT * FROM SHOP.Buyers WHERE mail = 'alice@x.fr'",
    "SELECT * FROM query_table('shop.buyers') WHERE mail = 'alice@x.fr'",
    "SELECT * FROM query('FROM shop.buyers') WHERE mail = 'alice@x.fr'",
]


def test_no_way_to_a_table_gets_masked_values_without_the_right(orders, monkeypatch) -> None:
    rows = pl.DataFrame({"id": [1, 2], "email": ["alice@x.fr", "carl@x.fr"]})
    old = orders.write(rows, into="shop.buyers").snapshot
    with orders._store.load(orders.own("shop.buyers")).update_schema() as schema:
        schema.rename_column("email", "mail")
    orders.tag("column:shop.buyers.mail", add=["pii"])
    for query in AROUND:
        with pytest.raises((Forbidden, NotFound, BadRequest)):
            orders.rule("shop.orders", query.replace("OLD", old), severity="warn", reveal=False)
    with pytest.raises(Forbidden, match="for example FROM shop"):
        orders.rule("shop.orders", AROUND[0])
    # One that was kept before gets tokens: it finds nothing out.
    with monkeypatch.context() as before:
        before.setattr(Catalog, "_check_askable", lambda *_: None)
        orders.rule("shop.orders", AROUND[0], severity="warn", reveal=False)
    assert "needs the values" in orders.quality("shop.orders").rules[0].error
    orders.remove_rule("shop.orders", AROUND[0])
    named = "SELECT * FROM shop.buyers AS b WHERE b.mail = 'alice@x.fr'"
    orders.rule("shop.orders", named, severity="warn")
    (result,) = orders.quality("shop.orders").rules
    assert (result.failed_rows, result.sample, result.error) == (1, [], "")


def test_a_tag_takes_the_rows_that_other_datasets_kept(orders) -> None:
    orders.rule("shop.days", "SELECT price AS p FROM shop.orders", severity="warn")
    assert orders.quality("shop.days").rules[0].sample
    orders.tag("column:shop.orders.price", add=["pii"])
    assert orders.rules("shop.days").rules[0].last.sample == []


CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - name: price
        quality:
          - type: sql
            query: SELECT COUNT(*) FROM {object} WHERE {property} IS NULL
            mustBeLessThan: 2
          - name: top
            type: sql
            query: SELECT MAX(${column}) FROM ${table}
            mustBeBetween: [0, 5.5]
    quality:
      - {type: sql, query: SELECT COUNT(*) FROM orders, mustBeGreaterThan: 0, mustNotBe: 7}
      - {type: sql, query: 'SELECT MIN(id) > 0 FROM orders', mustBe: true, severity: warning}
      - {type: sql, query: 'SELECT COUNT(*) FROM orders'}
      - {type: sql, query: 'SELECT COUNT(*) FROM orders', mustBe: many}
      - {type: sql, query: 'SELECT COUNT(*) FROM elsewhere', mustBe: 0, name: lost}
      - {type: sql, query: 'DELETE FROM orders', mustBe: 0, name: bad}
"""


def test_queries_of_a_contract_come_in_and_go_out(orders, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(CONTRACT)
    found = orders.import_contract("shop.orders", file)
    assert (found.rules, len(found.left_out)) == (5, 4)
    assert all(item.passed for item in orders.quality("shop.orders").rules)
    orders.rule("shop.orders", "SELECT * FROM {object} WHERE price < 0", as_="rows")
    before = [
        (i.rule.rule, i.rule.text, i.rule.severity) for i in orders.rules("shop.orders").rules
    ]
    texts = {text for _, text, _ in before}
    assert 'SELECT MAX("price") FROM ${table} must be between 0 and 5.5' in texts
    written = tmp_path / "out.yaml"
    assert orders.export_contract("shop.orders", written).left_out == []
    quality = yaml.safe_load(written.read_text())["schema"][0]["quality"]
    assert quality[-1]["query"].startswith("SELECT count(*) FROM (")
    for name, *_ in before:
        orders.remove_rule("shop.orders", name)
    assert orders.import_contract("shop.orders", written).left_out == []
    after = [(i.rule.rule, i.rule.text, i.rule.severity) for i in orders.rules("shop.orders").rules]
    assert sorted(after) == sorted(before)


def test_a_query_that_takes_too_long_is_no_pass(orders, project) -> None:
    settings = project.root / "mlinfra.toml"
    settings.write_text(settings.read_text() + "\n[catalog]\nsql_seconds = 1\n")
    from jupyter_mlinfra.core.project import Project

    orders = Catalog(Project(project.root))
    slow = "SELECT * FROM {object}, range(100000) a, range(100000) b WHERE a.range + b.range < 0"
    orders.rule("shop.orders", slow, severity="warn", as_="slow")
    orders.rule("shop.orders", "id not null", severity="warn")
    slow_one, other = orders.quality("shop.orders").rules
    assert (slow_one.passed, other.passed) == (False, True)
    assert "stopped after 1 s" in slow_one.error


def test_the_words_of_the_command_line(orders, project, capfd, monkeypatch) -> None:
    monkeypatch.chdir(project.root)

    def called(*words: str) -> tuple[int, Any]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*words, "--json"])
        return int(ended.value.code or 0), json.loads(capfd.readouterr().out)

    text = "SELECT * FROM {object} WHERE price < 0"
    assert called("catalog", "rule", "shop.orders", text, "--as", "no refunds")[0] == 0
    code, report = called("catalog", "quality", "shop.orders")
    (rule,) = report["rules"]
    assert (code, rule["rule"], rule["passed"], rule["failed_rows"]) == (1, "no refunds", False, 2)
    assert rule["sample"][0]["price"] == -1.0
