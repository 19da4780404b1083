"""Data contracts (ODCS 3.1): written so that others read them, and read as others write them."""

from __future__ import annotations

import json
import math
from datetime import date
from importlib import resources
from typing import Any

import jsonschema
import polars as pl
import pytest
import yaml

from jupyter_mlinfra.catalog.quality.contract_metrics import demands_of_metric
from jupyter_mlinfra.catalog.quality.words import stored_text
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable

RULES = {
    "id not null": "block",
    "id unique": "warn",
    "id, day unique": "block",
    "price between 0 and 99.5": "quarantine",
    "country in FR, DE": "warn",
    'country matches "^[A-Z]+$"': "block",
    "buyer references shop.buyers.id": "warn",
    'price * 2 > id or country != "XX"': "quarantine",
    '"odd: name" not null': "warn",
    "day not null, failed rows must be < 5 %": "block",
    "day unique, failed rows must be <= 0.5 %": "warn",
    "country in FR, IT, failed rows must be <= 3": "quarantine",
    'day matches "^[a-z]+$", failed rows must be < 3': "block",
    "price >= 2, failed rows must be < 20 %": "warn",
    "rows between 1 and 500": "warn",
    "SELECT * FROM {object} WHERE price < 0": "block",
    "SELECT count(*) FROM shop.buyers must be between 1 and 2": "warn",
    "fresh within 26 h": "block",
}

# As other tools write it, in the words of ODCS 3.0 and 3.1.
FOREIGN = """
apiVersion: v3.1.0
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
version: 1.1.0
status: active
schema:
  - name: customers
    properties: []
  - name: orders
    physicalName: orders_v1
    properties:
      - name: order_id
        primaryKey: true
        primaryKeyPosition: 1
        logicalType: integer
      - name: line
        primaryKey: true
        primaryKeyPosition: 2
        logicalType: integer
        logicalTypeOptions: {minimum: 1, exclusiveMaximum: 100, multipleOf: 1}
      - name: mail
        required: true
        unique: true
        logicalType: string
        logicalTypeOptions: {minLength: 3, maxLength: 40, pattern: '^\\S+@\\S+$', format: email}
        quality:
          - {metric: missingValues, arguments: {missingValues: ['', 'N/A', null]}, mustBe: 0}
          - {metric: nullValues, mustBeLessThan: 5, unit: percent, name: few nulls}
          - {metric: missingValues, arguments: {missingValues: [null, '?']}, mustBeLessThan: 5}
          - {metric: nullValues, mustBeBetween: [0, 7], unit: rows}
          - {metric: nullValues, mustBeLessThan: 5, unit: per mille, name: of a thousand}
          - {metric: nullValues, mustBeGreaterThan: 5, name: has to be empty}
          - {type: text, description: It was verified.}
      - name: status
        quality:
          - metric: invalidValues
            arguments: {validValues: [open, paid, "3"]}
            mustBe: 0
            severity: warning
          - metric: invalidValues
            arguments: {validValues: [a, b], pattern: '^[a-z]$'}
            mustBeLessThanOrEqualTo: 2.5
            unit: percent
          - {rule: nullCheck, mustBe: 0, name: old words}
      - name: customer
        relationships: [{type: foreignKey, to: customers.id}]
    quality:
      - {metric: rowCount, mustBeGreaterThan: 2, name: enough rows}
      - {metric: duplicateValues, arguments: {properties: [status, customer]}, mustBe: 0}
      - {type: sql, query: 'SELECT count(*) FROM t', mustBe: 0, name: in SQL}
      - {type: custom, engine: soda, implementation: 'row_count > 5', name: of another}
slaProperties:
  - {property: latency, value: 2, unit: d, element: orders.at}
  - {property: retention, value: 3, unit: y}
"""


@pytest.fixture
def orders(catalog) -> Any:
    frame = pl.DataFrame(
        {"id": [1], "day": ["a"], "price": [1.5], "country": ["FR"], "buyer": [1], "odd: name": [1]}
    )
    catalog.write(pl.DataFrame({"id": [1]}), into="shop.buyers")
    catalog.write(frame, into="shop.orders")
    catalog.describe("shop.orders", owner="ana", description="What was\nordered", tags=["gold"])
    catalog.tag("column:shop.orders.buyer", add=["pii"])
    return catalog


def rules_of(catalog: Any, name: str) -> dict[str, tuple[str, str]]:
    return {
        state.rule.rule: (state.rule.text, state.rule.severity)
        for state in catalog.rules(name).rules
    }


