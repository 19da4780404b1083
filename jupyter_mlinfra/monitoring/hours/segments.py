"""The segments of rows: those with one value of a column, such as `origin=JFK`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ...core.value_names import value_name
from ..measures.drift import DISCRETE, ColumnReference, levels_of

if TYPE_CHECKING:
    import polars as pl

    from ..references.profiles import Reference

MOST_COLUMNS = 3
"""A monitor has segments of at most so many columns."""

MOST_NAMED = 40
"""So many inputs are named where a column is none of them."""

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
    return [edge if isinstance(edge, str) else value_name(edge) for edge in reference.edges]


def no_column(name: str, inputs: Sequence[str], logged: Sequence[str]) -> str:
    """What is to be said of a column that neither the inputs nor a logged request has."""
    more = ", …" if len(inputs) > MOST_NAMED else ""
    near = get_close_matches(name, [*inputs, *logged], 1)
    said = [
        f"No request so far has a column {name}.",
        f"The model's inputs are {', '.join(inputs[:MOST_NAMED])}{more}." if inputs else "",
        f"Did you mean {near[0]}?" if near else "",
    ]
    return " ".join(filter(None, said))


def recorded_names(segment: str, reference: Reference | None) -> list[str]:
    """The names that a segment may have in what is recorded: its own, and that of an earlier
    version, which had six digits of a number, unless another value of the reference had it too.
    """
    column, _, value = segment.partition("=")
    earlier = [short for name, short in _renamed([column], reference) if name == value]
    return [segment, *(f"{column}={short}" for short in earlier)]


def are_renamed(columns: Sequence[str], reference: Reference | None) -> bool:
    """Whether segments of these columns had other names in an earlier version."""
    return bool(_renamed(columns, reference, unique=False))


def _renamed(
    columns: Sequence[str], reference: Reference | None, *, unique: bool = True
) -> list[tuple[str, str]]:
    """Names of numbers, and those of an earlier version, where they differ. unique: only those that
    one number alone had.
    """
    found = []
    for item in reference.columns if reference else ():
        if item.name in columns and item.kind != "number":
            numbers = [edge for edge in item.edges if not isinstance(edge, str)]
            short = Counter(f"{number:g}" for number in numbers)
            pairs = [(value_name(number), f"{number:g}") for number in numbers]
            found += [
                (name, old)
                for name, old in pairs
                if name != old and (not unique or short[old] == 1)
            ]
    return found


def as_texts(column: pl.Series) -> pl.Series:
    """The values as they are written in the name of a segment: see `value_name`."""
    import polars as pl

    if column.dtype.is_float():
        values = {value: value_name(value) for value in column.drop_nulls().unique().to_list()}
        if not values:
            return column.cast(pl.String)
        return column.replace_strict(values, default=None, return_dtype=pl.String)
    return column.cast(pl.String)
