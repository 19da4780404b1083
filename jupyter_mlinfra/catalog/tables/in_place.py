"""The rows and columns of files and Delta tables where they are."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core import parquets
from ...core.errors import Unavailable
from ...core.frames import exactly
from ...core.imports import fix_of_missing
from ..conform import Target
from ..intake import FileRows
from ..options import refuse_in_place
from ..reading import Reading
from ..scanned import Scanned, scans
from ..sources import open_sources
from ..uuids import in_parquet, with_text
from .placed import DELTA, Found, Place, explained_files

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ..registrations import Registered


def schema_of(
    project: Project, kind: str, place: Place, reading: Reading
) -> Mapping[str, pl.DataType]:
    """The columns of what is to be registered. Files of text are read as a whole: raises
    Unprocessable for a row that does not fit, and BadRequest for an option that these files do not
    take.
    """
    if kind in (DELTA, "parquet"):
        refuse_in_place(reading, kind)
    with explained_files(place.location):
        if kind == DELTA:
            return dict(delta_rows(place).collect_schema())
        files = place.files(kind)
        if kind == "parquet":
            return dict(parquet_rows(files, place).collect_schema())
        schema: Mapping[str, pl.DataType] = {}
        with place.here(files) as paths:
            for frame in read_text(project, paths, reading, None):
                schema = dict(frame.schema)
        return schema


def facts_of(kind: str, place: Place) -> tuple[int | None, datetime]:
    """Bytes of the table as it is now, if that can be known, and when it changed last."""
    found = place.files(kind)
    size = delta_bytes(place) if kind == DELTA else sum(file.bytes for file in found)
    return size, datetime.fromtimestamp(max(file.changed for file in found), UTC)


def parquet_rows(files: Sequence[Found], place: Place) -> pl.LazyFrame:
    """The rows of Parquet files, read when they are asked for, with the columns of all files; text
    for columns that the first file marks as UUIDs. Raises Unprocessable if no type holds the values
    of a column in all files.
    """
    import polars as pl
    from pyarrow import parquet

    rows = parquets.parquet_rows({file.place: file.mark for file in files}, options=place.options)
    if pl.Binary() not in rows.collect_schema().dtypes():
        return rows
    with place.opened(files[0]) as source, parquet.ParquetFile(source) as file:
        return with_text(rows, in_parquet(file.schema, file.schema_arrow.names))


def delta_rows(place: Place, note: Callable[[Any], object] = lambda _: None) -> pl.LazyFrame:
    """The rows of a Delta table as it is now, read when they are asked for. note: see
    `core.deltas.delta_frame`.
    """
    try:
        from deltalake import DeltaTable

        from ...core.deltas import delta_frame

        return delta_frame(DeltaTable(place.location, storage_options=place.options), note)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"The Delta table {place.location} cannot be read.",
            "deltalake is not installed.",
            fix_of_missing("deltalake"),
        ) from error


def delta_bytes(place: Place) -> int | None:
    """The size of the data files that a Delta table has now; None if it cannot be read."""
    import polars as pl

    try:
        from deltalake import DeltaTable

        table = DeltaTable(place.location, storage_options=place.options)
        files = pl.DataFrame(table.get_add_actions(flatten=True))
        return int(files["size_bytes"].sum())
    except Exception:  # noqa: BLE001 its rows say why; a list must not fail for one size
        return None


def text_rows(
    project: Project, registered: Registered, place: Place, files: Sequence[Found]
) -> pl.LazyFrame:
    """Rows of files of text, read when they are asked for."""
    from polars.io.plugins import register_io_source

    reading, schema = Reading(**registered.reading), _schema(registered.schema)
    place = place.alone()

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        with place.here(files) as paths:
            for frame in read_text(project, paths, reading, schema, registered.personal):
                part = frame if columns is None else frame.select(map(exactly, columns))
                part = part if predicate is None else part.filter(predicate)
                if most is not None:
                    part, most = part.head(most), most - min(most, part.height)
                yield part
                if most == 0:
                    return

    scans.note(Scanned(ref=registered.name.ref, root=project.root, function=read))
    return register_io_source(read, schema=schema)


def read_text(
    project: Project,
    files: Sequence[Path],
    reading: Reading,
    schema: Mapping[str, pl.DataType] | None,
    masked: Collection[str] = (),
) -> Iterator[pl.DataFrame]:
    """The rows of files of text as an ingest reads them. schema: the columns; None to guess them. A
    row that does not fit is an error, since there is no quarantine for what is not written; it
    tells no value of `masked` columns.
    """
    with open_sources(files, replace(reading, max_bad=0), project.folder("staging")) as sources:
        rows = FileRows(sources, replace(reading, max_bad=0))
        rows.quarantine.masked = masked
        known = {name: Target(dtype) for name, dtype in schema.items()} if schema else None
        targets = rows.plan(known)
        for frame in rows.frames(targets):
            yield frame if schema is None else frame.select(map(exactly, schema))


def encoded(schema: Mapping[str, pl.DataType]) -> str:
    """A schema as `Registered` keeps it."""
    import polars as pl

    arrow = pl.DataFrame(schema=dict(schema)).to_arrow().schema
    return base64.b64encode(arrow.serialize().to_pybytes()).decode()


def _schema(text: str) -> dict[str, pl.DataType]:
    import polars as pl
    import pyarrow as pa

    arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
    return dict(pl.DataFrame(pl.from_arrow(arrow.empty_table())).schema)
