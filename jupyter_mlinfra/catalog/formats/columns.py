"""Columns of Arrow, as Parquet and Arrow files have them, in Polars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from ...core.frames import empty_table

if TYPE_CHECKING:
    import polars as pl

ROWS = 1 << 17
"""Rows of a block."""

MOST_DIGITS = 38
"""Of a decimal number in Polars; Arrow has wider ones."""

AGAIN_FIX = "Write the file again with another type or without the column; nothing was committed."


def frame_of(batch: Any, names: list[str], file: str) -> pl.DataFrame:
    """The rows of an Arrow batch, one column after the other. Raises Unprocessable as `column_of`
    does.
    """
    import polars as pl

    parts = [column_of(batch.select([index]), name, file) for index, name in enumerate(names)]
    return pl.concat(parts, how="horizontal") if parts else pl.DataFrame()


def dtypes_of(schema: Any, names: list[str], file: str) -> dict[str, pl.DataType]:
    """The columns of an Arrow schema in the types of Polars."""
    empty = empty_table(schema)
    return {
        name: column_of(empty.select([index]), name, file).dtypes[0]
        for index, name in enumerate(names)
    }


def column_of(part: Any, name: str, file: str) -> pl.DataFrame:
    """One column of a file. Raises Unprocessable for values that are not of its type, and for a
    type that Polars lacks.
    """
    import polars as pl
    import pyarrow as pa
    from polars.exceptions import PanicException, PolarsError

    try:
        part.validate(full=True)  # text that is not UTF-8 would be found much later, or never
        values = part.column(0)
        plain = _plain(values)
        named = part.rename_columns([name]) if plain is values else pa.table({name: plain})
        return pl.DataFrame(pl.from_arrow(named))
    except (pa.ArrowException, PolarsError, PanicException, ValueError) as error:
        raise unreadable_column(
            name, file, first_line(error), part.schema.field(0).type, AGAIN_FIX
        ) from error


def _plain(values: Any) -> Any:
    """Values in a layout that Polars knows: without runs, views of lists, and what an extension
    says of them beyond their storage.
    """
    import pyarrow as pa
    from pyarrow import compute

    dtype = values.type
    if pa.types.is_decimal256(dtype) and dtype.precision <= MOST_DIGITS:
        return values.cast(pa.decimal128(dtype.precision, dtype.scale))
    is_extension, is_run = (
        isinstance(dtype, pa.BaseExtensionType),
        pa.types.is_run_end_encoded(dtype),
    )
    is_view = pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype)
    if not (is_extension or is_run or is_view):
        return values
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if is_extension:
        return _plain(values.storage)
    return _plain(compute.run_end_decode(values)) if is_run else _lists_of(values)


def _lists_of(views: Any) -> Any:
    """Views of lists, which may overlap or lie in any order, as lists one behind the other."""
    import numpy as np
    import pyarrow as pa

    sizes = np.where(views.is_valid(), views.sizes, 0).astype(np.int64)
    ends = np.cumsum(sizes)
    places = np.repeat(np.asarray(views.offsets) - (ends - sizes), sizes) + np.arange(sizes.sum())
    offsets = pa.array(np.concatenate([[0], ends]), pa.int64())
    inner = views.values.take(pa.array(places))
    return pa.LargeListArray.from_arrays(offsets, inner, mask=views.is_null())


def unreadable_column(
    name: str, file: str, why: str, arrow_type: object, fix: str
) -> Unprocessable:
    """The error for a column that cannot be read."""
    return Unprocessable(
        f"Column {name!r} of {file} cannot be read.",
        f"{why}. Its type in the file is {arrow_type}.",
        fix,
    )


def arrow_errors() -> tuple[type[BaseException], ...]:
    """The exceptions that PyArrow raises for a file."""
    import pyarrow as pa

    return (pa.ArrowException, OSError)


def first_line(error: BaseException) -> str:
    """A library's message without its hints, and a Rust panic without the frame around its
    words.
    """
    text = str(error).partition("\n")[0]
    if message := re.search(r'ErrString\("(.*)', text):
        text = message[1].partition("\\n")[0]
    return text.strip().rstrip('."')[:300]
