"""The grid against DuckDB, and against the code that it writes."""

from __future__ import annotations

import datetime as dt
import math
import random
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlinfra.catalog.grid.plan import cell, plan
from jupyter_mlinfra.catalog.grid.spec import Aggregate, Filter, GridQuery, Group, Sort
from jupyter_mlinfra.catalog.grid.values import Unfit, value_of
from jupyter_mlinfra.catalog.rows import plain
from jupyter_mlinfra.core.errors import BadRequest

WORDS = ["", "a", "b'c", 'say "x"', "Straße", "50%_off", "a\\b", "line\nbreak", "UA", "{x}"]
DAY = dt.date(2024, 2, 28)
MOMENT = dt.datetime(2024, 3, 31, 1, 30)


def table(rows: int, seed: int) -> pl.DataFrame:
    """Columns of every type that is compared, with nulls, NaN, infinities, and many ties."""
    draw = random.Random(seed)

    def some(make: Callable[[], Any]) -> list[Any]:
        return [None if draw.random() < 0.15 else make() for _ in range(rows)]

    floats = [0.0, -0.0, 1.5, -2.25, math.nan, math.inf, -math.inf, 1e300]
    return pl.DataFrame(
        {
            "id": pl.Series(range(rows), dtype=pl.Int64),
            "small": pl.Series(some(lambda: draw.randrange(-3, 4)), dtype=pl.Int32),
            "large": pl.Series(some(lambda: draw.choice([2**53 + 1, -(2**62), 7])), dtype=pl.Int64),
            "real": pl.Series(some(lambda: draw.choice(floats)), dtype=pl.Float64),
            "money": pl.Series(
                some(lambda: Decimal(draw.randrange(-500, 500)) / 100), dtype=pl.Decimal(10, 2)
            ),
            "word": pl.Series(some(lambda: draw.choice(WORDS)), dtype=pl.String),
            "yes": pl.Series(some(lambda: draw.random() < 0.5), dtype=pl.Boolean),
            "day": pl.Series(
                some(lambda: DAY + dt.timedelta(days=draw.randrange(4))), dtype=pl.Date
            ),
            "at": pl.Series(
                some(lambda: MOMENT + dt.timedelta(minutes=30 * draw.randrange(4))),
                dtype=pl.Datetime("us", "UTC"),
            ),
            "naive": pl.Series(
                some(lambda: MOMENT + dt.timedelta(microseconds=draw.randrange(3))),
                dtype=pl.Datetime("us"),
            ),
            '^odd "name".*$': pl.Series(some(lambda: draw.randrange(3)), dtype=pl.Int64),
        }
    )


FRAME = table(400, seed=1)
KINDS = {
    name: "text" if dtype == pl.String else "truth" if dtype == pl.Boolean else "other"
    for name, dtype in FRAME.schema.items()
}
SIGNS = ["=", "!=", "<", "<=", ">", ">="]


def drawn(draw: random.Random, frame: pl.DataFrame) -> GridQuery:
    """A query with values that are in the frame, as JSON holds what a grid shows."""

    def value(name: str) -> Any:
        return plain(draw.choice(frame[name].alias("").drop_nulls().to_list()))

    def one() -> Filter:
        name = draw.choice(frame.columns)
        ops = [*SIGNS, "in", "between", "null", "not null"]
        op: Any = draw.choice([*ops, "contains", "starts"] if KINDS[name] == "text" else ops)
        if op in ("null", "not null"):
            return Filter(column=name, op=op)
        if op == "in":
            return Filter(
                column=name, op=op, value=[value(name) for _ in range(draw.randrange(1, 4))]
            )
        if op == "between":
            return Filter(column=name, op=op, value=[value(name), value(name)])
        found = value(name)
        if op in ("contains", "starts"):
            found = found[: draw.randrange(0, 3)]
        return Filter(column=name, op=op, value=found)

    filters = tuple(one() for _ in range(draw.choice([0, 1, 1, 2, 3])))
    names = draw.sample(frame.columns, 3)
    if draw.random() < 0.3:
        numbers = ["id", "small", "large", "money"]
        aggregates = tuple(
            Aggregate(
                column=draw.choice(
                    numbers
                    if (function := draw.choice(list(FIGURES))) in ("sum", "mean")
                    else ["word", "day", "at", *numbers]
                ),
                function=function,  # type: ignore[arg-type]
            )
            for _ in range(draw.randrange(3))
        )
        by = draw.choice([["small"], ["word", "yes"], ["day"], ["real"], ['^odd "name".*$']])
        sort = [Sort(column="rows", descending=draw.random() < 0.5)] if draw.random() < 0.6 else []
        return GridQuery(filters=filters, group=Group(by=by, aggregates=aggregates), sort=sort)
    sort = [
        Sort(column=name, descending=draw.random() < 0.5) for name in names[: draw.randrange(3)]
    ]
    return GridQuery(filters=filters, sort=tuple(sort), columns=draw.choice([None, tuple(names)]))


