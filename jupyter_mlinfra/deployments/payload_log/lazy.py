"""The payload log as a lazy frame: read file by file when it is collected, never as a whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .frames import SHADOW, UNIQUE, facts_of, frame_of, read_parquet
from .journals import JournalRows, journals
from .merging import compacted_files, compacted_names
from .parts import parts

if TYPE_CHECKING:
    import polars as pl

_ALWAYS = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def lazy(folder: Path) -> pl.LazyFrame:
    """The rows as `scan` gives them, each once, in the order of the files. One file is in memory at
    a time, beside what is asked for; a limit stops the reading.
    """
    from polars.io.plugins import register_io_source

    schema = _schema(folder)

    def source(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        most: int | None,
        _batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        left = most
        for part in parts(folder, *_ALWAYS):
            rows = _aligned(part.rows, schema)
            if predicate is not None:
                rows = rows.filter(predicate)
            if columns is not None:
                rows = rows.select(columns)
            if left is not None:
                rows = rows.head(left)
                left -= rows.height
            yield rows
            if left == 0:
                return

    return register_io_source(source, schema=schema)


def _schema(folder: Path) -> pl.Schema:
    """The columns of all files: one answered row of each version and form is looked at."""
    import polars as pl

    some, seen = [frame_of(JournalRows())], set[tuple[str, ...]]()
    some += [frame_of(rows).head(0) for rows in journals(folder, None, compacted_names(folder))]
    for file in compacted_files(folder, None):
        with contextlib.suppress(OSError, ValueError, pl.exceptions.PolarsError):
            facts = facts_of(file)
            form = tuple(facts.get(name, "") for name in ("names", "categories", "types"))
            key = (file.name.partition("-")[0], *form)
            if key in seen:
                continue
            found = read_parquet(file, pl.col("status") < 400, most=1)
            some.append(found.head(0))
            if found.height:
                seen.add(key)
    return pl.concat(some, how="diagonal_relaxed").drop(UNIQUE, SHADOW).schema


def _aligned(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    import polars as pl

    return rows.select(
        (
            pl.col(name).cast(dtype, strict=False) if name in rows.columns else pl.lit(None, dtype)
        ).alias(name)
        for name, dtype in schema.items()
    )