def test_rules_go_out_and_come_back_as_they_were(orders, tmp_path) -> None:
    for text, severity in RULES.items():
        orders.rule("shop.orders", text, severity=severity)
    orders.rule("shop.orders", "price >= -5", as_="no refunds")
    before = rules_of(orders, "shop.orders")
    file = tmp_path / "orders.yaml"
    written = orders.export_contract("shop.orders", file)
    assert (written.rules, written.left_out) == (len(before), [])
    for rule in before:
        orders.remove_rule("shop.orders", rule)
    read = orders.import_contract("shop.orders", file)
    assert (read.rules, read.left_out) == (len(before), [])
    assert rules_of(orders, "shop.orders") == before
    with pytest.raises(Conflict, match="exists already"):
        orders.export_contract("shop.orders", file)


def test_others_read_what_is_written(orders, tmp_path) -> None:
    from open_data_contract_standard import model as standard

    for text, severity in RULES.items():
        orders.rule("shop.orders", text, severity=severity)
    file = tmp_path / "orders.yaml"
    orders.export_contract("shop.orders", file)
    content = yaml.safe_load(file.read_text())
    schema = json.loads(
        resources.files("open_data_contract_standard").joinpath("schema.json").read_text()
    )
    jsonschema.Draft201909Validator(schema).validate(content)
    contract = standard.OpenDataContractStandard.from_file(str(file))
    (table,) = contract.schema_
    assert [column.name for column in table.properties] == [
        "id", "day", "price", "country", "buyer", "odd: name",
    ]  # fmt: skip
    by_name = {column.name: column for column in table.properties}
    assert {item.metric for item in by_name["id"].quality} == {"nullValues", "duplicateValues"}
    assert by_name["country"].quality[0].arguments == {"validValues": ["FR", "DE"]}
    assert by_name["buyer"].classification == "pii"
    few = by_name["day"].quality[0]
    assert (few.metric, few.mustBeLessThan, few.unit) == ("nullValues", 5, "percent")
    assert [item.metric for item in table.quality if item.metric] == ["duplicateValues", "rowCount"]
    assert (contract.slaProperties[0].value, contract.slaProperties[0].unit) == (26, "h")


def test_what_others_write_is_read_and_what_has_no_meaning_here_is_named(catalog, tmp_path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(FOREIGN)
    found = catalog.import_contract("shop.orders", file)
    assert dict(rules_of(catalog, "shop.orders").values()) == {
        "order_id, line unique": "block",
        "order_id not null": "block",
        "line not null": "block",
        "line >= 1": "block",
        'col("line") < 100': "block",
        'col("line") % 1 == 0': "block",
        "mail not null": "block",
        "mail unique": "block",
        'length(col("mail")) >= 3': "block",
        'length(col("mail")) <= 40': "block",
        r"mail matches ^\S+@\S+$": "block",
        'col("mail") not in ["", "N/A"]': "block",
        "mail not null, failed rows must be < 5 %": "block",
        "mail not null, failed rows must be <= 7": "block",
        'col("mail") is not None and col("mail") not in ["?"], failed rows must be < 5': "block",
        'col("status") in ["a", "b"] and matches(col("status"), "^[a-z]$"),'
        " failed rows must be <= 2.5 %": "block",
        'status in open, paid, "3"': "warn",
        "status not null": "block",
        "customer references shop.customers.id": "block",
        "rows >= 3": "block",
        "status, customer unique": "block",
        "fresh within 2 d": "block",
        "SELECT count(*) FROM t must be 0": "block",  # the dataset is not there yet
    }
    assert found.rules == 23
    left = "\n".join(found.left_out)
    for words in (
        "of a thousand",
        "has to be empty",
        "text for people",
        "'format' of mail",
        "soda",
        "retention",
    ):
        assert words in left, words
    assert len(found.left_out) == 6


OTHER_NAMES = """
apiVersion: v3.1.0
kind: DataContract
schema:
  - name: sales
    physicalName: s
    properties:
      - {name: identifier, physicalName: id, logicalType: integer, required: true}
      - {name: day, physicalName: BUSINESS_DAY, primaryKey: true}
      - {name: buyer, relationships: [{to: buyers.id}]}
      - name: address
        logicalType: object
        properties:
          - {name: zip, required: true}
          - {name: city}
          - {name: geo, logicalType: array, items: {logicalType: number, quality: [{type: text}]}}
    quality:
      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [identifier, day]}}
    relationships: [{from: sales.identifier, to: known.id}]
  - name: other
    properties: [{name: a}]
slaProperties:
  - {property: latency, value: 4, unit: d, element: other.a}
  - {property: freshness, value: 1, unit: d, element: "other.a, sales.day"}
"""


def test_names_of_a_contract_are_found_and_another_table_s_agreements_are_not_ours(
    catalog, tmp_path
) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="q.known")
    catalog.write(pl.DataFrame({"id": [1]}), into="q.buyers")
    columns = {"id": [1], "day": ["a"], "buyer": [1], "address": [{"zip": "89073"}]}
    catalog.write(pl.DataFrame(columns), into="q.s")
    file = tmp_path / "contract.yaml"
    file.write_text(OTHER_NAMES)
    found = catalog.import_contract("q.s", file)
    assert set(rules_of(catalog, "q.s")) == {
        "id not null",
        "day unique",
        "day not null",
        "buyer references q.buyers.id",
        "id, day unique",
        "id references q.known.id",
        "fresh within 1 d",
    }
    assert found.left_out == [
        "'address.zip': rules about fields within a column are not asked",
        "'address.geo.items': rules about fields within a column are not asked",
        "the agreement 'latency': it is about other.a",
    ]


