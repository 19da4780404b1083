"""What is measured of an input whose values are nothing to compare: bytes, lists and dates.

Bytes and nested values are in the payload log as text, of which it keeps the beginning; a reference
is made from texts of the same kind, so that both sides are cut in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.frames import unnamed

if TYPE_CHECKING:
    import polars as pl

BYTES, SECONDS = "bytes", "seconds"
OF_LIST = ("length", "mean", "std", "min", "max")
"""Of a list of numbers, whatever its depth; null counts in its length alone."""

_NUMBERS = ("double", "float", "integer", "long")


def measures_of(kind: str, spec: Mapping[str, Any]) -> Sequence[str]:
    """What is measured of an input of this type, in MLflow's words; nothing if its values are
    compared as they are, or are nothing to measure. spec: of an array, its items.
    """
    if kind == "binary":
        return (BYTES,)
    return OF_LIST if kind == "array" and _of_numbers(spec) else ()


def _of_numbers(spec: Mapping[str, Any]) -> bool:
    items = spec.get("items") or {}
    return items.get("type") in _NUMBERS or (items.get("type") == "array" and _of_numbers(items))


def measured(values: pl.Series, measure: str) -> pl.Series:
    """One measure of a column of the payload log, as numbers; null of what is missing."""
    import polars as pl

    if measure == SECONDS:
        return _seconds(unnamed(values)).rename(values.name)
    texts = values.cast(pl.String, strict=False)
    frame = texts.rename("text").to_frame()
    found = frame.select(_bytes() if measure == BYTES else _of_list(measure)).to_series()
    return found.cast(pl.Float64).rename(values.name)


def _seconds(values: pl.Series) -> pl.Series:
    """Moments in seconds since 1970; one without a zone is of UTC."""
    import polars as pl

    if values.dtype == pl.String:
        values = values.str.to_datetime(time_unit="us", strict=False)
    if not isinstance(values.dtype, pl.Datetime | pl.Date):
        return values.cast(pl.Float64, strict=False)
    return values.dt.epoch("us").cast(pl.Float64) / 1e6


def _bytes() -> pl.Expr:
    """How many bytes base64 stands for."""
    import polars as pl

    text = pl.col("text")
    padding = text.str.count_matches("=", literal=True)
    return text.str.len_bytes() * 3 // 4 - padding


def _of_list(measure: str) -> pl.Expr:
    import polars as pl

    inside = pl.col("text").str.replace_all(r"[\[\]\s]", "").str.strip_chars_end(",")
    parts = inside.str.split(",").list.filter(pl.element() != "")
    numbers = parts.list.eval(pl.element().cast(pl.Float64, strict=False)).list.drop_nulls()
    return {
        "length": parts.list.len(),
        "mean": numbers.list.mean(),
        "std": numbers.list.std(ddof=0),
        "min": numbers.list.min(),
        "max": numbers.list.max(),
    }[measure]


def named(name: str, measures: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The name of each measure of an input, and the measure."""
    return ((f"{name}.{measure}", measure) for measure in measures)