FIGURES = {
    "sum": "sum({})",
    "mean": "avg({})",
    "min": "min({})",
    "max": "max({})",
    "distinct": "count(distinct {0}) + max(CASE WHEN {0} IS NULL THEN 1 ELSE 0 END)",
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def typed(name: str, value: Any) -> Any:
    """A parameter for DuckDB, read by Python itself."""
    dtype = FRAME.schema[name]
    if isinstance(dtype, pl.Datetime):
        return dt.datetime.fromisoformat(value)
    if dtype == pl.Date:
        return dt.date.fromisoformat(value)
    if dtype.is_decimal():
        return Decimal(value)
    if dtype.is_float():
        return float(value)
    return int(value) if dtype.is_integer() else value


def condition(item: Filter) -> tuple[str, list[Any]]:
    name, op = quoted(item.column), item.op
    if op in ("null", "not null"):
        return f"{name} IS {op.upper()}", []
    values = item.value if isinstance(item.value, list) else [item.value]
    bound = [typed(item.column, value) for value in values]
    text = {
        "in": f"{name} IN ({', '.join('?' * len(bound))})",
        "between": f"{name} BETWEEN ? AND ?",
        "contains": f"contains({name}, ?)",
        "starts": f"starts_with({name}, ?)",
    }.get(op, f"{name} {op} ?")
    return text, bound


def answer(query: GridQuery, frame: pl.DataFrame) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What DuckDB says; rows that are alike in the order of the table."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("t", frame.with_row_index("place").to_arrow())
    conditions = [condition(item) for item in query.filters]
    where = " AND ".join(text for text, _ in conditions) or "true"
    bound = [value for _, values in conditions for value in values]
    order = [
        f"{quoted(item.column)} {'DESC' if item.descending else 'ASC'} NULLS LAST"
        for item in query.sort
    ]
    if query.group:
        keys = [quoted(name) for name in query.group.by]
        figures = [
            FIGURES[item.function].format(quoted(item.column)) for item in query.group.aggregates
        ]
        shown = ", ".join([*keys, 'count(*) AS "rows"', *figures])
        order += [f"{key} NULLS LAST" for key in keys]
        text = f"SELECT {shown} FROM t WHERE {where} GROUP BY ALL ORDER BY {', '.join(order)}"
    else:
        shown = ", ".join(map(quoted, query.columns or frame.columns))
        text = f"SELECT {shown} FROM t WHERE {where} ORDER BY {', '.join([*order, 'place'])}"
    found = con.execute(text, bound)
    return [item[0] for item in found.description], found.fetchall()


def comparable(value: Any) -> Any:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else float(f"{value:.9g}") + 0.0
    if isinstance(value, Decimal):
        return float(f"{value:.9g}") + 0.0
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC)
    return value


def alike(left: Sequence[Sequence[Any]], right: Sequence[Sequence[Any]]) -> bool:
    return [[comparable(value) for value in row] for row in left] == [
        [comparable(value) for value in row] for row in right
    ]


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2))]
)
def test_what_a_query_shows_is_what_duckdb_says(part: int) -> None:
    for seed in range(100 * part, 100 * part + 100):
        query = drawn(random.Random(seed), FRAME)
        names, rows = answer(query, FRAME)
        found = plan(FRAME.lazy(), query).collect()
        assert alike(found.rows(), rows), (seed, query)
        if not query.group:
            assert found.columns == names


def run(code: str, frame: pl.DataFrame) -> pl.DataFrame:
    """What a cell makes that is inserted into a notebook with this frame."""
    space: dict[str, Any] = {"frame": frame}
    exec(code, space)  # the code that users run
    found: pl.DataFrame = space["shown"].collect()
    return found


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_the_code_of_a_grid_makes_what_it_shows(seed: int) -> None:
    query = drawn(random.Random(seed), FRAME)
    code = cell(query, FRAME.schema, "frame.lazy()", name="shown")
    assert run(code, FRAME).equals(plan(FRAME.lazy(), query).collect(), null_equal=True), code