def test_a_contract_that_cannot_be_opened_says_why(orders, tmp_path) -> None:
    for name in ("nowhere.yaml", "nu\0l.yaml", "half\ud800.yaml", "long" * 100):
        with pytest.raises(NotFound, match="There is no file"):
            orders.import_contract("shop.orders", tmp_path / name)
    with pytest.raises(Unavailable, match="Is a directory"):
        orders.import_contract("shop.orders", tmp_path)


def test_a_contract_that_does_not_fit_changes_nothing_that_it_cannot(orders, tmp_path) -> None:
    file = tmp_path / "c.yaml"

    def refused(text: str, kind: type[Exception], match: str) -> None:
        file.write_text(text)
        with pytest.raises(kind, match=match):
            orders.import_contract("shop.orders", file)

    refused("a: [", Unprocessable, "YAML cannot be read")
    refused("[1, 2]", Unprocessable, "kind: DataContract")
    refused("kind: DataContract\napiVersion: v2.2.0", Unprocessable, "another version")
    refused("kind: DataContract\napiVersion: v3.1.0", Unprocessable, "nothing of a table")
    two = "kind: DataContract\napiVersion: v3.0.2\nschema: [{name: a}, {name: b}]"
    refused(two, BadRequest, "none of them is shop.orders")
    refused("!!python/object/apply:os.system ['true']", Unprocessable, "YAML cannot be read")
    assert rules_of(orders, "shop.orders") == {}
    file.write_text(FOREIGN)  # columns that the dataset does not have
    found = orders.import_contract("shop.orders", file)
    assert rules_of(orders, "shop.orders").keys() == {"enough rows", "fresh within 2 d"}
    assert any("There is no column 'mail'" in line for line in found.left_out)


def test_a_contract_leaves_no_rule_that_cannot_be_read_again(catalog, project, tmp_path) -> None:
    frame = pl.DataFrame({"code": ["a"], "n": [1], "day": [date(2026, 1, 1)]})
    for name in ("shop.orders", "shop.other"):
        catalog.write(frame, into=name)
    file = tmp_path / "c.yaml"
    limits = {"minimum": date(2020, 1, 1), "exclusiveMaximum": date(2030, 1, 1)}
    valid = {"validValues": [f"code {number}" for number in range(500)]}
    library = [{"metric": "invalidValues", "arguments": valid, "mustBe": 0}]
    pattern = {"pattern": ""}
    rows = [
        {"metric": "rowCount", "mustBeBetween": [0, math.inf], "name": "endless"},
        {"metric": "rowCount", "mustBeBetween": [math.nan, 5], "name": "no number"},
        {"metric": "rowCount", "mustBeLessThan": 0, "name": "fewer than none"},
    ]
    properties = [
        {"name": "code", "quality": library, "logicalTypeOptions": pattern},
        {"name": "day", "logicalTypeOptions": limits},
        {"name": "n", "relationships": [{"to": "my table.id"}]},
    ]
    sla = [
        {"property": "latency", "value": -1, "unit": "d"},
        {"property": "latency", "value": 1e-6, "unit": "d"},
        {"property": "freshness", "value": 20_576.125, "unit": "m"},
    ]
    table = {"name": "orders", "properties": properties, "quality": rows}
    text = {"kind": "DataContract", "apiVersion": "v3.1.0", "schema": [table], "slaProperties": sla}
    file.write_text(yaml.safe_dump(text))
    found = catalog.import_contract("shop.orders", file)
    kept = {rule for rule, _ in rules_of(catalog, "shop.orders").values()}
    assert kept == {
        "day >= 2020-01-01",
        'col("day") < "2030-01-01"',
        'code matches ""',
        "fresh within 20576.125 min",
    }
    left = "\n".join(found.left_out)
    words = (
        "endless",
        "no number",
        "fewer than none",
        "at most 2,000",
        "my table",
        "'-1' is no target",
        "'1e-06' is no target",
    )
    assert [word for word in words if word.lower() not in left.lower()] == []
    assert len(found.left_out) == 7


