"""The rows of a table, as they are written again with wider columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..core.errors import Unprocessable
from .columnlabels import pii_of
from .conform import Target, fit
from .fitting import typed, unfit_rows
from .formats.columns import ROWS
from .rows import storage_options

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table


def rows_again(table: Table, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
    """All rows, block by block; a column that the table does not have yet is empty. Raises
    Unprocessable for a value that the wider type cannot keep as it is.
    """
    import polars as pl

    rows = pl.scan_iceberg(table, storage_options=storage_options(table))
    columns = rows.collect_schema()
    fits = [
        fit(name, columns[name], target, spelled=False, zone=None)
        for name, target in targets.items()
        if name in columns
    ]
    absent = [
        pl.lit(None, dtype=target.dtype).alias(name)
        for name, target in targets.items()
        if name not in columns
    ]
    for frame in rows.collect_batches(chunk_size=ROWS, engine="streaming"):
        fitting, bad = typed(frame, fits)
        if bad:
            (first,) = unfit_rows(frame[bad[:1]], [0], fits)
            word = targets[first.column].word
            value = first.values[first.column]
            shown = "a masked value" if _is_masked(table, first.column) else f"{value!r:.100}"
            raise Unprocessable(
                f"Column {first.column!r} cannot become {word}.",
                f"The dataset has {shown} in it, which {word} does not hold exactly.",
                "Give the new rows the type of the column, or rewrite the dataset with --replace"
                " (in Python mode='replace').",
            )
        yield fitting.with_columns(absent)[list(targets)]


def _is_masked(table: Table, column: str) -> bool:
    tagged = pii_of(table.metadata.properties)
    return any(field.field_id in tagged for field in table.schema().fields if field.name == column)
