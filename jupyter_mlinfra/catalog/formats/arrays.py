"""Arrays of one size in Parquet, such as embeddings: PyArrow writes missing ones and cannot read
them again, so Polars reads such columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any


def arrays_with_gaps(file: Any) -> list[str]:
    """The columns of a Parquet file of PyArrow that are such arrays, of which some are missing."""
    import pyarrow as pa

    metadata, names = file.metadata, Counter(file.schema_arrow.names)
    arrays = {
        field.name
        for field in file.schema_arrow
        if pa.types.is_fixed_size_list(field.type) and names[field.name] == 1
    }
    leaves = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
    places = [number for number, path in enumerate(leaves) if path.split(".")[0] in arrays]
    found = {
        leaves[place].split(".")[0]
        for place in places
        if any(_has_gaps(metadata.row_group(group).column(place)) for group in _groups(metadata))
    }
    return [name for name in file.schema_arrow.names if name in found]


def _groups(metadata: Any) -> range:
    return range(metadata.num_row_groups)


def _has_gaps(column: Any) -> bool:
    """Whether it may have some; a missing element of an array counts too."""
    said = column.statistics
    return said is None or not said.has_null_count or said.null_count > 0


def with_arrays(
    batch: Any, path: Path, names: Collection[str], header: list[str], done: int
) -> Any:
    """The rows with these columns, which they lack. done: rows of the file before them."""
    import polars as pl

    rows = pl.scan_parquet(path, glob=False).select(pl.col(list(names)))
    part = rows.slice(done, batch.num_rows).collect()
    for name in names:
        batch = batch.add_column(header.index(name), name, part[name].to_arrow())
    return batch
