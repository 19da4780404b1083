"""The segments of rows: those with one value of a column, such as `origin=JFK`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..measures.drift import DISCRETE, ColumnReference, levels_of

if TYPE_CHECKING:
    import polars as pl

    from ..references.profiles import Reference

MOST_COLUMNS = 3
"""A monitor has segments of at most so many columns."""

OTHER, MISSING = "other", "missing"


def segments_of(
    rows: pl.DataFrame, columns: Sequence[str], reference: Reference | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    """All rows, with an empty name, then those of each segment by name.

    The values of a column are those that the reference has bins for, else the most frequent ones;
    rows with another value are the segment `column=other`, those without one `column=missing`. A
    number with many values has no segments.
    """
    import polars as pl

    yield "", rows
    known = {column.name: column for column in reference.columns} if reference else {}
    for name in columns:
        column = f"input.{name}" if f"input.{name}" in rows.columns else name
        if column not in rows.columns:
            continue
        texts = as_texts(rows[column])
        values = levels(rows[column], known.get(name))
        if not values:
            continue
        label = (
            pl.when(pl.col(".segment").is_null())
            .then(pl.lit(MISSING))
            .when(pl.col(".segment").is_in(values))
            .then(pl.col(".segment"))
            .otherwise(pl.lit(OTHER))
        )
        labelled = rows.with_columns(texts.alias(".segment")).with_columns(label.alias(".segment"))
        parts = labelled.partition_by(".segment", as_dict=True, include_key=False)
        for (value,), part in sorted(parts.items(), key=lambda item: str(item[0])):
            yield f"{name}={value}", part


def levels(column: pl.Series, reference: ColumnReference | None) -> list[str]:
    """The values that are segments; none for a number with many values."""
    if reference is None:
        names, counts = levels_of(as_texts(column))
        if column.dtype.is_float() and len(names) > DISCRETE:
            return []
        by_count = sorted(zip(counts, names, strict=True), key=lambda item: (-item[0], item[1]))
        return [name for _, name in by_count[:DISCRETE]]
    if reference.kind == "number":
        return []
    return [edge if isinstance(edge, str) else f"{edge:g}" for edge in reference.edges]


def as_texts(column: pl.Series) -> pl.Series:
    """The values as they are written in the name of a segment: whole numbers without a point."""
    import polars as pl

    if column.dtype.is_float():
        values = {value: f"{value:g}" for value in column.drop_nulls().unique().to_list()}
        if not values:
            return column.cast(pl.String)
        return column.replace_strict(values, default=None, return_dtype=pl.String)
    return column.cast(pl.String)
