"""Aggregations of integers and decimals keep every digit: against Python's integers and fractions,
computed from rows and from tiles that grew in parts.
"""

from __future__ import annotations

import math
import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.feast_online.feast_values import values_of
from jupyter_mlinfra.features.definitions import WindowSpec
from jupyter_mlinfra.features.join import JoinView, join_as_of
from jupyter_mlinfra.features.joining.names import key_names
from jupyter_mlinfra.features.windows import TileFrames
from jupyter_mlinfra.features.windows.kept import _read, _write
from jupyter_mlinfra.features.windows.plan import Plan, window_spec
from jupyter_mlinfra.features.windows.tiles import merged_tiles, tiles_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FUNCTIONS = ("count", "sum", "mean", "min", "max", "std", "var", "count_distinct")
SHAPES = [(20 * MINUTE, None), (30 * MINUTE, 5 * MINUTE), (None, 10 * MINUTE)]
CASES: dict[str, tuple[Any, Callable[[random.Random], Any]]] = {
    "near the ends of Int64": (
        pl.Int64,
        lambda r: r.choice([1, -1]) * (2**63 - 1 - r.randint(0, 9)),
    ),
    "close to each other and large": (pl.Int64, lambda r: 2**61 + r.randint(-40, 40)),
    "UInt64": (pl.UInt64, lambda r: r.choice([2**64 - 1, 2**53 + 1, 1]) - r.randint(0, 1)),
    "money": (pl.Decimal(18, 2), lambda r: Decimal(r.randint(-(10**17), 10**17)).scaleb(-2)),
    "cents": (pl.Decimal(12, 2), lambda r: Decimal(r.choice([10, 20, 30])).scaleb(-2)),
    "long decimals": (
        pl.Decimal(38, 4),
        lambda r: Decimal(r.randint(-(10**36), 10**36)).scaleb(-4),
    ),
    "Int128": (pl.Int128, lambda r: r.randint(-(2**118), 2**118)),
}


