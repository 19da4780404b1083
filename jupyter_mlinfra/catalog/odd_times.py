"""Values of frames in Python, whose dates and times are of the years 1 to 9999: Polars fails, or
panics, over others, which stand here as text. No other cell is lost for one of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..core.frames import unnamed
from .conform import in_range

if TYPE_CHECKING:
    import polars as pl

_BEYOND = "a time beyond the years 1 to 9999"
"""Of what even Polars cannot spell, such as infinity."""


def python_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, by column."""
    columns = [python_values(values) for values in frame.iter_columns()]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def python_values(values: pl.Series) -> list[Any]:
    """The values of a column."""
    values = unnamed(values)
    if not _is_odd(values):
        try:
            return values.to_list()
        except (ValueError, OverflowError):  # in another zone it is beyond them
            pass
    return _one_by_one(values)


def _is_odd(values: pl.Series) -> bool:
    """Whether any value, or value within it, is one that Python cannot hold."""
    import polars as pl

    dtype = values.dtype
    if isinstance(dtype, pl.Struct):
        return any(_is_odd(field) for field in _fields(values).values())
    if isinstance(dtype, pl.List | pl.Array):
        return _has_times(dtype) and _is_odd(values.drop_nulls().explode())
    if isinstance(dtype, pl.Date | pl.Datetime):
        column = pl.col("")
        return not values.to_frame().select((in_range(column) | column.is_null()).all()).item()
    return False


def _fields(values: pl.Series) -> dict[str, pl.Series]:
    """Those of a struct, by name."""
    columns = values.struct.unnest().iter_columns()
    return {field.name: unnamed(field) for field in columns}


def _has_times(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> bool:
    import polars as pl

    if isinstance(dtype, pl.Struct):
        return any(_has_times(field.dtype) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _has_times(dtype.inner)
    return isinstance(dtype, pl.Date | pl.Datetime)


def _one_by_one(values: pl.Series) -> list[Any]:
    import polars as pl

    dtype = values.dtype
    if isinstance(dtype, pl.Struct):
        fields = {name: python_values(field) for name, field in _fields(values).items()}
        rows = zip(*fields.values(), strict=True)
        return [
            dict(zip(fields, row, strict=True)) if present else None
            for row, present in zip(rows, values.is_not_null(), strict=True)
        ]
    if isinstance(dtype, pl.List | pl.Array):
        return [None if part is None else python_values(part) for part in values]
    return [_alone(values[place : place + 1]) for place in range(len(values))]


def _alone(value: pl.Series) -> Any:
    """One date, time or duration."""
    try:
        return value.item() if not _is_odd(value) else _spelled(value)
    except (ValueError, OverflowError):
        return _spelled(value)


def _spelled(value: pl.Series) -> str:
    import polars as pl

    if isinstance(value.dtype, pl.Duration):
        return str(value.dt.to_string("iso").item())
    if value.dt.year().null_count():
        return _BEYOND
    return re.sub(r"\.0+(?!\d)", "", value.cast(pl.String).item())
