"""The profile of a snapshot in three tiers: from file statistics, a sample, or all rows. It is
computed once, because a snapshot never changes.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import MLInfraError
from ..core.files import write_atomic
from ..core.records import Number, to_json
from .integrity import check
from .names import DatasetName
from .profiling import Written, counts, from_files, from_rows, merged, of_column
from .rows import scan, with_columns_of
from .spec import ColumnProfile, Dataset, Profile

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table

Tier = Literal["footer", "sample", "exact"]
TIERS: tuple[Tier, ...] = ("footer", "sample", "exact")
_CHEAP_FACTOR = 20
_BLOCKS = 32


def profile(
    load: Callable[[], Table],
    dataset: Dataset,
    types: Mapping[str, str],
    *,
    tier: Tier,
    sample_rows: int,
    folder: Path,
) -> Profile:
    """Statistics of every column of `dataset`'s snapshot; read from `folder` if they were computed
    before.

    load: opens the table, if rows or files are needed. types: short words by column. sample_rows: a
    table with at most this many rows is read whole, and its sample tier is exact.
    """
    size = f"-{sample_rows}" if tier == "sample" else ""
    path = folder / dataset.name / f"{dataset.snapshot}-{tier}{size}.json"
    # Absent, or of an older version: compute it again.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return _read(json.loads(path.read_bytes()))
    started = time.perf_counter()
    columns = _columns(load(), dataset, types, tier, sample_rows)
    result = Profile(
        ref=dataset.ref,
        snapshot=dataset.snapshot,
        tier=tier,
        rows=dataset.rows,
        seconds=time.perf_counter() - started,
        columns=columns,
    )
    # A full disk costs the next reader some time, but not this one the answer.
    with contextlib.suppress(MLInfraError):
        write_atomic(path, json.dumps(to_json(result)).encode())
    return result


def _columns(
    table: Table, dataset: Dataset, types: Mapping[str, str], tier: Tier, sample_rows: int
) -> list[ColumnProfile]:
    if dataset.snapshot is None:
        return [of_column(name, types) for name in types]
    name = DatasetName.parse(f"{dataset.name}@{dataset.snapshot}")
    total = int(dataset.rows.value or 0)
    if tier == "footer":
        return _footer(table, name, types)
    rows = scan(table, name)
    if tier == "exact" or total <= sample_rows:
        check(table, name)
        if total <= sample_rows:
            rows = rows.collect(
                engine="streaming"
            ).lazy()  # few rows: each column would scan all files
        return from_rows(rows, types, basis="exact", rows=total)
    part = _sample(rows, total, sample_rows, seed=name.snapshot or 0)
    return merged(
        from_rows(part.lazy(), types, basis="sample", rows=part.height), _footer(table, name, types)
    )


def _footer(table: Table, name: DatasetName, types: Mapping[str, str]) -> list[ColumnProfile]:
    table_scan = with_columns_of(table, name).scan(snapshot_id=name.snapshot)
    tasks = list(table_scan.plan_files())
    files, schema = [task.file for task in tasks], table_scan.projection()
    complete = all(counts(file, field.field_id) for file in files for field in schema.fields)
    written = {} if complete else _columns_when_written(table, name)
    return from_files(
        files, schema, types, written=written, deletes=any(task.delete_files for task in tasks)
    )


def _columns_when_written(table: Table, name: DatasetName) -> Written:
    """The columns that the table had when each file was added, for files whose snapshot still
    exists.
    """
    snapshot = table.snapshot_by_id(name.snapshot or 0)
    schemas = {
        number: {field.field_id for field in schema.fields}
        for number, schema in table.schemas().items()
    }
    columns = {
        item.snapshot_id: schemas[item.schema_id]
        for item in table.snapshots()
        if item.schema_id in schemas
    }
    entries = [
        entry
        for manifest in (snapshot.manifests(table.io) if snapshot else [])
        for entry in manifest.fetch_manifest_entry(table.io)
    ]
    return {
        entry.data_file.file_path: columns[entry.snapshot_id]
        for entry in entries
        if entry.snapshot_id in columns
    }


def _sample(rows: pl.LazyFrame, total: int, size: int, *, seed: int) -> pl.DataFrame:
    """About `size` of `total` rows; the same snapshot gives the same ones.

    Random rows if reading all is cheap; otherwise blocks, one from each stretch of the table, so
    that most of it is not read.
    """
    import polars as pl

    if total <= _CHEAP_FACTOR * size:
        row_number = pl.col("\0row")
        chosen = row_number.hash(seed) < pl.lit(int(size / total * 2**64), dtype=pl.UInt64)
        return rows.with_row_index("\0row").filter(chosen).drop("\0row").collect(engine="streaming")
    generator = random.Random(seed)  # noqa: S311 (no secret)
    stretch, length = total / _BLOCKS, size // _BLOCKS
    starts = [
        int(row_number * stretch + generator.random() * (stretch - length))
        for row_number in range(_BLOCKS)
    ]
    # One by one: each decompresses a row group.
    return pl.concat([rows.slice(start, length).collect() for start in starts])


def _read(document: dict[str, Any]) -> Profile:
    columns = [_column(**column) for column in document.pop("columns")]
    return Profile(rows=Number(**document.pop("rows")), columns=columns, **document)


def _column(
    *, name: str, type: str, shape: list[int], **numbers: Mapping[str, Any]
) -> ColumnProfile:
    return of_column(
        name,
        {name: type},
        shape=shape,
        **{key: Number(**number) for key, number in numbers.items()},
    )