class InParts:
    """Tiles of parts of a source, put together as a dataset that grows puts them, and on disk."""

    def __init__(self, folder: Path, parts: int) -> None:
        self._folder, self._parts = folder, parts

    def of(self, view: JoinView, plan: Plan) -> TileFrames:
        rows = view.frame.collect()
        size = -(-rows.height // self._parts)
        found = [
            tiles_of(rows.slice(place * size, size).lazy(), view, plan, split=True)
            for place in range(self._parts)
        ]
        frames = TileFrames(
            tiles=merged_tiles(
                pl.concat([item.tiles for item in found]), key_names(view.keys), plan
            ),
            values={
                place: pl.concat([item.values[place] for item in found]).unique()
                for place in plan.distinct
            },
            late=pl.concat([item.late for item in found if item.late is not None]),
        )
        _write(frames, self._folder)
        return _read(self._folder, plan, late=True)


def specs(column: str = "x") -> list[WindowSpec]:
    return [
        window_spec(column, name, window=length, slide=slide, name=f"{name} {place}")
        for place, (length, slide) in enumerate(SHAPES)
        for name in FUNCTIONS
    ]


def type_of(name: str) -> str:
    """Feast's type of a feature."""
    function = name.partition(" ")[0]
    if function in ("sum", "min", "max"):
        return "DECIMAL"
    return "INT64" if function.startswith("count") else "DOUBLE"


def wanted(function: str, values: Sequence[Any]) -> Any:
    """By Python's fractions; None for no value."""
    exact = [Fraction(value) for value in values]
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len(set(values))
    if not values or (function in ("std", "var") and len(values) < 2):
        return None
    if function in ("sum", "min", "max"):
        return {"sum": sum, "min": min, "max": max}[function](exact)  # type: ignore[operator]
    mean = sum(exact) / len(exact)
    if function == "mean":
        return mean
    variance = sum((value - mean) ** 2 for value in exact) / (len(exact) - 1)
    return variance if function == "var" else math.sqrt(variance)


def agree(found: Any, value: Any, scale: Any) -> bool:
    """Whether an answer is the value: exactly, or a float as near as floats are. scale: of the
    values.
    """
    if found is None or value is None:
        return found is None and value is None
    if isinstance(found, float):
        near = 1e-12 if isinstance(value, Fraction) and value.denominator < 1000 else 1e-9
        return math.isclose(found, float(value), rel_tol=near, abs_tol=1e-15 * float(scale))
    assert isinstance(found, int | Decimal)
    return bool(Fraction(found) == value)


def drawn(rng: random.Random, draw: Callable[[random.Random], Any]) -> list[dict[str, Any]]:
    """Events of three keys, some late, some without a value."""
    return [
        {
            "k": rng.randint(0, 2),
            "t": T0 + rng.randint(-90, 300) * MINUTE / 2,
            "late": rng.choice([0, 0, 1, 30]) * MINUTE,
            "x": None if rng.random() < 0.1 else draw(rng),
        }
        for _ in range(120)
    ]


def view_of(rows: list[dict[str, Any]], dtype: Any) -> JoinView:
    frame = pl.DataFrame(
        {
            "k": [row["k"] for row in rows],
            "t": [row["t"] for row in rows],
            "c": [row["t"] + row["late"] for row in rows],
            "x": pl.Series([row["x"] for row in rows], dtype=dtype),
        }
    )
    windows = specs()
    names = {item.feature: item.feature for item in windows}
    return JoinView(
        name="v",
        frame=frame.lazy(),
        keys={"k": "k"},
        features=names,
        time="t",
        created="c",
        windows=windows,
        types={name: type_of(name) for name in names},
    )


def held_by(item: WindowSpec, events: list[dict[str, Any]], at: datetime) -> list[Any]:
    """The values in the window that ended last."""
    slide = timedelta(seconds=item.slide or 0)
    end = T0 + (at - T0) // slide * slide
    begin = end - timedelta(seconds=item.seconds) if item.seconds else None
    return [row["x"] for row in events if row["t"] < end and (not begin or row["t"] >= begin)]


@pytest.mark.parametrize("case", CASES)
def test_no_digit_is_lost(case: str, tmp_path: Path) -> None:
    dtype, draw = CASES[case]
    rng = random.Random(case)
    rows = drawn(rng, draw)
    view = view_of(rows, dtype)
    asked = [(rng.randint(0, 3), T0 + rng.randint(-200, 800) * MINUTE / 4) for _ in range(60)]
    entities = pl.DataFrame(asked, schema=["k", "at"], orient="row").lazy()
    for known, tiles in (
        (False, None),
        (True, InParts(tmp_path, 3)),
        (False, InParts(tmp_path, 2)),
    ):
        joined = replace(view, created_counts=known, tiles=tiles) if tiles else view
        found = join_as_of(entities, [joined], at="at").collect().to_dicts()
        for (key, at), row in zip(asked, found, strict=True):
            there = [
                event
                for event in rows
                if event["k"] == key
                and event["x"] is not None
                and (not known or event["t"] + event["late"] <= at)
            ]
            for item in view.windows:
                held = held_by(item, there, at)
                value = wanted(item.function, held)
                scale = max((abs(x) for x in held), default=0)
                answer = row[item.feature]
                assert agree(answer, value, scale), (item, at, key, answer, value)


def answer_of(
    values: Sequence[Any], dtype: Any, function: str, declared: str
) -> tuple[Any, pl.DataType]:
    """An aggregation of one window, and its type."""
    frame = pl.LazyFrame({"t": [T0] * len(values), "x": pl.Series(values, dtype=dtype)})
    view = JoinView(
        name="v",
        frame=frame,
        keys={},
        features={"f": "f"},
        time="t",
        windows=[window_spec("x", function, window=MINUTE, slide=None, name="f")],
        types={"f": declared},
    )
    found = join_as_of(pl.LazyFrame({"at": [T0 + MINUTE]}), [view], at="at").collect()["f"]
    return found.item(), found.dtype


def test_a_feature_has_its_type_and_the_digits_that_the_type_holds() -> None:
    cents = [Decimal("0.10"), Decimal("0.20")]
    assert answer_of(cents, pl.Decimal(9, 2), "sum", "DECIMAL") == (
        Decimal("0.30"),
        pl.Decimal(38, 2),
    )
    assert answer_of(cents, pl.Decimal(9, 2), "sum", "DOUBLE") == (0.3, pl.Float64())
    assert answer_of([Decimal("1.5")] * 2, pl.Decimal(9, 1), "sum", "INT64") == (3, pl.Int64())
    large = [2**64 - 1, 2**64 - 3]
    assert answer_of(large, pl.UInt64, "sum", "DECIMAL")[0] == Decimal(2**65 - 4)
    assert answer_of(large, pl.UInt64, "sum", "DOUBLE")[0] == float(2**65 - 4)
    assert answer_of([2**53, 1, 1], pl.UInt64, "sum", "INT64")[0] == 2**53 + 2
    assert answer_of([2.0, 4.0], pl.Float64, "sum", "INT64")[0] == 6


@pytest.mark.parametrize("scale", [0, 4])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_of_more_digits_than_are_kept_is_the_nearest_float(scale: int, sign: int) -> None:
    dtype = pl.Decimal(38, scale)
    with localcontext() as context:
        context.prec = 60
        values = [sign * Decimal(10**38 - 1 - place).scaleb(-scale) for place in range(23)]
        total = answer_of(values, dtype, "sum", "DOUBLE")[0]
        assert total == float(sum(Fraction(value) for value in values))
    if not scale:
        assert (
            answer_of([sign * (2**127 - 1)] * 2, pl.Int128, "sum", "DOUBLE")[0] == sign * 2.0**128
        )


CANARY = "47110815"


@pytest.mark.parametrize(
    ("value", "dtype", "function", "declared"),
    [
        (2**63 + int(CANARY), pl.UInt64, "max", "INT64"),
        (int(CANARY), pl.Int64, "min", "INT32"),
        (int(f"{CANARY}1234"), pl.Int64, "min", "INT32"),
        (int(f"{CANARY}{'0' * 30}"), pl.UInt128, "max", "DECIMAL"),
        (2**128 - int(CANARY), pl.UInt128, "sum", "DOUBLE"),
        (float(f"{CANARY}e300"), pl.Float64, "max", "FLOAT"),
        (float(f"{CANARY}e30"), pl.Float64, "max", "INT64"),
        (float(f"{CANARY}.5"), pl.Float64, "max", "INT64"),
        (Decimal(f"{CANARY}.5"), pl.Decimal(38, 1), "max", "INT64"),
        (Decimal(f"{CANARY}{'0' * 20}"), pl.Decimal(38, 0), "max", "INT64"),
    ],
)
def test_a_refusal_does_not_tell_the_value(
    value: Any, dtype: Any, function: str, declared: str
) -> None:
    """It may be of a column that is masked, and a log holds the causes of an error too."""
    try:
        answer_of([value], dtype, function, declared)
    except Unprocessable as error:
        told = "".join(traceback.format_exception(error))
        assert str(value) not in told
        assert CANARY not in told


@pytest.mark.parametrize(
    ("values", "dtype", "function", "declared", "what"),
    [
        ([2**64 - 1], pl.UInt64, "sum", "INT64", "more than int64"),
        ([Decimal("9" * 38)] * 9, pl.Decimal(38, 0), "sum", "DECIMAL", "more than 1.6e38"),
        ([2**127 - 1] * 2, pl.Int128, "sum", "INT64", "more than 1.6e38"),
        ([2**128 - 1], pl.UInt128, "max", "DOUBLE", "too large"),
        ([Decimal("0.10"), Decimal("0.25")], pl.Decimal(9, 2), "sum", "INT64", "fraction"),
        ([1, 2], pl.Int64, "mean", "INT64", "fraction"),
        ([1e39], pl.Float64, "sum", "FLOAT", "more than float"),
        ([math.inf], pl.Float64, "max", "INT64", "infinite"),
        ([1e39], pl.Float64, "max", "INT64", "more than int64"),
        ([1, 2], pl.Int64, "mean", "DECIMAL", "no decimal"),
        ([0.5], pl.Float64, "max", "DECIMAL", "no decimal"),
    ],
)
def test_what_a_type_does_not_hold_is_refused(
    values: list[Any], dtype: Any, function: str, declared: str, what: str
) -> None:
    with localcontext() as context, pytest.raises(Unprocessable) as caught:
        context.prec = 60
        answer_of(values, dtype, function, declared)
    assert what in str(caught.value)
    assert caught.value.fix
    assert declared != "DOUBLE" or "Float64" not in caught.value.fix, "it is that already"


def test_decimals_come_back_from_the_online_store_with_each_digit() -> None:
    from feast.type_map import python_values_to_proto_values
    from feast.value_type import ValueType

    values = [Decimal("23.30"), None, Decimal(3 * 2**63 + 23)]
    stored = python_values_to_proto_values(values, ValueType.DECIMAL)
    assert values_of([item.SerializeToString() for item in stored], "DECIMAL") == values