def test_a_kept_rule_that_cannot_be_read_hides_nothing(catalog, project, tmp_path) -> None:
    for name in ("shop.orders", "shop.other"):
        catalog.write(pl.DataFrame({"id": [1]}), into=name)
    catalog.rule("shop.orders", "id not null")
    with project.database.write() as connection:
        connection.executemany(
            "INSERT INTO catalog_rule (dataset, rule, definition, severity, at, user)"
            " VALUES ('shop.orders', ?, ?, 'warn', 2e9, 'ana')",
            [("bad", '{"text": "fresh within -1 d"}'), ("worse", "[fresh within")],
        )
    assert [item.name for item in catalog.list().items] == ["shop.orders", "shop.other"]
    assert catalog.show("shop.orders").dataset.name == "shop.orders"
    states = catalog.rules("shop.orders").rules
    assert [state.rule.rule for state in states] == ["id not null", "bad", "worse"]
    assert states[0].last is None
    assert states[1].last is not None
    assert (states[1].last.passed, "cannot be read" in states[1].last.error) == (False, True)
    results = catalog.quality("shop.orders").rules
    assert [(item.passed, bool(item.error)) for item in results] == [
        (True, False), (False, True), (False, True),
    ]  # fmt: skip
    failed = catalog.write(pl.DataFrame({"id": [2]}), into="shop.orders").rules_failed
    assert [line.split()[0] for line in failed] == ["'bad'", "'worse'"]
    written = catalog.export_contract("shop.orders", tmp_path / "c.yaml")
    assert (written.rules, len(written.left_out)) == (1, 2)
    for rule in ("bad", "worse"):
        assert catalog.remove_rule("shop.orders", rule).rule == rule
    assert list(rules_of(catalog, "shop.orders")) == ["id not null"]


# Checks as pandera 0.20 writes them, a mapping, and as later versions do, a list.
PANDERA = """
schema_type: dataframe
version: 0.26.1
columns:
  id:
    {title: null, dtype: int64, nullable: false, unique: true, checks: null, regex: false}
  price:
    dtype: float64
    nullable: true
    checks:
      greater_than_or_equal_to: 0
      in_range: {min_value: -5, max_value: 100, include_max: false}
      our_own_check: {}
  country:
    dtype: str
    nullable: true
    checks:
    - value: [FR, DE]
      options: {check_name: isin, raise_warning: true, ignore_na: true}
    - value: '[A-Z]'
      options: {check_name: str_matches, raise_warning: false, ignore_na: true}
    - {min_value: 2, max_value: null, options: {check_name: str_length}}
  ^x_.*$: {dtype: int64, nullable: true, regex: true}
  gone: {dtype: int64, nullable: false}
checks: null
index: null
strict: true
unique: [id, country]
"""


def test_a_schema_that_pandera_wrote_is_read(orders, tmp_path) -> None:
    file = tmp_path / "schema.yaml"
    file.write_text(PANDERA)
    found = orders.import_contract("shop.orders", file)
    assert dict(rules_of(orders, "shop.orders").values()) == {
        "id not null": "block",
        "id unique": "block",
        'col("price") >= 0': "block",
        'col("price") >= -5 and col("price") < 100': "block",
        "country in FR, DE": "warn",
        "country matches ^(?:[A-Z])": "block",
        'length(col("country")) >= 2': "block",
        "id, country unique": "block",
    }
    left = "\n".join(found.left_out)
    for words in ("our_own_check", "^x_.*$", "gone", "strict"):
        assert words in left, words
    assert (found.rules, len(found.left_out)) == (8, 4)
    assert all(item.passed for item in orders.quality("shop.orders").rules)


def test_valid_values_with_a_pattern_are_words(catalog: Any) -> None:
    arguments = {"validValues": [True, False, 3], "pattern": "^[a-z0-9]+$"}
    item = {"arguments": arguments, "mustBeLessThan": 50, "unit": "percent"}
    [check], allowed = demands_of_metric("invalidValues", item, "state", {})
    catalog.write(pl.DataFrame({"state": ["true", "false", "3", "True"]}), into="t.words")
    catalog.rule("t.words", stored_text(check, allowed))
    [result] = catalog.quality("t.words").rules
    assert (result.failed_rows, result.passed, result.error) == (1, True, "")
