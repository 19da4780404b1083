"""Windowed aggregations against a search over all events, written as loops in plain Python."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.features.definitions import WindowSpec
from jupyter_mlinfra.features.join import JoinView, join_as_of
from jupyter_mlinfra.features.protos import definition, message_of
from jupyter_mlinfra.features.windows.plan import TAG, window_spec, windows_in

T0 = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FUNCTIONS = ("count", "sum", "mean", "min", "max", "std", "var", "count_distinct")


def brute_force(
    entity: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    windows: Sequence[WindowSpec],
    ttl: timedelta | None,
    created_counts: bool,
) -> list[Any]:
    """The aggregations of one entity row, by looking at every event."""
    at = entity["at"]
    if at is None or any(entity[key] is None for key in keys):
        return [None] * len(windows)
    slides = [timedelta(seconds=window.slide or 0) for window in windows]
    ends = [EPOCH + (at - EPOCH) // slide * slide for slide in slides]
    if ttl is not None and at - max(ends) > ttl:
        return [None] * len(windows)
    usable = [
        event
        for event in events
        if all(event[key] == entity[key] for key in keys)
        and event["t"] is not None
        and (not created_counts or (event["c"] is not None and event["c"] <= at))
    ]
    answer: list[Any] = []
    for window, end in zip(windows, ends, strict=True):
        begin = end - timedelta(seconds=window.seconds) if window.seconds else None
        values = [
            event[window.column]
            for event in usable
            if event["t"] < end and (begin is None or event["t"] >= begin)
        ]
        there = [value for value in values if value is not None and value == value]
        answer.append(aggregated(window.function, there))
    return answer


def aggregated(function: str, values: Sequence[Any]) -> Any:
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len(set(values))
    if not values or (function in ("std", "var") and len(values) < 2):
        return None
    of = {
        "sum": math.fsum if isinstance(values[0], float) else sum,
        "mean": statistics.fmean,
        "min": min,
        "max": max,
        "std": statistics.stdev,
        "var": statistics.variance,
    }
    return of[function](values)


def agree(found: Any, wanted: Any) -> bool:
    if isinstance(found, float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return type(found) is type(wanted) and found == wanted


def made(
    seed: int, events: int, entities: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Few keys and few times, so that there are many ties; some of everything is null."""
    rng = random.Random(seed)

    def or_none(value: Any) -> Any:
        return None if rng.random() < 0.06 else value

    rows = []
    for _ in range(events):
        t = or_none(T0 + rng.randint(-90, 300) * MINUTE / 2)
        late = rng.choice([0, 0, 0, 1, 4, 30, 200]) * MINUTE
        number = rng.choice([rng.gauss(0, 1), rng.gauss(1e6, 1), float("nan"), 3.0])
        rows.append(
            {
                "a": or_none(rng.randint(0, 2)),
                "b": or_none(rng.choice("xy")),
                "t": t,
                "c": or_none((t or T0) + late),
                "x": or_none(number),
                "i": or_none(rng.randint(-5, 5)),
                "w": or_none(rng.choice(["u", "v", "w"])),
                "d": or_none(T0.date() + timedelta(days=rng.randint(0, 9))),
            }
        )
    asked = [
        {
            "a": or_none(rng.randint(0, 3)),
            "b": or_none(rng.choice("xyz")),
            "at": or_none(T0 + rng.randint(-200, 800) * MINUTE / 4),
        }
        for _ in range(entities)
    ]
    return rows, asked


def all_windows(length: timedelta | None, slide: timedelta | None) -> list[WindowSpec]:
    pairs = [("x", name) for name in FUNCTIONS] + [("i", name) for name in FUNCTIONS]
    pairs += [("w", "count"), ("w", "count_distinct"), ("d", "min"), ("d", "max")]
    return [
        window_spec(
            column,
            function,
            window=length,
            slide=slide,
            name=f"{function}_{column}_{length}_{slide}",
        )
        for column, function in pairs
    ]


SHAPES = [
    (timedelta(minutes=20), None),  # tumbling
    (timedelta(minutes=30), timedelta(minutes=5)),  # sliding
    (timedelta(minutes=7), timedelta(minutes=3)),  # a window that is no multiple of its slide
    (timedelta(minutes=4), timedelta(minutes=15)),  # gaps between windows
    (timedelta(days=3), timedelta(minutes=1)),
    (None, timedelta(minutes=10)),  # the whole past
]


SCHEMA: dict[str, Any] = {
    "a": pl.Int64,
    "b": pl.String,
    "t": pl.Datetime("us", "UTC"),
    "c": pl.Datetime("us", "UTC"),
    "x": pl.Float64,
    "i": pl.Int32,
    "w": pl.String,
    "d": pl.Date,
}


