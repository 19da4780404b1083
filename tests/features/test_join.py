"""The point-in-time join against a brute-force search, on random frames; and what it refuses."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.features.join import JoinView, Strategy, join_as_of, require_time
from jupyter_mlinfra.features.joining import partitions
from jupyter_mlinfra.features.windows.plan import window_spec

T0 = datetime(2026, 3, 1, tzinfo=UTC)
UTC_TIME = pl.Datetime("us", "UTC")
STRATEGIES: list[Strategy] = ["asof", "hash", "auto"]


def brute_force(
    entities: Sequence[dict[str, Any]],
    rows: Sequence[dict[str, Any]],
    keys: Sequence[str],
    ttl: timedelta | None,
    created_counts: bool,
) -> list[int | None]:
    """Position of the winning source row of each entity row, by looking at every pair. Times are
    plain datetimes or None.
    """
    answer: list[int | None] = []
    for entity in entities:
        usable = [
            (row["t"], row["c"] is not None, row["c"] or datetime.min.replace(tzinfo=UTC), position)
            for position, row in enumerate(rows)
            if all(entity[key] is not None and entity[key] == row[key] for key in keys)
            and row["t"] is not None
            and entity["at"] is not None
            and row["t"] <= entity["at"]
            and (ttl is None or entity["at"] - row["t"] <= ttl)
            and (not created_counts or (row["c"] is not None and row["c"] <= entity["at"]))
        ]
        answer.append(max(usable)[-1] if usable else None)
    return answer


ticks = st.one_of(st.none(), st.integers(0, 30))  # few values: many ties
late = st.one_of(st.none(), st.integers(-3, 40))
key = st.one_of(st.none(), st.integers(0, 2))


def many(seed: int, count: int, *, entities: bool) -> list[tuple[int | None, ...]]:
    """Hypothesis prefers few rows; some faults need many."""
    rng = random.Random(seed)

    def some(low: int, high: int) -> int | None:
        return None if rng.random() < 0.08 else rng.randint(low, high)

    return [
        (
            (some(0, 2), some(0, 2), some(0, 30))
            if entities
            else (some(0, 2), some(0, 2), some(0, 30), some(-3, 40))
        )
        for _ in range(count)
    ]


seeds = st.integers(0, 2**20)
source_rows = st.one_of(
    st.lists(st.tuples(key, key, ticks, late), max_size=20),
    seeds.map(lambda seed: many(seed, 60, entities=False)),
)
entity_rows = st.one_of(
    st.lists(st.tuples(key, key, ticks), max_size=20),
    seeds.map(lambda seed: many(seed, 40, entities=True)),
)
ttls = st.one_of(
    st.none(),
    st.sampled_from(
        [
            timedelta(0),
            timedelta(minutes=1),
            timedelta(minutes=90),
            timedelta(hours=30),
            timedelta(days=2),
        ]
    ),
)
dtypes = st.sampled_from(
    [
        pl.Datetime("us", "UTC"),
        pl.Datetime("ns", "America/New_York"),
        pl.Datetime("ms", "Asia/Kolkata"),
        pl.Datetime("us"),
    ]
)
key_sets = st.sampled_from([["a"], ["a", "b"], []])


def frame(
    rows: Sequence[dict[str, Any]], names: Sequence[str], times: dict[str, pl.DataType]
) -> pl.DataFrame:
    schema: dict[str, Any] = {
        name: pl.Datetime("us", "UTC") if name in times else pl.Int64 for name in names
    }
    made = pl.DataFrame(list(rows), schema=schema)
    return made.with_columns(
        (
            pl.col(name).dt.convert_time_zone(zone).cast(dtype)
            if (zone := dtype.time_zone)
            else pl.col(name).dt.replace_time_zone(None).cast(dtype)
        )
        for name, dtype in times.items()
    )


@settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sources=st.tuples(source_rows, source_rows),
    asked=entity_rows,
    keys=st.tuples(key_sets, key_sets),
    ttl=st.tuples(ttls, ttls),
    dtype=st.tuples(dtypes, dtypes, dtypes),
    unit=st.sampled_from([timedelta(minutes=1), timedelta(hours=7)]),
    created_counts=st.booleans(),
)
def test_every_strategy_finds_the_rows_that_a_search_over_all_pairs_finds(
    sources: tuple[list[Any], list[Any]],
    asked: list[Any],
    keys: tuple[list[str], list[str]],
    ttl: tuple[timedelta | None, timedelta | None],
    dtype: tuple[pl.Datetime, pl.Datetime, pl.Datetime],
    unit: timedelta,
    created_counts: bool,
) -> None:

    def when(tick: int | None) -> datetime | None:
        return None if tick is None else T0 + tick * unit

    entities = [{"a": a, "b": b, "at": when(t), "label": i} for i, (a, b, t) in enumerate(asked)]
    views, wanted = [], []
    for i, rows in enumerate(sources):
        plain = [{"a": a, "b": b, "t": when(t), "c": when(c)} for a, b, t, c in rows]
        stored = (
            frame(plain, ["a", "b", "t", "c"], {"t": dtype[i], "c": dtype[1 - i]})
            .with_row_index("position")
            .cast({"position": pl.Int64})
        )
        views.append(
            JoinView(
                name=f"v{i}",
                frame=stored.lazy(),
                keys={name: name for name in keys[i]},
                features={"position": f"position{i}"},
                time="t",
                created="c",
                ttl=ttl[i],
                created_counts=created_counts,
            )
        )
        wanted.append(brute_force(entities, plain, keys[i], ttl[i], created_counts))
    left = frame(entities, ["a", "b", "at", "label"], {"at": dtype[2]})
    expected = left.with_columns(
        pl.Series("position0", wanted[0], pl.Int64), pl.Series("position1", wanted[1], pl.Int64)
    )
    for strategy in STRATEGIES:
        for engine in ("streaming", "in-memory"):
            result = join_as_of(
                left.lazy(), views, at="at", strategy=strategy, engine=engine
            ).collect()  # type: ignore[arg-type]
            assert_frame_equal(result, expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ties_go_to_the_latest_created_row_then_to_the_later_row_of_the_source(
    strategy: Strategy,
) -> None:
    rows = pl.DataFrame(
        {
            "k": [1, 1, 1, 2, 2, 3, 3],
            "t": [T0] * 7,
            "c": [T0, T0 + timedelta(hours=2), T0 + timedelta(hours=1), None, T0, T0, T0],
            "x": ["old", "newest", "middle", "never said", "said", "first", "last"],
        }
    )
    view = JoinView(
        name="v", frame=rows.lazy(), keys={"k": "k"}, features={"x": "x"}, time="t", created="c"
    )
    entity_rows = pl.DataFrame({"k": [1, 2, 3], "at": [T0] * 3})
    assert join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy).collect()[
        "x"
    ].to_list() == ["newest", "said", "last"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_nanosecond_decides(strategy: Strategy) -> None:
    rows = pl.DataFrame(
        {
            "k": [1, 1],
            "t": (
                pl.Series([1_000_000_000_000_000_000, 1_000_000_000_000_000_002]).cast(
                    pl.Datetime("ns", "UTC")
                )
            ),
            "x": [1, 2],
        }
    )
    entity_rows = pl.DataFrame(
        {
            "k": [1] * 3,
            "at": (
                pl.Series(
                    [999_999_999_999_999_999, 1_000_000_000_000_000_001, 1_000_000_000_000_000_002]
                ).cast(pl.Datetime("ns", "UTC"))
            ),
        }
    )
    view = JoinView(name="v", frame=rows.lazy(), keys={"k": "k"}, features={"x": "x"}, time="t")
    assert join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy).collect()[
        "x"
    ].to_list() == [None, 1, 2]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("keys", [[[1, 2], [3]], [{"a": 1}, {"a": 2}]], ids=["lists", "structs"])
def test_a_key_may_be_a_list_or_a_struct(strategy: Strategy, keys: list[Any]) -> None:
    """Many entity rows of a key: `auto` would take the as-of join of Polars, which refuses them."""
    rows = pl.DataFrame({"k": [*keys, keys[0]], "t": [T0] * 3, "x": [[1], [2], [3]]})
    view = JoinView(name="v", frame=rows.lazy(), keys={"k": "k"}, features={"x": "x"}, time="t")
    entity_rows = pl.LazyFrame({"k": keys * 20, "at": [T0, T0] * 20})
    found = join_as_of(entity_rows, [view], at="at", strategy=strategy).collect()
    assert found["x"].to_list() == [[3], [2]] * 20


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_dates_mean_midnight_utc(strategy: Strategy) -> None:
    rows = pl.DataFrame(
        {
            "k": [1, 1, 1],
            "t": [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5)],
            "x": [1, 2, 5],
        }
    )
    entity_rows = pl.DataFrame(
        {
            "k": [1] * 4,
            "at": [
                datetime(2026, 1, 1, 23, tzinfo=UTC),
                datetime(2026, 1, 2, tzinfo=UTC),
                datetime(2026, 1, 4, tzinfo=UTC),
                datetime(2026, 1, 4, 1, tzinfo=UTC),
            ],
        }
    )
    view = JoinView(
        name="v",
        frame=rows.lazy(),
        keys={"k": "k"},
        features={"x": "x"},
        time="t",
        ttl=timedelta(days=2),
    )
    assert join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy).collect()[
        "x"
    ].to_list() == [1, 2, 2, None]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_times_far_from_ours_neither_overflow_nor_match(strategy: Strategy) -> None:
    rows = pl.DataFrame(
        {
            "k": [1, 1],
            "t": pl.Series([datetime(9999, 12, 31), datetime(2026, 1, 1)], dtype=pl.Datetime("us")),
            "x": [1, 2],
        }
    )
    entity_rows = pl.DataFrame(
        {"k": [1], "at": pl.Series([datetime(2026, 2, 1)], dtype=pl.Datetime("ns"))}
    )
    view = JoinView(
        name="v",
        frame=rows.lazy(),
        keys={"k": "k"},
        features={"x": "x"},
        time="t",
        ttl=timedelta(days=999_999),
    )
    assert join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy).collect()[
        "x"
    ].to_list() == [2]


ns, us = pl.Datetime("ns", "UTC"), pl.Datetime("us", "UTC")
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ttl", [None, timedelta(days=100 * 365), timedelta.max])
@pytest.mark.parametrize(
    ("asked", "at", "there", "stored"),
    [
        ([T0], ns, [FIRST, FIRST + timedelta(hours=1)], us),
        ([T0], ns, [LAST], us),
        ([LAST], us, [T0], ns),
        ([LAST], us, [T0, LAST], us),
        ([FIRST, T0], us, [T0], ns),
    ],
)
def test_a_time_that_nanoseconds_cannot_hold_is_compared(
    strategy: Strategy,
    ttl: timedelta | None,
    asked: list[datetime],
    at: pl.DataType,
    there: list[datetime],
    stored: pl.DataType,
) -> None:
    """`0001-01-01` and `9999-12-31` mean always; pandas has nanoseconds for every time."""
    created = LAST if stored == us else T0
    plain = [{"k": 1, "t": time, "c": created} for time in there]
    rows = pl.DataFrame(plain, schema={"k": pl.Int64, "t": stored, "c": stored})
    wanted = [{"k": 1, "at": time} for time in asked]
    entity_rows = pl.LazyFrame(wanted, schema={"k": pl.Int64, "at": at})
    view = JoinView(
        name="v",
        frame=rows.with_row_index("x").lazy(),
        keys={"k": "k"},
        features={"x": "x"},
        time="t",
        created="c",
        ttl=ttl,
    )
    found = join_as_of(entity_rows, [view], at="at", strategy=strategy).collect()
    assert found["x"].to_list() == brute_force(wanted, plain, ["k"], ttl, False)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    ("ttl", "wanted"),
    [
        (None, [2, 2, 1]),
        (timedelta(days=1), [2, 2, None]),
        (timedelta(days=300 * 365), [2, 2, None]),
        (timedelta(days=400 * 365), [2, 2, None]),
        (timedelta(days=600 * 365), [2, 2, 1]),
        (timedelta.max, [2, 2, 1]),
    ],
)
def test_parts_of_a_microsecond_are_compared_with_any_time(
    strategy: Strategy, ttl: timedelta | None, wanted: list[int | None]
) -> None:
    """The source reaches beyond what nanoseconds hold; the created times too."""
    times = [datetime(1, 1, 1), datetime(1500, 1, 1), datetime(2026, 1, 1), datetime(9999, 12, 31)]
    rows = pl.DataFrame(
        {
            "k": [1] * 4 + [2] * 2,
            "t": pl.Series([*times, *times[:2]], dtype=pl.Datetime("us")),
            "c": pl.Series([datetime(1, 1, 1)] * 6, dtype=pl.Datetime("us")),
            "x": [0, 1, 2, 3, 0, 1],
        }
    )
    at = pl.Series(["2026-01-01 00:00:00.000000001", "2026-01-01 23:59:59.999999999"])
    asked = at.append(at[:1]).str.to_datetime(time_unit="ns")
    entity_rows = pl.DataFrame({"k": [1, 1, 2], "at": asked})
    view = JoinView(
        name="v",
        frame=rows.lazy(),
        keys={"k": "k"},
        features={"x": "x"},
        time="t",
        created="c",
        created_counts=True,
        ttl=ttl,
    )
    found = join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy).collect()
    assert found["x"].to_list() == wanted


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("late", [0, 1, 999])
def test_a_row_that_is_too_old_by_a_nanosecond_does_not_count(
    strategy: Strategy, late: int
) -> None:
    """Also before 1970, where counts are negative."""
    for year in (1960, 2026):
        time = datetime(year, 1, 1)
        rows = pl.DataFrame({"k": [1], "t": pl.Series([time], dtype=pl.Datetime("us")), "x": [1]})
        next_day = pl.Series([time + timedelta(days=1)], dtype=pl.Datetime("ns"))
        at = (next_day.to_physical() + late).cast(pl.Datetime("ns"))
        asked = pl.DataFrame({"k": [1], "at": at})
        view = JoinView(
            name="v",
            frame=rows.lazy(),
            keys={"k": "k"},
            features={"x": "x"},
            time="t",
            ttl=timedelta(days=1),
        )
        found = join_as_of(asked.lazy(), [view], at="at", strategy=strategy).collect()
        assert found["x"].to_list() == [None if late else 1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_keys_of_different_widths_and_encodings_are_compared_by_value(strategy: Strategy) -> None:
    rows = pl.DataFrame(
        {"n": pl.Series([1, 2], dtype=pl.Int16), "s": ["x", "y"], "t": [T0, T0], "v": [10, 20]}
    )
    entity_rows = pl.DataFrame(
        {"n": [1, 2, 70_000], "s": pl.Series(["x", "y", "x"], dtype=pl.Categorical), "at": [T0] * 3}
    )
    view = JoinView(
        name="v", frame=rows.lazy(), keys={"n": "n", "s": "s"}, features={"v": "v"}, time="t"
    )
    result = join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy).collect()
    assert result["v"].to_list() == [10, 20, None]
    assert result.drop("v").equals(entity_rows)


def test_a_source_in_parquet_files_gives_the_same_answer_as_in_memory(tmp_path: Path) -> None:
    """Row groups are skipped by statistics: the numbering of rows must survive it."""
    rows = pl.DataFrame(
        {
            "k": [i % 7 for i in range(5000)],
            "t": [T0 + timedelta(minutes=i) for i in range(5000)],
            "x": range(5000),
        }
    )
    rows[:3000].write_parquet(tmp_path / "a.parquet", row_group_size=100)
    rows[3000:].write_parquet(tmp_path / "b.parquet", row_group_size=100)
    entity_rows = pl.DataFrame(
        {"k": [3, 5, 3], "at": [T0 + timedelta(minutes=minute) for minute in (4000, 4100, 3990)]}
    )
    for strategy in STRATEGIES:
        for source in (rows.lazy(), pl.scan_parquet(tmp_path / "*.parquet")):
            windowed = JoinView(
                name="v",
                frame=source,
                keys={"k": "k"},
                features={"x": "x"},
                time="t",
                ttl=timedelta(hours=5),
            )
            # the newest minute m <= at with m % 7 == k
            assert join_as_of(entity_rows.lazy(), [windowed], at="at", strategy=strategy).collect()[
                "x"
            ].to_list() == [4000, 4100, 3986]


def view(**changes: Any) -> JoinView:
    frame = pl.LazyFrame({"origin": ["JFK"], "t": [T0], "temp": [1.0]})
    values: dict[str, Any] = {
        "name": "weather",
        "frame": frame,
        "keys": {"origin": "origin"},
        "features": {"temp": "temp"},
        "time": "t",
    }
    return JoinView(**(values | changes))


@pytest.mark.parametrize(
    ("entities", "what"),
    [
        (pl.DataFrame({"at": [T0]}), "no column origin"),
        (pl.DataFrame({"origin": ["JFK"]}), "no column at"),
        (pl.DataFrame({"origin": ["JFK"], "at": ["2026-03-01"]}), "Column at is String"),
        (pl.DataFrame({"origin": ["JFK"], "at": [20260301]}), "Column at is Int64"),
        (pl.DataFrame({"origin": [7], "at": [T0]}), "Column origin of the entity rows is Int64"),
        (pl.DataFrame({"origin": ["JFK"], "at": [T0], "temp": [3.0]}), "temp would appear twice"),
    ],
)
def test_entity_rows_that_cannot_be_joined_are_refused_with_the_column_and_the_cure(
    entities: pl.DataFrame, what: str
) -> None:
    with pytest.raises(BadRequest, match=what) as caught:
        join_as_of(entities.lazy(), [view()], at="at")
    assert caught.value.fix


def test_two_views_that_give_the_same_name_are_refused() -> None:
    with pytest.raises(BadRequest, match="temp would appear twice"):
        join_as_of(
            pl.LazyFrame({"origin": ["JFK"], "at": [T0]}), [view(), view(name="forecast")], at="at"
        )


def test_a_source_without_a_column_of_the_definition_is_named() -> None:
    with pytest.raises(Unprocessable, match="source of weather has no column humid"):
        view(features={"humid": "humid"})


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_keys_in_parts_give_the_same_answer(strategy: Strategy, keys: list[str]) -> None:
    rng = random.Random(7)
    rows = {
        "a": [rng.choice([None, *range(20)]) for _ in range(900)],
        "b": [rng.choice("xyz") for _ in range(900)],
        "t": [T0 + timedelta(minutes=rng.randint(0, 200)) for _ in range(900)],
        "c": [T0 + timedelta(minutes=rng.randint(0, 200)) for _ in range(900)],
        "x": list(range(900)),
    }
    asked = pl.LazyFrame(
        {name: rows[name][:400] for name in ("a", "b")}
        | {"at": [T0 + timedelta(minutes=rng.randint(0, 250)) for _ in range(400)]}
    )
    view = JoinView(
        name="v",
        frame=pl.LazyFrame(rows),
        keys={key: key for key in keys},
        features={"x": "x"},
        time="t",
        created="c",
        ttl=timedelta(minutes=40),
    )
    whole, *others = (
        join_as_of(asked, [view], at="at", strategy=strategy, partitions=parts).collect()
        for parts in (1, 4, 16)
    )
    assert whole["x"].null_count() < 300
    for other in others:
        assert_frame_equal(other, whole)


def test_what_is_larger_than_a_part_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    used = view(keys={"origin": "origin"})
    entities = pl.DataFrame({"origin": ["JFK"] * 50})
    monkeypatch.setattr(partitions, "PART_BYTES", 20 * 52)
    assert partitions.parts_of(used, entities, used.frame, "streaming") == 3


@pytest.mark.parametrize("same", [1, 3, 100])
@pytest.mark.parametrize("ordered", [True, False])
def test_rows_of_one_moment_are_told_apart_whatever_their_number(same: int, ordered: bool) -> None:
    """Few are compared with each other, many are sorted."""
    rng = random.Random(same)
    rows = [
        {
            "k": rng.randint(0, 1),
            "t": T0 + timedelta(minutes=i // same),
            "c": rng.choice([None, 1, 2, 3]),
        }
        for i in range(400)
    ]
    if not ordered:
        rng.shuffle(rows)
    plain = [
        row | {"c": None if row["c"] is None else T0 + timedelta(hours=row["c"])} for row in rows
    ]
    stored = (
        pl.DataFrame(plain, schema={"k": pl.Int64, "t": UTC_TIME, "c": UTC_TIME})
        .with_row_index("x")
        .cast({"x": pl.Int64})
    )
    asked = [{"k": i % 2, "at": T0 + timedelta(minutes=i // 3)} for i in range(300)]
    made = JoinView(
        name="v", frame=stored.lazy(), keys={"k": "k"}, features={"x": "x"}, time="t", created="c"
    )
    found = join_as_of(pl.LazyFrame(asked), [made], at="at", strategy="asof").collect()
    assert found["x"].to_list() == brute_force(asked, plain, ["k"], None, False)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    ("asked", "there", "wanted"),
    [
        (
            pl.Series([Decimal("1.005"), Decimal("1.010")], dtype=pl.Decimal(10, 3)),
            pl.Series([Decimal("1.00"), Decimal("1.01")], dtype=pl.Decimal(10, 2)),
            [None, 1],
        ),
        (
            pl.Series([Decimal("0.5"), Decimal("0.25")], dtype=pl.Decimal(38, 37)),
            pl.Series([Decimal(10**35), Decimal("0.5")], dtype=pl.Decimal(38, 1)),
            [1, None],
        ),
        (
            pl.Series([1500, 1000], dtype=pl.Datetime("us")),
            pl.Series([1, 2], dtype=pl.Datetime("ms")),
            [None, 0],
        ),
        (
            pl.Series([1, 2**62], dtype=pl.Datetime("ms")),
            pl.Series([1_000_500, 1_000_000], dtype=pl.Datetime("ns")),
            [1, None],
        ),
        (
            pl.Series([1500], dtype=pl.Duration("us")),
            pl.Series([1], dtype=pl.Duration("ms")),
            [None],
        ),
        (pl.Series([math.nan, 1.0]), pl.Series([math.nan, 1.0]), [None, 1]),
        (pl.Series([math.nan, 1.0], dtype=pl.Float32), pl.Series([math.nan, 1.0]), [None, 1]),
        # whole numbers of other databases are decimals
        (
            pl.Series([2, 3]),
            pl.Series([Decimal(3), Decimal("2.5")], dtype=pl.Decimal(38, 1)),
            [None, 0],
        ),
        (
            pl.Series([Decimal(2), None], dtype=pl.Decimal(38, 0)),
            pl.Series([2], dtype=pl.Int32),
            [0, None],
        ),
        (pl.Series([None, None]), pl.Series(["a", None]), [None, None]),
        (pl.Series([T0], dtype=UTC_TIME), pl.Series([None]), [None]),
    ],
)
def test_keys_match_only_what_they_equal(
    strategy: Strategy, asked: pl.Series, there: pl.Series, wanted: list[int | None]
) -> None:
    rows = pl.DataFrame({"k": there, "t": [T0] * len(there), "x": range(len(there))})
    entity_rows = pl.DataFrame({"k": asked, "at": [T0] * len(asked)})
    view = JoinView(name="v", frame=rows.lazy(), keys={"k": "k"}, features={"x": "x"}, time="t")
    found = join_as_of(entity_rows.lazy(), [view], at="at", strategy=strategy).collect()
    assert found["x"].to_list() == wanted


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_nanosecond_of_the_created_time_decides(strategy: Strategy) -> None:
    """Event times and entity rows are in microseconds."""
    created = pl.Series([T0, T0], dtype=pl.Datetime("ns", "UTC")) + pl.Series(
        [900, 100], dtype=pl.Duration("ns")
    )
    frame = pl.LazyFrame({"t": [T0 - timedelta(hours=1)] * 2, "c": created, "x": [1, 2]})
    entity_rows = pl.LazyFrame({"at": [T0]})
    window = window_spec("x", "count", window=timedelta(hours=2), slide=timedelta(hours=1))
    for known_only, wanted in ((False, (1, 2)), (True, (None, 0))):
        common: dict[str, Any] = {"frame": frame, "keys": {}, "time": "t", "created": "c"}
        newest = JoinView(name="v", features={"x": "x"}, created_counts=known_only, **common)
        windows = JoinView(
            name="w",
            features={window.feature: "n"},
            created_counts=known_only,
            windows=[window],
            **common,
        )
        found = join_as_of(entity_rows, [newest, windows], at="at", strategy=strategy).collect()
        assert found.row(0)[1:] == wanted


def test_a_time_that_is_missing_is_told_by_the_columns_that_a_user_knows() -> None:
    schema = {"__src": pl.UInt32(), "id": pl.Int64()}
    with pytest.raises(BadRequest) as caught:
        require_time(schema, "at", "The rows of hr.people")
    assert caught.value.fix == "Name another: the columns are id."
    assert "asks" not in caught.value.why  # rows of a source do not
