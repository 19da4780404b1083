"""A first look at many text columns at once: most are plain numbers or plainly words, and need no
count of what each type would lose.

Each question is one expression over all columns, or over the words of all columns one under the
other: what a library costs to be called is paid once, and not for each column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from .candidates import LEADING_ZERO, SAMPLE, Candidate, has_marks
from .conform import MISSING

if TYPE_CHECKING:
    import polars as pl

_SURELY_SMALL = 10**16  # an identifier has more digits
# 1.234 may be a thousand in another country
_GROUPED = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$"
_NO_PLAIN_FLOAT = rf"{LEADING_ZERO}|^[+-]?\d{{17,}}$"
_HEAD = 1000


def plain_numbers(
    frame: pl.DataFrame, names: Collection[str], dtype: pl.DataType, *, first: bool
) -> dict[str, int]:
    """Of these columns, those of which every value is a number of the type in its plain spelling,
    and how many values each has. first: nothing is known of them yet, so most of the values must
    also contradict every other reading.
    """
    import polars as pl

    if first and frame.height > _HEAD:
        names = plain_numbers(frame.head(_HEAD), names, dtype, first=True)
    if not names:
        return {}
    columns = [pl.col(name) for name in names]
    asked = []
    for index, column in enumerate(columns):
        value = column.cast(dtype, strict=False)
        odd = column.is_not_null() & value.is_null() & ~column.is_in(MISSING)
        odd = odd | _contradicts(column, value, dtype)
        asked += [
            odd.any().alias(f"odd {index}"),
            (value.is_not_null() & ~column.is_in(MISSING)).sum().alias(f"values {index}"),
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


def _contradicts(column: pl.Expr, value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_float():
        return column.str.contains(_NO_PLAIN_FLOAT)
    import polars as pl

    code = column.str.starts_with("0") & (column.str.len_bytes() > 1)
    signed = pl.any_horizontal(column.str.starts_with(f"{sign}0") for sign in "+-")
    return code | signed | (value >= _SURELY_SMALL) | (value <= -_SURELY_SMALL)


def _only_a_float(column: pl.Expr) -> pl.Expr:
    """Whether a number can be nothing but one with a decimal point."""
    return column.str.contains(".", literal=True) & ~column.str.contains(_GROUPED)


def lost_halves(
    words: Mapping[str, pl.DataFrame], choices: Sequence[Candidate], zone: str | None
) -> dict[str, set[Candidate]]:
    """Of each column, the candidates that lose more than half of a sample of its words."""
    import polars as pl

    if not words:
        return {}
    samples = [
        found.gather_every(max(1, found.height // SAMPLE)).select(
            pl.lit(index, dtype=pl.UInt32).alias("column"), "word"
        )
        for index, found in enumerate(words.values())
    ]
    missed = [
        (candidate.missed(zone) & has_marks(candidate)).alias(str(index))
        for index, candidate in enumerate(choices)
    ]
    sums = [pl.col(str(index)).sum() for index in range(len(choices))]
    marked = pl.concat(samples).lazy().select("column", *missed)
    counts = marked.group_by("column").agg(pl.len().alias("len"), *sums).collect()
    names = list(words)
    return {
        names[row["column"]]: {
            candidate for index, candidate in enumerate(choices) if 2 * row[str(index)] > row["len"]
        }
        for row in counts.iter_rows(named=True)
    }