def test_windows_hold_what_a_search_over_all_events_finds() -> None:
    """Every kind of window × late events × ttl × keys; nulls, NaN and ties are in the rows."""
    rng = random.Random(0)
    every = [item for shape in SHAPES for item in all_windows(*shape)]
    asked_of = {name: SCHEMA[name] for name in ("a", "b")} | {"at": SCHEMA["t"]}
    compared: set[str] = set()
    count = 0
    for keys, ttl, late, seed in itertools.product(
        (["a"], ["a", "b"], []),
        (None, timedelta(0), timedelta(seconds=90)),
        (False, True),
        range(3),
    ):
        rows, asked = made(rng.randint(0, 2**30), 200, 60)
        windows = rng.sample(every, 20) if seed else rng.sample(all_windows(*SHAPES[seed]), 12)
        names = [item.feature for item in windows]
        entities = pl.DataFrame(asked, schema=asked_of)
        view = JoinView(
            name="v",
            frame=pl.LazyFrame(rows, schema=SCHEMA),
            keys={key: key for key in keys},
            features={name: name for name in names},
            time="t",
            created="c",
            ttl=ttl,
            created_counts=late,
            windows=windows,
        )
        parts = seed + 1 if keys else 1
        found = join_as_of(entities.lazy(), [view], at="at", partitions=parts).collect()
        assert found.select("a", "b", "at").equals(entities)
        for got, entity in zip(found.to_dicts(), asked, strict=True):
            wanted = brute_force(entity, rows, keys, windows, ttl, late)
            for name, value in zip(names, wanted, strict=True):
                assert agree(got[name], value), (name, entity, got[name], value, keys, ttl, late)
            count += 1
        compared.update(names)
    assert count >= 3000
    assert compared == {item.feature for item in every}


def one_key(
    values: Sequence[Any],
    dtype: Any,
    windows: Sequence[WindowSpec],
    at: datetime,
    types: Mapping[str, str] | None = None,
) -> Any:
    """The aggregations of one key with a value a minute from T0 on."""
    rows = {"k": [1] * len(values), "t": [T0 + i * MINUTE for i in range(len(values))]}
    names = {item.feature: item.feature for item in windows}
    view = JoinView(
        name="v",
        frame=pl.LazyFrame(rows).with_columns(pl.Series("x", values, dtype)),
        keys={"k": "k"},
        features=names,
        time="t",
        windows=windows,
        types=types or {},
    )
    entities = pl.LazyFrame({"k": [1], "at": [at]})
    return join_as_of(entities, [view], at="at").collect().row(0)[2:]


def spec(function: str, **lengths: timedelta) -> WindowSpec:
    return window_spec("x", function, window=lengths.get("window"), slide=lengths.get("slide"))


def test_a_huge_value_leaves_no_trace_once_it_has_left_the_window() -> None:
    """Sums of the whole past less sums of the older past would be 0 here."""
    rng = random.Random(1)
    values = [1e17, -3e16] + [1e6 + rng.random() for _ in range(40)]
    over = {"window": 10 * MINUTE, "slide": MINUTE}
    windows = [spec(name, **over) for name in ("sum", "mean", "var", "std")]
    for minute in range(12, 42):
        held = values[minute - 10 : minute]
        found = one_key(values, pl.Float64, windows, T0 + minute * MINUTE)
        assert found == pytest.approx(
            [
                math.fsum(held),
                statistics.fmean(held),
                statistics.variance(held),
                statistics.stdev(held),
            ],
            rel=1e-9,
        )


def test_a_sum_that_does_not_fit_is_refused_and_those_that_do_are_exact() -> None:
    large = 2**62
    over = {"window": 3 * MINUTE, "slide": MINUTE}
    values = [large, large, -large, 5]
    assert one_key(values, pl.Int64, [spec("sum", **over)], T0 + 3 * MINUTE) == (large,)
    assert one_key(values, pl.Int64, [spec("sum", **over)], T0 + 4 * MINUTE) == (5,)
    with pytest.raises(Unprocessable, match="does not fit into") as caught:
        one_key(values, pl.Int64, [spec("sum", **over)], T0 + 2 * MINUTE)
    assert caught.value.fix