@pytest.mark.parametrize(
    "dtype", [pl.Int16, pl.Int32, pl.Int64, pl.UInt16, pl.UInt32, pl.UInt64, pl.Int128]
)
def test_sums_of_whole_numbers_do_not_overflow(dtype: Any) -> None:
    largest = pl.select(dtype.max()).item() if dtype != pl.Int128 else 2**70
    count = 2**33 // largest + 3
    frame = pl.DataFrame({"n": pl.repeat(largest, count, dtype=dtype, eager=True), "g": 1})
    group = Group(by=["g"], aggregates=[Aggregate(column="n", function="sum")])
    query = GridQuery(group=group)
    shown = plan(frame.lazy(), query).collect()
    assert shown["n sum"].to_list() == [largest * count]
    assert run(cell(query, frame.schema, "frame.lazy()", name="shown"), frame).equals(shown)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8])
def test_small_whole_numbers_are_summed_as_large_ones(dtype: Any) -> None:
    """Many millions of them would be needed to see it."""
    group = Group(by=["g"], aggregates=[Aggregate(column="n", function="sum")])
    frame = pl.DataFrame({"n": pl.Series([1], dtype=dtype), "g": 1}).lazy()
    assert plan(frame, GridQuery(group=group)).collect_schema()["n sum"] == pl.Int128


ZONED = dt.datetime(2024, 3, 31, 0, 30, tzinfo=dt.UTC)
LISTED: Sequence[tuple[Any, Sequence[Any], Sequence[Any], Sequence[Any]]] = [
    (pl.Int8(), [1, 2, None], [2, 300, "-1,000"], [2]),
    (pl.UInt64(), [2**64 - 1, 0], [str(2**64 - 1), -1], [2**64 - 1]),
    (pl.Int64(), [1], [2**70], []),
    (pl.Float64(), [0.1, math.inf, -0.0], [0.1, 0, "-1"], [0.1, -0.0]),
    (pl.Float32(), [0.5, 1.5], ["1.5"], [1.5]),
    (pl.Boolean(), [True, False, None], ["true"], [True]),
    (pl.Decimal(10, 2), [Decimal("1.50"), Decimal("1.51")], ["1.5", "1.505", "1" * 30],
     [Decimal("1.50")]),
    (pl.Date(), [DAY], ["2024-02-28", "2024-01-01"], [DAY]),
    (pl.Time(), [dt.time(1, 2)], ["01:02"], [dt.time(1, 2)]),
    (pl.Datetime("ns"), [MOMENT], [MOMENT.isoformat(), "1500-01-01"], [MOMENT]),
    (pl.Datetime("ms", "Europe/Berlin"), [ZONED], ["2024-03-31T00:30"], [ZONED]),
    (pl.Enum(["a", "b"]), ["a", "b"], ["b", "c"], ["b"]),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "held", "listed", "shown"), LISTED)
def test_in_takes_values_of_the_type_of_the_column(
    dtype: Any, held: Sequence[Any], listed: Sequence[Any], shown: Sequence[Any]
) -> None:
    frame = pl.DataFrame({"x": pl.Series(held, dtype=dtype)})
    query = GridQuery(filters=[Filter(column="x", op="in", value=listed)])
    found = plan(frame.lazy(), query).collect()
    assert found["x"].to_list() == shown
    assert run(cell(query, frame.schema, "frame.lazy()", name="shown"), frame).equals(found)


def test_a_long_list_is_one_step_and_a_longer_one_is_refused() -> None:
    frame = pl.DataFrame({"x": range(2_000)})
    query = GridQuery(filters=[Filter(column="x", op="in", value=list(range(1_000)))])
    began = time.monotonic()
    assert plan(frame.lazy(), query).collect().height == 1_000
    assert time.monotonic() - began < 5
    with pytest.raises(BadRequest, match=r"1,001 values; `in` takes up to 1,000.*between"):
        Filter(column="x", op="in", value=list(range(1_001)))


NUMBERS = [pl.Int32(), pl.Float64(), pl.Decimal(12, 2)]


@pytest.mark.parametrize("dtype", NUMBERS)
def test_a_comma_parts_thousands_and_is_no_decimal_sign(dtype: Any) -> None:
    assert value_of("−1,234,567", dtype).what == -1234567
    for wrong in ("1,5", "0,1", "1,2345", "1234,567", ",5", "1,234,", "1,234.5"):
        with pytest.raises(Unfit, match="commas only between thousands"):
            value_of(wrong, dtype)
