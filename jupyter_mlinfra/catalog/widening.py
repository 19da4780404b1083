"""Columns of a dataset that become wider when new rows need it: every value stays what it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..core.errors import Unprocessable
from .conform import Target
from .dtypes import short_dtype

if TYPE_CHECKING:
    import polars as pl


def is_in_place(old: pl.DataType, new: pl.DataType) -> bool:
    """Whether Iceberg widens the type without touching a data file: i32 → i64, f32 → f64, a decimal
    with more digits. Source: https://iceberg.apache.org/spec/#schema-evolution.
    """
    import polars as pl

    if isinstance(old, pl.Decimal) and isinstance(new, pl.Decimal):
        return old.scale == new.scale and (old.precision or 38) < (new.precision or 38)
    return (old, new) in ((pl.Int32(), pl.Int64()), (pl.Float32(), pl.Float64()))


def is_wider(old: pl.DataType, new: pl.DataType) -> bool:
    """Whether a column may become of the new type. Whole numbers become floats by writing the data
    files again.
    """
    import polars as pl

    return is_in_place(old, new) or (old.is_integer() and new == pl.Float64())


def rewritten(
    columns: Mapping[str, Target], targets: Mapping[str, Target]
) -> dict[str, pl.DataType]:
    """The columns whose data files have to be written again, with their new types."""
    return {
        name: targets[name].dtype
        for name, column in columns.items()
        if name in targets
        and targets[name].dtype != column.dtype
        and not is_in_place(column.dtype, targets[name].dtype)
    }


def widest(old: pl.DataType, others: Iterable[pl.DataType]) -> pl.DataType:
    """The type, made as wide as those others that Iceberg can widen it to."""
    for other in others:
        old = other if is_in_place(old, other) else old
    return old


def requested(name: str, old: pl.DataType, new: pl.DataType) -> pl.DataType:
    """The type that a column of the dataset is asked to have. Raises Unprocessable for one that is
    not wider.
    """
    if new == old or is_wider(old, new):
        return new
    raise Unprocessable(
        f"Column {name!r} cannot become {short_dtype(new)}.",
        f"It is {short_dtype(old)} in the dataset, and not each of its values would stay what it"
        " is. Wider types: i32 → i64, f32 → f64, whole numbers → f64, decimals with more digits.",
        "Leave the type out, or rewrite the dataset with --replace (in Python mode='replace').",
    )


def short_schema(targets: Mapping[str, Target]) -> dict[str, str]:
    """The columns with their short types."""
    return {name: target.word for name, target in targets.items()}


def changes(columns: Mapping[str, Target] | None, targets: Mapping[str, Target]) -> list[str]:
    """What a commit changes of the columns, a line each; nothing for a new table."""
    if columns is None:
        return []
    lines = [
        f"{name}: {short_dtype(column.dtype)} → gone"
        for name, column in columns.items()
        if name not in targets
    ]
    for name, target in targets.items():
        old = columns.get(name)
        if old is None:
            lines.append(f"{name}: new, {short_dtype(target.dtype)}")
        elif old.dtype != target.dtype:
            lines.append(f"{name}: {short_dtype(old.dtype)} → {short_dtype(target.dtype)}")
    return lines
