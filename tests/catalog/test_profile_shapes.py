"""Shapes: bars that show how values lie, and nothing that comes from the bars themselves."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.catalog.grid.plan import plan
from jupyter_mlinfra.catalog.grid.spec import Filter, GridQuery
from jupyter_mlinfra.catalog.looking.describing import profiles_of
from jupyter_mlinfra.catalog.looking.sketches import sketched_frame
from jupyter_mlinfra.catalog.spec import Shape


def shape_of(values: list[object] | pl.Series) -> Shape:
    series = pl.Series("x", values) if isinstance(values, list) else values.alias("x")
    shape = profiles_of(sketched_frame(series.to_frame()), {"x": ""})["x"].shape
    assert shape is not None
    return shape


def bars(shape: Shape) -> list[tuple[object, int]]:
    return [(bar.low, bar.count) for bar in shape.bars]


def test_values_that_are_few_have_a_bar_each_wherever_they_lie() -> None:
    assert bars(shape_of([1.5, 700.0, 1.5])) == [(1.5, 2), (700.0, 1)]
    assert bars(shape_of([True, False, True])) == [(False, 1), (True, 2)]
    assert bars(shape_of([3, 3, 10**9])) == [(3, 2), (10**9, 1)]


def test_estimates_of_a_sample_leave_no_rows_over_where_every_word_has_a_bar() -> None:
    words = pl.DataFrame({"x": ["a"] * 6 + ["b"] * 6 + ["c"] * 5})
    shape = profiles_of(sketched_frame(words), {"x": ""}, of=1_000)["x"].shape
    assert shape is not None
    assert bars(shape) == [("a", 353), ("b", 353), ("c", 294)]
    assert shape.above == 0
    shape = profiles_of(sketched_frame(words), {"x": ""}, of=1_001)["x"].shape
    assert shape is not None
    assert sum(count for _, count in bars(shape)) == 1_000
    assert shape.above == 0


def test_whole_numbers_in_a_row_have_a_bar_each_and_gaps_are_seen() -> None:
    minutes = shape_of([minute for minute in range(60) if minute != 13] * 3)
    assert (minutes.kind, len(minutes.bars)) == ("values", 60)
    assert bars(minutes)[12:15] == [(12, 3), (13, 0), (14, 3)]


@pytest.mark.parametrize("step", [1, 3, 7, 60, 0.25, 0.01])
@pytest.mark.parametrize("count", [61, 100, 333, 1000, 9000])
@pytest.mark.parametrize("start", [0, -17, 1000])
def test_equally_frequent_values_have_bars_of_equal_height(
    step: float, count: int, start: float
) -> None:
    """No comb: whatever the step between the values, all bars but the two at the ends are alike."""
    values = pl.Series(np.round(start + step * np.arange(count), 6))
    shape = shape_of(values.cast(pl.Int64) if step == int(step) else values)
    assert 10 <= len(shape.bars) <= 32
    heights = {bar.count for bar in shape.bars[1:-1]}
    assert len(heights) == 1, heights
    assert sum(bar.count for bar in shape.bars) == count


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200))
def test_every_finite_value_is_in_the_bar_that_says_so(values: list[float]) -> None:
    shape = shape_of(pl.Series(values, dtype=pl.Float64))
    assert sum(bar.count for bar in shape.bars) + shape.below + shape.above == len(values)
    assert len(shape.bars) <= 60
    if shape.kind != "bins":
        return
    for bar in shape.bars:
        slack = 1e-9 * max(1.0, abs(bar.low), abs(bar.high))
        inside = sum(bar.low - slack <= value < bar.high + slack for value in values)
        assert bar.count <= inside


def test_a_long_tail_is_cut_off_and_counted() -> None:
    chance = np.random.default_rng(5)
    values = np.concatenate([chance.normal(100, 5, 9980), np.full(15, 1e6), np.full(5, -1e6)])
    shape = shape_of(pl.Series(values))
    assert 75 < shape.bars[0].low < shape.bars[-1].high < 125
    inside = sum(bar.count for bar in shape.bars)
    assert shape.above >= 15
    assert shape.below >= 5
    assert inside + shape.below + shape.above == 10_000
    assert inside >= 9890
    assert max(bar.count for bar in shape.bars) < 2500, "the shape is seen"


def test_days_are_whole_and_so_are_weeks_months_years_and_hours() -> None:
    def days(count: int, step: int = 1) -> Shape:
        return shape_of([date(2024, 1, 3) + timedelta(days=step * n) for n in range(count)])

    assert bars(days(30))[:2] == [("2024-01-03", 1), ("2024-01-04", 1)]
    weeks = days(70)
    assert bars(weeks)[:2] == [("2024-01-01", 5), ("2024-01-08", 7)], "they begin on Mondays"
    months = days(400)
    assert (months.bars[1].label, months.bars[1].count) == ("2024-02", 29)
    years = days(400, 20)
    assert [bar.label for bar in years.bars][:2] == ["2024", "2025"]
    moments = [datetime(2024, 5, 1, 22, 15) + timedelta(minutes=20 * n) for n in range(60)]
    hours = shape_of(pl.Series(moments))
    assert bars(hours)[:2] == [("2024-05-01T22:00:00", 3), ("2024-05-01T23:00:00", 3)]
    clock = shape_of([time(hour, minute) for hour in range(24) for minute in (0, 30)])
    assert {bar.count for bar in clock.bars} == {2}
    assert [bar.label for bar in clock.bars][-1] == "23:00:00"


@given(st.lists(st.datetimes(), min_size=1, max_size=100))
def test_every_moment_is_in_the_bar_that_says_so(values: list[datetime]) -> None:
    shape = shape_of(pl.Series(values, dtype=pl.Datetime("us")))
    assert sum(bar.count for bar in shape.bars) + shape.below + shape.above == len(values)
    for bar in shape.bars:
        if bar.count and shape.kind == "days":
            low = datetime.fromisoformat(str(bar.low))
            assert any(low <= value for value in values)
    assert len(shape.bars) <= 32


def test_of_many_words_the_most_frequent_have_a_bar_and_the_others_are_counted() -> None:
    words = [f"w{n}" for n in range(40) for _ in range(n)]
    shape = shape_of(words)
    assert [bar.label for bar in shape.bars] == [f"w{n}" for n in range(39, 27, -1)]
    assert sum(bar.count for bar in shape.bars) + shape.above == len(words)


def chosen(values: pl.Series, shape: Shape) -> list[int]:
    """Rows that each bar chooses when it is clicked, as the panel asks for them."""
    within = ("between",) if shape.kind == "values" else (">=", "<")
    rows = values.to_frame("x").lazy()
    found = []
    for bar in json.loads(json.dumps([asdict(bar) for bar in shape.bars])):
        ends = [float_of_javascript(end) for end in (bar["low"], bar["high"])]
        given = [ends] if len(within) == 1 else ends
        filters = [
            Filter(column="x", op=op, value=end) for op, end in zip(within, given, strict=True)
        ]
        found.append(plan(rows, GridQuery(filters=filters)).collect().height)
    return found


def float_of_javascript(value: object) -> object:
    """What is left of a number after a browser has read and written it."""
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [2**60, -(2**62), 2**53 - 40, 2**63 - 2**40])
@pytest.mark.parametrize(("step", "count"), [(1, 5), (1, 50), (3, 5_000), (2**33 + 1, 100)])
def test_a_bar_of_large_integers_chooses_the_rows_that_it_counts(
    start: int, step: int, count: int
) -> None:
    values = pl.Series([start + step * place for place in range(count)], dtype=pl.Int64)
    shape = shape_of(values)
    assert len(shape.bars) > 4
    assert chosen(values, shape) == [bar.count for bar in shape.bars]
    assert sum(bar.count for bar in shape.bars) == count


@pytest.mark.parametrize("dtype", [pl.UInt64, pl.Int128])
def test_integers_of_any_width_have_exact_bars(dtype: pl.DataType) -> None:
    values = pl.Series([2**63 + 7 * place for place in range(100)], dtype=dtype)
    shape = shape_of(values)
    assert chosen(values, shape) == [bar.count for bar in shape.bars]


def test_a_bar_of_decimals_with_many_digits_chooses_the_rows_that_it_counts() -> None:
    values = pl.Series(
        [Decimal("12345678901234567890.10") + place * Decimal("0.05") for place in range(200)],
        dtype=pl.Decimal(38, 4),
    )
    shape = shape_of(values)
    assert len(shape.bars) > 10
    assert chosen(values, shape) == [bar.count for bar in shape.bars]
    assert shape.bars[1].low == "12345678901234567890.50"


def test_a_float_at_an_edge_is_counted_where_the_bar_says() -> None:
    values = pl.Series([place / 10 for place in range(31)] + [1 / 3])
    shape = shape_of(values)
    assert chosen(values, shape) == [bar.count for bar in shape.bars]


def test_a_text_that_is_shown_cut_has_no_bar_by_which_rows_would_be_chosen() -> None:
    shape = shape_of(["a", "a", "b" * 1_001])
    assert (bars(shape), shape.above) == ([("a", 2)], 1)
