"""Rules that let some rows fail: so many, or a share of them."""

from __future__ import annotations

import itertools
from fractions import Fraction

import polars as pl
import pytest

from jupyter_mlinfra.catalog.quality.words import allowance_of, demand_of, stored_text
from jupyter_mlinfra.core.errors import BadRequest, Unprocessable


@pytest.mark.parametrize("sign", ["<", "<="])
@pytest.mark.parametrize("most", ["0.1", "1", "2.5", "7", "50", "99.9"])
def test_a_share_is_compared_exactly(sign: str, most: str) -> None:
    allowed = allowance_of(f"id not null, failed rows must be {sign} {most} %")
    for rows, failed in itertools.product((1, 3, 7, 40, 1_000, 10**12), (0, 1, 2, 25, 70, 999)):
        if failed > rows:
            continue
        share, bound = Fraction(100 * failed, rows), Fraction(most)
        holds = share < bound if sign == "<" else share <= bound
        assert allowed.holds(failed, rows) == (holds or not failed)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("id not null; failed rows must be<5%", "id not null, failed rows must be < 5 %"),
        ("id unique, failed rows must be <= 2.0 rows", "id unique, failed rows must be <= 2"),
        ("a >= b, Failed Rows must be < 0.5 percent", "a >= b, failed rows must be < 0.5 %"),
        ("id not null, failed rows must be < 1", "id not null"),
        ("id not null, failed rows must be <= 0 %", "id not null"),
        (
            'a matches "x, failed rows must be < 5"',  # a pattern, and no allowance
            'a matches "x, failed rows must be < 5"',
        ),
    ],
)
def test_words_about_rows_that_may_fail_are_kept_in_one_form(text: str, kept: str) -> None:
    assert stored_text(*demand_of(text)) == kept
    assert stored_text(*demand_of(kept)) == kept


@pytest.mark.parametrize(
    "text",
    [
        "id not null, failed rows must be at most 5",
        "id not null, failed rows must be > 5 %",
        "id not null, failed rows must be < 0",
        "id not null, failed rows must be <= 100 %",
        "id not null, failed rows must be < 2.5 rows",
        "id not null, failed rows must be < 5 % of all",
        "rows >= 3, failed rows must be < 5 %",
        "fresh within 2 h, failed rows must be < 5 %",
        "SELECT * FROM {object} WHERE id < 0, failed rows must be < 5 %",
        ", failed rows must be < 5 %",
    ],
)
def test_what_cannot_be_asked_of_rows_that_fail_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        demand_of(text)
    assert "failed rows must be < 5 %" in str(refused.value) or "is no rule" in str(refused.value)


def test_a_write_comes_in_as_long_as_few_rows_fail(catalog, rows) -> None:
    catalog.rule("shop.orders", "price >= 0, failed rows must be <= 10 %")
    report = catalog.write(pl.DataFrame({"price": [-1, *range(9)]}), into="shop.orders")
    assert (report.rows_written, report.rules_failed) == (10, [])
    (past,) = catalog.results("shop.orders").items
    assert (past.passed, past.failed_rows, past.rows) == (True, 1, 10)
    with pytest.raises(Unprocessable, match="fails in 2 of 19 rows"):
        catalog.write(pl.DataFrame({"price": [-1, -2, *range(17)]}), into="shop.orders")
    assert len(rows("shop.orders")) == 10
    catalog.rule("shop.orders", "price >= 0, failed rows must be < 2", severity="warn", as_="two")
    catalog.remove_rule("shop.orders", "price >= 0, failed rows must be <= 10 %")
    report = catalog.write(pl.DataFrame({"price": [-1, -2, 3]}), into="shop.orders")
    assert report.rules_failed == ["'two' fails in 2 of 3 rows; the rows are in the dataset"]
    assert len(rows("shop.orders")) == 13


def test_rows_in_quarantine_are_set_aside_also_where_few_fail(catalog, rows) -> None:
    catalog.rule("t.a", "x >= 0, failed rows must be <= 1", severity="quarantine", as_="few")
    report = catalog.write(pl.DataFrame({"x": [-1, 2, 3]}), into="t.a")
    assert (report.rows_written, report.quarantined, report.rules_failed) == (2, 1, [])
    report = catalog.write(pl.DataFrame({"x": [-1, -2, 3]}), into="t.a")
    assert (report.rows_written, report.quarantined) == (1, 2)
    assert report.rules_failed == ["'few' fails in 2 of 3 rows; they are in quarantine"]
    assert [item.passed for item in catalog.results("t.a").items] == [False, True]


def test_values_that_are_there_twice_or_nowhere_may_be_few(catalog) -> None:
    catalog.write(pl.DataFrame({"id": [1, 2, 3]}), into="t.known")
    catalog.rule("t.a", "id unique, failed rows must be <= 2", as_="nearly unique")
    catalog.rule("t.a", "id references t.known.id, failed rows must be < 30 %", as_="known")
    catalog.write(pl.DataFrame({"id": [1, 1, 2, 9]}), into="t.a")
    first = {item.rule: item for item in catalog.quality("t.a").rules}
    assert [(item.passed, item.failed_rows, item.rows) for item in first.values()] == [
        (True, 2, 4),
        (True, 1, 4),
    ]
    assert [row["id"] for row in first["known"].sample] == [9]  # which rows, is still shown
    with pytest.raises(Unprocessable, match=r"1 of its rules fails.*'nearly unique' fails in 3 of"):
        catalog.write(pl.DataFrame({"id": [3, 3, 3]}), into="t.a")
    with pytest.raises(Unprocessable, match="'known' fails in 1 of 3"):
        catalog.write(pl.DataFrame({"id": [3, 7, None]}), into="t.a")
