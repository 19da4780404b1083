"""Rows that the store writes: added to the source of a view, or saved as a dataset of Feast."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from feast.errors import SavedDatasetLocationAlreadyExists

from ...core.errors import NotFound, Unprocessable
from ..arrow import from_mappings
from ..sources import SourceSpec, scan
from ..sources.datasets import catalog_of
from ..sources.delta import load_delta, open_table, table_path
from ..sources.iceberg import open_table as open_iceberg
from ..sources.storage import options_of
from .files import ParquetFiles

PANDAS_INDEX = "__index_level_"
"""What the columns are called in which pandas keeps the index of a frame; new rows have none."""


def append(source: SourceSpec, rows: pa.Table, repo: Path | None, *, view: str) -> None:
    """Add rows to a source: as one commit of its dataset or table, as one more file of its folder,
    or by writing its file anew.

    Raises Unprocessable if a column of the source is missing, a value does not fit its type, or the
    source cannot be written.
    """
    if source.snapshot is not None:
        raise Unprocessable(
            f"Rows cannot be added to the source of {view}.",
            f"It is read at snapshot {source.snapshot}, where they would never be seen.",
            "Give the view a source without a snapshot.",
        )
    if source.kind == "dataset":
        names = scan(replace(source, mapping={}), repo).collect_schema()
        fitting = _fitting(rows, names.to_frame().to_arrow().schema, view)
        catalog_of(source, repo).write(pl.DataFrame(pl.from_arrow(fitting)), into=source.name)
    elif source.kind == "parquet":
        files = ParquetFiles(source, repo)
        files.append(_fitting(rows, files.schema(), view))
    elif source.kind == "delta":
        from deltalake import write_deltalake

        table = open_table(source, repo)
        fitting = _fitting(rows, pa.schema(table.schema().to_arrow()), view)
        write_deltalake(table, fitting, mode="append")
    elif source.kind == "iceberg":
        iceberg = open_iceberg(source)
        iceberg.append(_fitting(rows, iceberg.schema().as_arrow(), view))
    else:
        raise _unwritable(source)


def save(source: SourceSpec, rows: pa.Table, repo: Path | None, *, overwrite: bool) -> None:
    """Write rows as the whole content of a file, a folder, a Delta table or a dataset.

    Raises SavedDatasetLocationAlreadyExists if it is there and may not be overwritten.
    """
    if source.kind == "dataset":
        catalog = catalog_of(source, repo)
        _refuse(source, overwrite, exists=catalog.fingerprint(source.name) is not None)
        catalog.write(pl.DataFrame(pl.from_arrow(rows)), into=source.name, mode="replace")
    elif source.kind == "parquet":
        files = ParquetFiles(source, repo)
        _refuse(source, overwrite, exists=files.exists)
        files.replace(rows)
    elif source.kind == "delta":
        _save_delta(source, rows, repo, overwrite=overwrite)
    else:
        raise _unwritable(source)


def _save_delta(source: SourceSpec, rows: pa.Table, repo: Path | None, *, overwrite: bool) -> None:
    load_delta(f"{source.name} is a Delta table.")
    from deltalake import write_deltalake

    try:
        open_table(source, repo)
        exists = True
    except NotFound:
        exists = False
    _refuse(source, overwrite, exists=exists)
    path, storage_options = table_path(source, repo), options_of(source)
    if exists:  # the columns may be others than before
        write_deltalake(
            path, rows, mode="overwrite", schema_mode="overwrite", storage_options=storage_options
        )
    else:
        write_deltalake(path, rows, storage_options=storage_options)


def _refuse(source: SourceSpec, overwrite: bool, *, exists: bool) -> None:
    if exists and not overwrite:
        raise SavedDatasetLocationAlreadyExists(location=source.name)


def _fitting(rows: pa.Table, schema: pa.Schema, view: str) -> pa.Table:
    """The rows with the columns and the types of the source, in its order. Times lose what is finer
    than the source keeps; every other value stays as it is.
    """
    absent = [name for name in schema.names if name not in rows.column_names]
    for name in [name for name in absent if name.startswith(PANDAS_INDEX)]:
        rows = rows.append_column(name, pa.nulls(rows.num_rows))
    if missing := [name for name in absent if name not in rows.column_names]:
        raise Unprocessable(
            f"The rows for {view} have no column {missing[0]}.",
            f"Its source has {', '.join(schema.names)}.",
            "Add the column.",
        )
    columns = []
    for field in schema:
        try:
            columns.append(_cast(rows[field.name], field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise Unprocessable(
                f"Column {field.name} of the rows for {view} does not fit.",
                f"It is {rows.schema.field(field.name).type}, the source has {field.type}: {error}",
                "Convert the column.",
            ) from error
    return pa.table(columns, schema=schema)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_map(kind):
        return from_mappings(column, kind)
    return column.cast(options=pc.CastOptions(kind, allow_time_truncate=True))


def _unwritable(source: SourceSpec) -> Unprocessable:
    return Unprocessable(
        f"{source.name} cannot be written.",
        "The Polars offline store writes datasets, Parquet files and Delta tables, and adds rows to"
        " Iceberg tables.",
        "Use one of these.",
    )