@pytest.mark.parametrize("apart", [timedelta(0), MINUTE])
def test_a_sum_within_one_tile_does_not_wrap_and_its_mean_is_right(apart: timedelta) -> None:
    """All events in one tile, and in three."""
    over = {"window": 3 * MINUTE, "slide": 3 * MINUTE if not apart else MINUTE}
    values, at = [2**62, 2**62, 5], T0 + 3 * MINUTE
    with pytest.raises(Unprocessable, match="A sum of v does not fit into sum_x_180s"):
        one_key(values, pl.Int64, [spec("sum", **over)], at)
    (mean,) = one_key(values, pl.Int64, [spec("mean", **over)], at)
    assert mean == pytest.approx((2**63 + 5) / 3)
    assert one_key([2**62, 2**62, -(2**62)], pl.Int64, [spec("sum", **over)], at) == (2**62,)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([2**64 - 1, 2**53 + 1, 2**54 + 1], pl.UInt64),
        ([Decimal("12345678901234567.89"), Decimal("0.20"), None], pl.Decimal(20, 2)),
        ([2**100 + 1, 1, -(2**90) - 1], pl.Int128),
    ],
)
def test_the_smallest_and_the_largest_keep_every_digit(values: list[Any], dtype: Any) -> None:
    there = [value for value in values if value is not None]
    for slide in (MINUTE, 3 * MINUTE):
        names = ("min", "max", "sum", "count")
        windows = [spec(name, window=3 * MINUTE, slide=slide) for name in names]
        types = {item.feature: "DECIMAL" for item in windows[:3]}
        found = one_key(values, dtype, windows, T0 + 3 * MINUTE, types)
        assert found == (min(there), max(there), sum(there), len(there))


def test_the_error_names_the_function_that_does_not_fit() -> None:
    frame = pl.LazyFrame({"t": [T0], "x": pl.Series([2**64 - 1], dtype=pl.UInt64)})
    view = JoinView(
        name="v",
        frame=frame,
        keys={},
        features={"top": "top"},
        time="t",
        windows=[window_spec("x", "max", window=MINUTE, slide=None, name="top")],
        types={"top": "INT64"},
    )
    with pytest.raises(Unprocessable, match="A max of v does not fit into top"):
        join_as_of(pl.LazyFrame({"at": [T0 + MINUTE]}), [view], at="at").collect()


@pytest.mark.parametrize(
    ("function", "dtype", "what"),
    [
        ("median", pl.Float64, "aggregation by median"),
        ("sum", pl.String, "x is String"),
        ("mean", pl.Datetime("us"), "x is Datetime"),
    ],
)
def test_aggregations_that_cannot_be_computed_are_refused(
    function: str, dtype: Any, what: str
) -> None:
    with pytest.raises(Unprocessable) as caught:
        one_key([None], dtype, [spec(function, window=MINUTE)], T0)
    assert what in str(caught.value)
    assert caught.value.fix


def test_windows_of_nanoseconds_and_of_zones_end_in_utc() -> None:
    """A created time a nanosecond after the end of the hour is after it."""
    zone = "Asia/Kolkata"
    end = T0 + timedelta(hours=1)
    made = pl.Series([end, end], dtype=pl.Datetime("ns", "UTC")) + pl.Series(
        [0, 1], dtype=pl.Duration("ns")
    )
    frame = pl.LazyFrame(
        {"t": pl.Series([T0, T0]).dt.convert_time_zone(zone), "c": made, "x": [1, 2]}
    )
    view = JoinView(
        name="v",
        frame=frame,
        keys={},
        features={"count_x_3600s": "n"},
        time="t",
        created="c",
        created_counts=True,
        windows=[spec("count", window=timedelta(hours=1))],
    )
    at = pl.Series([end], dtype=pl.Datetime("ns", "UTC"))
    later = at + pl.Series([1], dtype=pl.Duration("ns"))
    entities = pl.LazyFrame({"at": pl.concat([at, later])})
    assert join_as_of(entities, [view], at="at").collect()["n"].to_list() == [1, 2]
    view = replace(
        view, created=None, created_counts=False, ttl=timedelta(0)
    )  # too old after a nanosecond
    assert join_as_of(entities, [view], at="at").collect()["n"].to_list() == [2, None]


@pytest.mark.parametrize(
    "text",
    [
        "sum",
        "3",
        '["sum"]',
        '[{"feature": "a"}]',
        '[{"feature": "a", "column": "b", "function": "sum", "seconds": 1, "slide": 1, "new": 2}]',
        '[{"feature": "a", "column": "b", "function": "median", "seconds": 1, "slide": 1}]',
        '[{"feature": "a", "column": "b", "function": "sum", "seconds": "1h", "slide": 1}]',
        '[{"feature": "a", "column": "b", "function": "sum", "seconds": 1, "slide": 0}]',
        '[{"feature": "a", "column": "b", "function": ["sum"], "seconds": 1, "slide": 1}]',
    ],
)
def test_a_tag_by_another_hand_is_a_problem_of_its_view_alone(text: str) -> None:
    with pytest.raises(Unprocessable, match=r"mlinfra\.aggregations"):
        windows_in({TAG: text})
    message = message_of("feature_views")
    message.spec.name = "v"
    message.spec.tags[TAG] = text
    view = definition(message, "feature_views")
    assert "mlinfra.aggregations" in view.problem
    assert view.windows == []
    assert not view.stored  # no raw column is taken for a feature
