"""Rules of a dataset: asked of all rows, and at every write."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.quality import checking
from jupyter_mlinfra.catalog.quality.among import homeless
from jupyter_mlinfra.catalog.quality.checks import (
    ROW_CHECKS,
    InRange,
    InSet,
    Matches,
    NotNull,
    Unique,
)
from jupyter_mlinfra.catalog.quality.screening import Screen
from jupyter_mlinfra.catalog.quality.trying import try_on
from jupyter_mlinfra.catalog.quality.words import check_of, text_of
from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK

# Words of a rule, and the SQL condition of a row that fails.
RULES = {
    "id not null": "id IS NULL",
    '"odd name" not null': '"odd name" IS NULL',
    "id unique": "id IN (SELECT id FROM t GROUP BY id HAVING count(*) > 1)",
    "word, day unique": (
        "(word, day) IN (SELECT (word, day) FROM t WHERE word IS NOT NULL AND day IS NOT NULL"
        " GROUP BY word, day HAVING count(*) > 1)"
    ),
    "price between 0 and 50.5": "NOT price BETWEEN 0 AND 50.5",
    "price >= -10": "price < -10",
    "day <= 2024-01-20": "day > DATE '2024-01-20'",
    "at >= 2024-01-10T12:00:00Z": "\"at\" < TIMESTAMP '2024-01-10 12:00:00'",
    "cost between 1.25 and 8": "NOT cost BETWEEN 1.25 AND 8",
    "word in a, b, 3": "word NOT IN ('a', 'b', '3')",
    "id in 1, 2, 3": "id NOT IN (1, 2, 3)",
    "flag in true": "NOT flag",
    'word matches "^[a-c]$"': "NOT regexp_matches(word, '^[a-c]$')",
    "word references shop.words.w": "word NOT IN (SELECT w FROM words WHERE w IS NOT NULL)",
    "id references shop.words.n": "id NOT IN (SELECT n FROM words WHERE n IS NOT NULL)",
    "price * 2 > id + 1 and not flag": "NOT (price * 2 > id + 1 AND NOT flag)",
    'word == "a" or day > "2024-01-15"': "NOT (word = 'a' OR day > DATE '2024-01-15')",
    "0 <= price < 80": "NOT (0 <= price AND price < 80)",
    'length(word) == 1 and upper(word) != "B"': "NOT (length(word) = 1 AND upper(word) != 'B')",
    'col("odd name") is not None or id not in [1, 2]': (
        'NOT ("odd name" IS NOT NULL OR id NOT IN (1, 2))'
    ),
    "month(day) == 1 and weekday(day) < 6": "NOT (month(day) = 1 AND isodow(day) < 6)",
    r'matches(word, "^\w$") or flag': r"NOT (regexp_matches(word, '^\w$') OR flag)",
    "coalesce(price, 0) >= 0 and abs(id) < 40": "NOT (coalesce(price, 0) >= 0 AND abs(id) < 40)",
}


@pytest.fixture
def table() -> pl.DataFrame:
    """Values of all kinds, with nulls in every column."""
    numbers = pl.int_range(3_000, eager=True).hash(5)
    drawn = pl.DataFrame({f"n{seed}": numbers.hash(seed) for seed in range(8)})
    words = pl.Series(["a", "b", "c", "dd", "3", None])
    return drawn.select(
        id=pl.when(pl.col("n0") % 17 > 0).then((pl.col("n0") % 60).cast(pl.Int64) - 10),
        price=pl.when(pl.col("n1") % 11 > 0).then(
            (pl.col("n1") % 2_000).cast(pl.Float64) / 15 - 20
        ),
        word=words.gather(drawn["n2"] % 6),
        day=pl.when(pl.col("n3") % 13 > 0).then(
            pl.date(2024, 1, 1) + pl.duration(days=(pl.col("n3") % 40).cast(pl.Int64))
        ),
        at=pl.when(pl.col("n4") % 9 > 0).then(
            pl.datetime(2024, 1, 1, time_zone="UTC")
            + pl.duration(hours=(pl.col("n4") % 500).cast(pl.Int64))
        ),
        cost=pl.when(pl.col("n5") % 7 > 0).then(
            ((pl.col("n5") % 1_000).cast(pl.Int64) / 100).cast(pl.Decimal(10, 2))
        ),
        flag=pl.when(pl.col("n6") % 5 > 0).then(pl.col("n6") % 2 == 0),
        **{"odd name": pl.when(pl.col("n7") % 19 > 0).then(pl.lit("x"))},
    )


def test_each_rule_counts_the_rows_that_duckdb_counts(
    catalog, table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "BLOCK", 700)
    words = pl.DataFrame({"w": ["a", "dd", None], "n": pl.Series([1, 2, 3], dtype=pl.Int32)})
    catalog.write(words, into="shop.words")
    for part in (table[:1_000], table[1_000:]):
        catalog.write(part, into="shop.orders")
    for text in RULES:
        catalog.rule("shop.orders", text, severity="warn")
    seen: list[tuple[int, int]] = []
    report = catalog.quality("shop.orders", on_progress=lambda *done: seen.append(done))
    with duckdb.connect() as oracle:
        without_zone = pl.col("at").dt.replace_time_zone(None)
        oracle.register("t", table.with_columns(without_zone).to_arrow())
        oracle.register("words", words.to_arrow())
        for result, (text, fails) in zip(report.rules, RULES.items(), strict=True):
            counted = oracle.execute(f"SELECT count(*) FROM t WHERE {fails}").fetchall()[0][0]
            assert (result.failed_rows, result.error) == (counted, ""), text
            assert result.passed == (counted == 0), text
            assert len(result.sample) == min(counted, 5), text
            bad = oracle.execute(f"SELECT id, word, price FROM t WHERE {fails}").fetchall()
            for row in result.sample:
                assert (row["id"], row["word"], row["price"]) in bad, text
    assert sum(not result.passed for result in report.rules) > 15
    assert (len(seen) > 3, seen[-1]) == (True, (3_000, 3_000))


def test_a_rule_that_cannot_be_asked_hides_no_other(catalog) -> None:
    catalog.write(pl.DataFrame({"id": [1, 2], "price": [1.0, -1.0]}), into="shop.orders")
    for text in ("price >= 0", "price * 2 > id", "id unique", "rows >= 5", "id not null"):
        catalog.rule("shop.orders", text)
    catalog.remove_rule("shop.orders", "rows >= 5")
    catalog.rule("shop.orders", "rows >= 5", severity="warn")
    later = pl.DataFrame({"id": [None, 2, 2], "price": ["a", "b", "c"]})
    with pytest.raises(Unprocessable, match="4 of its rules fail") as refused:
        catalog.write(later, into="shop.orders", mode="replace")
    assert "'price * 2 > id' cannot be asked" in str(refused.value)
    assert "'id unique' fails in 2 of 3 rows" in str(refused.value)
    for rule in catalog.rules("shop.orders").rules:
        catalog.remove_rule("shop.orders", rule.rule.rule)
    catalog.write(later, into="shop.orders", mode="replace")
    with pytest.raises(Unprocessable, match="neither true nor false"):
        catalog.rule("shop.orders", "id + 1")
    with pytest.raises(Unprocessable, match="There is no column 'prise'"):
        catalog.rule("shop.orders", "prise >= 0")
    with pytest.raises(Unprocessable, match="not a value of column 'id'"):
        catalog.rule("shop.orders", "id >= abc.d")
    with pytest.raises(Unprocessable, match="cannot be asked"):
        catalog.rule("shop.orders", "price matches [")
    with pytest.raises(NotFound, match="no rule 'rows >= 5'"):
        catalog.remove_rule("shop.orders", "rows >= 5")


def test_a_column_whose_name_is_a_pattern_hides_no_rule() -> None:
    rows = pl.DataFrame({"^a$": [None, 1], "b": [None, 2]})
    screen = Screen({"one": NotNull("^a$"), "two": NotNull("b")}, rows.schema)
    screen.add(rows)
    assert (screen.failed["two"], screen.errors.keys() - {"one"}) == (1, set())


@pytest.fixture
def orders(catalog, file) -> Callable[[str], Path]:
    """A dataset of two rows, and a way to files with further ones."""
    catalog.ingest([file("a.csv", "id,price,country\n1,10,FR\n2,20,DE\n")], into="shop.orders")
    return lambda text: file("b.csv", f"id,price,country\n{text}")


def test_a_rule_that_blocks_refuses_the_whole_ingest(catalog, orders, rows, stored) -> None:
    catalog.rule("shop.orders", "price >= 0")
    before, files = rows("shop.orders"), stored()
    new = orders("3,30,FR\n4,-1,FR\n")
    for dry_run in (True, False):
        with pytest.raises(Unprocessable, match="'price >= 0' fails in 1 of 2 rows"):
            catalog.ingest([new], into="shop.orders", dry_run=dry_run)
    assert (rows("shop.orders"), stored()) == (before, files)
    past = catalog.results("shop.orders").items
    assert [(item.by, item.snapshot, item.failed_rows) for item in past] == [
        ("refused ingest", "", 1)
    ]
    assert catalog.list().items[0].signs == {"failing": "Rules that fail: price >= 0."}
    new = orders("3,30,FR\n4,1,FR\n")
    snapshot = catalog.ingest([new], into="shop.orders").snapshot
    newest = catalog.results("shop.orders").items[0]
    assert (newest.passed, newest.snapshot, newest.rows) == (True, snapshot, 2)
    assert catalog.show("shop.orders").dataset.signs == {}


def test_a_warning_lets_the_rows_in_and_says_so(catalog, orders, rows) -> None:
    orders_ = catalog.dataset("shop.orders")
    assert orders_.rule("price >= 0", severity="warn", as_="no refunds").text == "price >= 0"
    assert [result.passed for result in orders_.quality().rules] == [True]
    assert orders_.rules().rules[0].results == 1
    new = orders("3,-3,FR\n4,-4,FR\n5,5,FR\n")
    said = "'no refunds' fails in 2 of 3 rows; the rows are in the dataset"
    trial = catalog.ingest([new], into="shop.orders", dry_run=True)
    assert (trial.rules_failed, catalog.results("shop.orders").total) == ([said], 1)
    report = catalog.ingest([new], into="shop.orders")
    assert (report.rows_written, report.rules_failed) == (3, [said])
    assert report.summary == f"{said}; 3 rows are written"
    assert len(rows("shop.orders")) == 5


def test_rows_that_fail_go_to_quarantine_with_the_rule(catalog, orders, rows, tmp_path) -> None:
    catalog.rule("shop.orders", "price >= 0", severity="quarantine")
    catalog.rule("shop.orders", "country in FR, DE", severity="quarantine", as_="known country")
    catalog.rule("shop.orders", "id <= 100")
    good = "".join(f"{number},{number},FR\n" for number in range(10, 40))
    report = catalog.ingest(
        [orders(f"3,-3,FR\n400,4,XX\nx,5,FR\n5,5,DE\n{good}6,-6,YY\n")], into="shop.orders"
    )
    assert (report.rows_written, report.quarantined) == (31, 4)
    assert "'id <= 100'" not in report.summary  # the row in question did not come in
    kept = catalog.dataset("quarantine.shop__orders").scan().collect()
    assert list(kept.select("line", "column", "reason", "text").iter_rows()) == [
        (2, "price", "fails the rule 'price >= 0'", "3,-3,FR"),
        (3, "country", "fails the rule 'known country'", "400,4,XX"),
        (4, "id", "'x' in column 'id', which is i64", "x,5,FR"),
        (36, "price", "fails the rules 'price >= 0' and 'known country'", "6,-6,YY"),
    ]
    bad = tmp_path / "bad.csv"
    catalog.export_quarantine("shop.orders", bad)
    bad.write_text("id,price,country\n3,3,FR\n4,4,FR\n7,5,FR\n6,6,DE\n")
    assert catalog.mend("shop.orders", bad).rows_written == 4
    frame = pl.DataFrame({"id": [8, 9], "price": [-8, 9], "country": ["FR", "FR"]})
    written = catalog.write(frame, into="shop.orders")
    assert (written.rows_written, written.quarantined) == (1, 1)
    texts = catalog.dataset("quarantine.shop__orders").scan().collect()["text"].to_list()
    assert texts == ['{"id": 8, "price": -8, "country": "FR"}']
    with pytest.raises(BadRequest, match="cannot set rows aside"):
        catalog.rule("shop.orders", "id unique", severity="quarantine")


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_values_stay_unique_whatever_comes(catalog, mode: str) -> None:
    """Against plain Python: which writes leave two rows with one value."""
    catalog.rule("shop.orders", "code unique")
    catalog.rule("shop.orders", "rows <= 6")
    state: list[tuple[int, str | None]] = []
    refused = 0
    drawn = pl.int_range(60, eager=True).hash(3).to_list()
    for number in range(12):
        picked = drawn[number * 5 : number * 5 + 1 + number % 3]
        new = [(one % 7, [None, "a", "b", "c", "d", "e"][one // 7 % 6]) for one in picked]
        frame = pl.DataFrame(new, schema={"id": pl.Int64, "code": pl.String}, orient="row")
        kept = {
            "append": state,
            "replace": [],
            "upsert": [row for row in state if row[0] not in [key for key, _ in new]],
        }[mode]
        after = [*kept, *(dict(new).items() if mode == "upsert" else new)]
        codes = [code for _, code in after if code is not None]
        key = ["id"] if mode == "upsert" else []
        if len(codes) == len(set(codes)) and len(after) <= 6:
            catalog.write(frame, into="shop.orders", mode=mode, key=key)
            state = after
        else:
            refused += 1
            with pytest.raises(Unprocessable, match="rule"):
                catalog.write(frame, into="shop.orders", mode=mode, key=key)
        if state:
            found = catalog.dataset("shop.orders").scan().collect().rows()
            assert sorted(found, key=repr) == sorted(state, key=repr)
    assert 1 < refused < 11


def test_a_value_that_another_writer_brings_meanwhile_is_not_doubled(
    catalog, project, meanwhile, rows
) -> None:
    from jupyter_mlinfra.catalog import Catalog

    catalog.write(pl.DataFrame({"id": [1]}), into="shop.orders")
    catalog.rule("shop.orders", "id unique")
    meanwhile(lambda: Catalog(project).write(pl.DataFrame({"id": [2, 3]}), into="shop.orders"))
    with pytest.raises(Unprocessable, match="'id unique' fails in 1 of 2 rows"):
        catalog.write(pl.DataFrame({"id": [3, 4]}), into="shop.orders")
    assert [row["id"] for row in rows("shop.orders")] == [1, 2, 3]


def test_rules_about_other_datasets_at_a_write(catalog) -> None:
    catalog.write(pl.DataFrame({"id": [1, 2]}), into="shop.buyers")
    catalog.rule("shop.orders", "buyer references shop.buyers.id")
    catalog.rule("shop.orders", "parent references shop.orders.id", severity="warn")
    frame = pl.DataFrame({"id": [1, 2], "buyer": [1, None], "parent": [None, 1]})
    assert catalog.write(frame, into="shop.orders").rules_failed == []
    bad = pl.DataFrame({"id": [3], "buyer": [2], "parent": [9]})
    assert len(catalog.write(bad, into="shop.orders").rules_failed) == 1
    with pytest.raises(Unprocessable, match=r"references shop\.buyers\.id' fails in 1 of 2"):
        catalog.write(bad.vstack(bad.with_columns(buyer=pl.lit(5, pl.Int64))), into="shop.orders")


def test_no_sample_tells_personal_data(catalog, project) -> None:
    secret = "canary@example.org"
    frame = pl.DataFrame({"id": [1, None], "mail": [secret, secret], "n": [-1, 2]})
    catalog.write(frame, into="shop.people")
    catalog.rule("shop.people", 'mail matches "^x"', severity="warn")
    catalog.rule("shop.people", "n >= 0", severity="warn")
    catalog.rule("shop.people", 'mail == "x" and id not in [7]', severity="warn")
    assert catalog.quality("shop.people").rules[0].sample[0]["mail"] == secret
    catalog.tag("column:shop.people.mail", add=["pii"])
    known = [state.last for state in catalog.rules("shop.people").rules]
    asked = catalog.quality("shop.people").rules
    for results in (known, asked):
        assert [result.failed_rows for result in results] == [2, 1, 2]
    # What was kept of the rows went with the tag.
    assert [list(result.sample) for result in known] == [[], [], []]
    masked = {"id": 1, "mail": MASK, "n": -1}
    assert [list(result.sample) for result in asked] == [[], [masked], []]


def failing(text: str, rows: pl.DataFrame) -> list[int]:
    """The places of the rows that a rule fails."""
    check = check_of(text)
    assert isinstance(check, ROW_CHECKS)
    passed = rows.select(check.expression(rows.schema).fill_null(value=True)).to_series()
    return [place for place, good in enumerate(passed) if not good]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("day > 2026-10-10", [1]),
        ("day >= 2026-10-10", [1]),
        ("day != 2026-12-31 and at != 2026-01-01T23:30:00Z", [0, 1]),
        ("at < 2026-01-02T01:00:00+02:00", [0, 1]),
        ("at >= 2026-01-02T01:30:00+02:00", []),
        ("small * 20 > 0", []),
        ("n * n > 0 and n + 2000000000 > 0", []),
        ("day(day) * 20 < 300 and month(day) * 20 < 200", [0]),
        ("-few < 1 and abs(small) == -small", [0, 1]),
        ("few - small * 2 < 0 and -big < 0", []),
        ("few >= small", [0, 1]),
        ("share >= 0", [1]),
        ("share <= 10", [1]),
        ("share between 0 and 10", [1]),
        ("0 < share", [1]),
        ("share > 5", [0, 1]),
        ("word in ['a, b', \"it's\", '']", []),
        ("word in 'a, b', 'c'", [0]),
        ("\"word\" in ('it\\'s', 'c')", [1]),
        ("word in [it, b]", [0, 1]),
    ],
)
def test_a_condition_means_what_it_says(text: str, places: list[int]) -> None:
    moment = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    rows = pl.DataFrame(
        {
            "day": [date(2026, 12, 31), date(2026, 1, 1), None],
            "at": [moment, moment, None],
            "small": pl.Series([100, 12, None], dtype=pl.Int8),
            "few": pl.Series([1, 2, None], dtype=pl.UInt8),
            "n": pl.Series([2_000_000_000, 1, None], dtype=pl.Int32),
            "big": pl.Series([2**64 - 1, 1, None], dtype=pl.UInt64),
            "share": [1.0, math.nan, None],
            "word": ["it's", "a, b", None],
        }
    )
    assert failing(text, rows) == places
    assert check_of(text_of(check_of(text))) == check_of(text)


@pytest.mark.parametrize("text", ["day > 2026-1-1", "day + 1 > 2026-01-01", "word >= b+c"])
def test_what_could_be_misread_is_refused(text: str) -> None:
    rows = pl.DataFrame({"day": [date(2026, 1, 1)], "word": ["a"]})
    with pytest.raises(Unprocessable):
        failing(text, rows)


@pytest.mark.parametrize(
    "others",
    [
        pl.Series([2.0**53, 7.0, math.nan, math.inf]),
        pl.Series([2**53, 7]).cast(pl.Decimal(20, 2)),
        pl.Series([2**53, 7], dtype=pl.UInt64),
    ],
)
def test_large_numbers_are_compared_exactly_with_those_of_another_type(others: pl.Series) -> None:
    mine = pl.DataFrame({"id": [2**53 + 1, 2**53, 7, None]}).lazy()
    theirs = pl.DataFrame({"k": others}).lazy()
    few = {"what": "k", "total": 9, "staging": Path}
    bad = homeless(mine, "id", theirs, "k", **few)
    assert bad.among(mine, 5).collect()["id"].to_list() == [2**53 + 1]
    back = homeless(theirs, "k", mine, "id", **few)
    assert back.count == (2 if others.dtype.is_float() else 0)
    assert back.among(theirs, 5).collect().height == back.count


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "id.__class__",
        "().__class__ == 1",
        "[x for x in id]",
        "(lambda: 1)() == 1",
        "f'{id}' == 'a'",
        "id[0] == 1",
        "(y := id) == 1",
        "length(*id) == 1",
        "matches(word, pattern)",
        "id ** 99999 == 1",
        "id if price else word",
        "sum(price) > 1",
        "(" * 60 + "id" + ")" * 60 + " not",
        "-" * 500 + "id == 1",
        "id == 1; id == 2",
        "id == 1j",
        "id == b'x'",
        "",
        "id == " + "1" * 3_000,
        "fresh within 0 h",
        "fresh within 0.0001 min",
        "fresh within -1 d",
        "fresh within nan h",
        "fresh within " + "9" * 30 + " d",
    ],
)
def test_words_that_mean_nothing_are_refused_and_never_run(text: str) -> None:
    with pytest.raises(BadRequest):
        check_of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id = 1", "Write =="),
        ("id <> 1", "Write !="),
        ("id IN (1, 2)", "Write in"),
        ("id NOT NULL", "small letters"),
        ("id not null mostly 0.95", "failed rows must be"),
        ("word == 'a = b' and (", "Compare columns"),
        ("id in " + "1, " * 900, "'id in 1, 1, "),
    ],
)
def test_words_of_sql_are_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_of(text)
    assert said in str(refused.value)


def test_the_fault_of_a_regular_expression_is_said_in_one_line() -> None:
    for text in ("word matches [", "matches(word, '(')"):
        with pytest.raises(Unprocessable) as refused:
            try_on(check_of(text), {"word": pl.String()})  # type: ignore[arg-type]  # of one row
        assert "\n" not in str(refused.value)
        assert "unclosed" in str(refused.value)


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda name: name == name.strip()
)
values = st.one_of(
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)


@given(name=names, others=st.lists(names, max_size=3), few=st.lists(values, min_size=1, max_size=4))
def test_what_is_written_of_a_rule_is_read_as_the_same(
    name: str, others: list[str], few: list[Any]
) -> None:
    for check in (
        NotNull(name),
        Unique(tuple(dict.fromkeys([name, *others]))),
        InRange(name, low=few[0]),
        InRange(name, high=few[-1]),
        InRange(name, few[0], few[-1]),
        InSet(name, tuple(few)),
        Matches(name, f"^{name}"),
    ):
        assert check_of(text_of(check)) == check


def test_the_words_of_the_command_line(
    catalog, project, orders, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)

    def called(*words: str) -> tuple[int, Any]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*words, "--json"])
        return int(ended.value.code or 0), json.loads(capfd.readouterr().out)

    assert called("catalog", "rule", "shop.orders", "price >= 15", "--severity", "warn")[0] == 0
    code, report = called("catalog", "quality", "shop.orders")
    assert (code, report["rules"][0]["failed_rows"]) == (0, 1)  # it only warns
    called("catalog", "rule", "shop.orders", "price >= 15")
    code, report = called("catalog", "quality", "shop.orders")
    assert code == 1
    assert {
        key: report["rules"][0][key] for key in ("rule", "passed", "failed_rows", "sample")
    } == {
        "rule": "price >= 15",
        "passed": False,
        "failed_rows": 1,
        "sample": [{"id": 1, "price": 10, "country": "FR"}],
    }
    code, contract = called("catalog", "contract", "shop.orders", "export", "orders.yaml")
    assert (code, contract["rules"], contract["left_out"]) == (0, 1, [])
    called("catalog", "rule", "shop.orders", "price >= 15", "--remove")
    assert called("catalog", "quality", "shop.orders")[1]["rules"] == []
    assert called("catalog", "contract", "shop.orders", "import", "orders.yaml")[1]["rules"] == 1
    assert called("catalog", "quality", "shop.orders")[0] == 1
    code, past = called("catalog", "rules", "shop.orders", "--history")
    assert (code, [item["passed"] for item in past["items"]]) == (0, [False, False, False])


def test_a_job_on_another_machine_is_held_to_the_rules_that_the_table_carries(
    catalog: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    catalog.rule("shop.orders", "id not null")  # before there is such a dataset
    catalog.write(pl.DataFrame({"id": [1], "n": [1]}), into="shop.orders")
    catalog.rule("shop.orders", "n >= 0", severity="quarantine")
    catalog.rule("shop.orders", "n < 9", severity="warn")
    catalog.remove_rule("shop.orders", "n < 9")
    monkeypatch.setenv("MLINFRA_NODE", "n1")
    monkeypatch.setenv("MLINFRA_OUTBOX", str(tmp_path / "outbox"))
    there = Catalog(Project.open(project.root))
    with pytest.raises(Unprocessable, match="id not null"):
        there.write(pl.DataFrame({"id": [None], "n": [1]}), into="shop.orders")
    report = there.write(pl.DataFrame({"id": [2, 3], "n": [-1, 20]}), into="shop.orders")
    assert (report.rows_written, report.quarantined) == (1, 1)
    assert [line for line in report.rules_failed if "n < 9" in line] == []
    assert sorted(there.dataset("shop.orders").scan().collect()["id"]) == [1, 3]
    with catalog._store.load(catalog.own("shop.orders")).transaction() as transaction:
        transaction.set_properties({"mlinfra.rules": '[{"rule":'})  # as another client may
    with pytest.raises(Unprocessable, match=r"mlinfra\.rules.*another client"):
        there.write(pl.DataFrame({"id": [4], "n": [1]}), into="shop.orders")


def test_no_row_comes_in_unlooked_at_where_the_rules_cannot_be_read(
    catalog: Catalog, project: Project
) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="shop.orders")
    catalog.rule("shop.orders", "id not null")
    project.database.close()
    for path in project.home.glob("state.db*"):
        path.write_bytes(b"no database" * 1000)
    broken = Project.open(project.root)
    with pytest.raises(Unavailable, match=r"state\.db"):
        Catalog(broken).write(pl.DataFrame({"id": [None, 2]}), into="shop.orders")
    assert Catalog(broken).dataset("shop.orders").scan().collect()["id"].to_list() == [1]
