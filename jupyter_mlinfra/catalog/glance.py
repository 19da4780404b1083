"""A first look at many text columns at once: most are plain numbers or plainly words, and need no
count of what each type would lose.

Each question is one expression over all columns, or over the words of all columns one under the
other: what a library costs to be called is paid once, and not for each column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.frames import exactly
from .candidates import LEADING_ZERO, SAMPLE, Candidate, has_marks
from .conform import ISO, MISSING
from .spelling import day

if TYPE_CHECKING:
    import polars as pl

_SURELY_SMALL = 10**16  # an identifier has more digits
# 1.234 may be a thousand in another country
_GROUPED = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$"
_NO_PLAIN_FLOAT = rf"{LEADING_ZERO}|^[+-]?\d{{17,}}$"
_HEAD = 1000
_FIRST = 20
_NO_WORDS = {None, *MISSING}
_LOOKS = {
    "Int64": re.compile(r"-?\d{1,16}"),
    "Float64": re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"),
    "Date": re.compile(r"\d{4}-\d\d-\d\d"),
}
_FEW, _WORDS = 50, 20_000
"""Words of a sample at least, and of the samples of all columns."""


def plain_values(
    frame: pl.DataFrame, names: Collection[str], dtype: pl.DataType, *, first: bool
) -> dict[str, int]:
    """Of these columns, those of which every value is a number or day of the type in its plain
    spelling, and how many values each has. first: nothing is known of them yet, so most of the
    values must also contradict every other reading.
    """
    import polars as pl

    if first:
        names = _likely(frame, names, dtype)
    if not names:
        return {}
    asked = []
    for index, column in enumerate(map(pl.col, names)):
        value = _value(column, dtype)
        present = ~column.is_in(MISSING)
        odd = (column.is_not_null() & value.is_null() & present) | _contradicts(
            column, value, dtype
        )
        asked += [
            odd.any().alias(f"odd {index}"),
            (value.is_not_null() & present).sum().alias(f"values {index}"),
        ]
        if first and dtype.is_float():
            asked.append(_only_a_float(column).sum().alias(f"sure {index}"))
    row = frame.lazy().select(asked).collect().row(0, named=True)
    found = {}
    for index, name in enumerate(names):
        values = row[f"values {index}"]
        if values and not row[f"odd {index}"] and 2 * row.get(f"sure {index}", values) > values:
            found[name] = values
    return found


def _likely(frame: pl.DataFrame, names: Collection[str], dtype: pl.DataType) -> list[str]:
    """Of these columns, those whose first words look like the type."""
    looks = _LOOKS[dtype.base_type().__name__]
    found = []
    for name in names:
        words = [word for word in frame[name].head(_FIRST).to_list() if word not in _NO_WORDS]
        if words and all(map(looks.fullmatch, words)):
            found.append(name)
    return found


def _value(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    return day(column, ISO) if dtype == pl.Date() else column.cast(dtype, strict=False)


def _contradicts(column: pl.Expr, value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    if dtype.is_float():
        return column.str.contains(_NO_PLAIN_FLOAT)
    if dtype == pl.Date():
        return pl.lit(False)
    code = column.str.starts_with("0") & (column.str.len_bytes() > 1)
    signed = pl.any_horizontal(column.str.starts_with(f"{sign}0") for sign in "+-")
    return code | signed | (value >= _SURELY_SMALL) | (value <= -_SURELY_SMALL)


def _only_a_float(column: pl.Expr) -> pl.Expr:
    """Whether a number can be nothing but one with a decimal point."""
    return column.str.contains(".", literal=True) & ~column.str.contains(_GROUPED)


def sampled(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, list[str]]:
    """Some of the words of each column that do not stand for a missing value; no column without
    any.
    """
    import polars as pl

    if not names:
        return {}
    size = max(_FEW, min(SAMPLE, _WORDS // len(names)))
    rows = frame.select(map(exactly, names)).gather_every(max(1, frame.height // _HEAD))
    rows.columns = [str(index) for index in range(len(names))]
    words = (
        rows.lazy()
        .unpivot(variable_name="column", value_name="word")
        .filter(~pl.col("word").str.strip_chars().is_in(MISSING))
        .unique(maintain_order=True)
        .group_by("column")
        .agg("word")
        .collect()
    )
    return {
        names[int(index)]: found[:: max(1, len(found) // size)]
        for index, found in words.iter_rows()
    }


def lost_halves(
    samples: Mapping[str, Sequence[str]], choices: Sequence[Candidate], zone: str | None
) -> dict[str, set[Candidate]]:
    """Of each column, the candidates that lose more than half of these words."""
    import polars as pl

    if not samples:
        return {}
    words = pl.DataFrame(
        {"column": range(len(samples)), "word": list(samples.values())},
        schema={"column": pl.UInt32, "word": pl.List(pl.String)},
    ).explode("word")
    missed = [
        (candidate.missed(zone) & has_marks(candidate)).alias(str(index))
        for index, candidate in enumerate(choices)
    ]
    sums = [pl.col(str(index)).sum() for index in range(len(choices))]
    marked = words.lazy().select("column", *missed)
    counts = marked.group_by("column").agg(pl.len().alias("len"), *sums).collect()
    names = list(samples)
    return {
        names[row["column"]]: {
            candidate for index, candidate in enumerate(choices) if 2 * row[str(index)] > row["len"]
        }
        for row in counts.iter_rows(named=True)
    }
