"""The rows and columns of files and Delta tables where they are."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import Unavailable, Unprocessable
from ...core.frames import asked_for, conditions, exactly
from ...core.imports import fix_of_missing
from ..conform import Target
from ..dtypes import short_dtype
from ..formats.columns import MOST_DIGITS
from ..formats.late_times import late_times, late_times_within
from ..hive import Values, typed_values
from ..intake import FileRows
from ..names import DatasetName
from ..options import refuse_in_place
from ..reading import Reading
from ..scanned import Scanned, scans
from ..sources import open_sources
from ..uuids import in_parquet, with_text
from .divided import divided_rows, folder_values
from .explained import explained_files
from .placed import DELTA, Found, Place

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
            columns = dict(parquet_rows(files, place).collect_schema())
            _refuse_wide_decimals(columns, place)
            # Within lists and structs too; whether there are any is told by the files.
            if any("Time" in str(dtype) for dtype in columns.values()):
                _refuse_late_times(files, place)
            return columns
        schema: Mapping[str, pl.DataType] = {}
        values = folder_values(place.location, files)
        with place.here(files) as paths:
            found = dict(zip(paths, (values[file.place] for file in files), strict=True))
            for frame in read_text(project, found, reading, None):
                schema = dict(frame.schema)
        return schema


def _refuse_wide_decimals(columns: Mapping[str, pl.DataType], place: Place) -> None:
    """Raise Unprocessable for a type that a file can have, and that Polars reads in no frame."""
    import polars as pl

    for name, dtype in columns.items():
        if isinstance(dtype, pl.Decimal) and (dtype.precision or 0) > MOST_DIGITS:
            raise Unprocessable(
                f"Column {name!r} of {place.location} cannot be read.",
                f"Its decimal numbers have {dtype.precision} digits; {MOST_DIGITS} are the most.",
                "Write the file again with another type or without the column.",
            )


def _refuse_late_times(files: Sequence[Found], place: Place) -> None:
    """Raise Unprocessable for a time of day that would be read as missing."""
    from pyarrow import parquet

    for file in files:
        with place.opened(file) as source, parquet.ParquetFile(source) as opened:
            for column in sorted(late_times(opened)):
                raise Unprocessable(
                    f"Column {column!r} of {file.place} has times such as 24:00:00.",
                    "They are no times of day to those who read it, and would be missing.",
                    "Ingest the file: rows with such a time go to quarantine, with their values.",
                )
            for field in sorted(late_times_within(opened)):
                raise Unprocessable(
                    f"Field {field!r} of {file.place} has times such as 24:00:00.",
                    "They are no times of day to those who read it, and would be missing.",
                    "Write the file again with another type for this field, such as text.",
                )


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

    rows = divided_rows(files, place)
    schema = rows.collect_schema()
    if not any(dtype == pl.Binary() or dtype.is_nested() for dtype in schema.dtypes()):
        return rows
    with place.opened(files[0]) as source, parquet.ParquetFile(source) as file:
        names = file.schema_arrow.names
        return with_text(rows, in_parquet(file.schema, {name: schema[name] for name in names}))


def delta_rows(
    place: Place,
    note: Callable[[Any], object] = lambda _: None,
    *,
    name: DatasetName | None = None,
    version: int | None = None,
) -> pl.LazyFrame:
    """The rows of a Delta table at a version, as it is now if None, read when they are asked for.
    note: see `core.deltas.delta_frame`. name: in errors about a version. Raises NotFound for a
    version that cannot be read any more.
    """
    try:
        from ...core.deltas import delta_frame
        from .versions import opened

        return delta_frame(opened(name or DatasetName("", ""), place, version), note)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"The Delta table {place.location} cannot be read.",
            "deltalake is not installed.",
            fix_of_missing("deltalake"),
        ) from error


def delta_bytes(place: Place, version: int | None = None) -> int | None:
    """The size of the data files that a Delta table has at a version, or now; None if it cannot be
    read.
    """
    import polars as pl

    try:
        from deltalake import DeltaTable

        table = DeltaTable(place.location, version=version, storage_options=place.options)
        files = pl.DataFrame(table.get_add_actions(flatten=True))
        return int(files["size_bytes"].sum())
    except Exception:  # noqa: BLE001 its rows say why; a list must not fail for one size
        return None


def text_rows(
    project: Project, registered: Registered, place: Place, files: Sequence[Found]
) -> pl.LazyFrame:
    """Rows of files of text, read when they are asked for; of files in folders that are values only
    those that a condition on them does not rule out.
    """
    from polars.io.plugins import register_io_source

    schema = _schema(registered.schema)
    values = folder_values(place.location, files)
    types = {name: short_dtype(schema[name]) for name in values[files[0].place] if name in schema}
    reading = Reading(**registered.reading)
    reading = replace(reading, types={**types, **reading.types})
    place = place.alone()

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = _not_ruled_out(files, values, schema, predicate)
        with place.here(wanted) as paths:
            found = dict(zip(paths, (values[file.place] for file in wanted), strict=True))
            frames = read_text(project, found, reading, schema, registered.personal)
            yield from asked_for(frames, columns, predicate, most)

    scans.note(Scanned(ref=registered.name.ref, root=project.root, function=read))
    return register_io_source(read, schema=schema)


def _not_ruled_out(
    files: Sequence[Found],
    values: Mapping[str, Values],
    schema: Mapping[str, pl.DataType],
    predicate: pl.Expr | None,
) -> Sequence[Found]:
    """The files whose folders fulfil what a condition says of them."""
    import polars as pl

    names = [name for name in values[files[0].place] if name in schema]
    said = [part for part in conditions(predicate) if set(part.meta.root_names()) <= {*names}]
    if not said:
        return files
    known = Reading(types={name: short_dtype(schema[name]) for name in names})
    of_files = pl.DataFrame(
        [typed_values(name, [values[file.place][name] for file in files], known) for name in names]
    )
    kept = of_files.with_row_index("\0").filter(said)["\0"]
    return [files[number] for number in kept]


def read_text(
    project: Project,
    files: Mapping[Path, Values],
    reading: Reading,
    schema: Mapping[str, pl.DataType] | None,
    masked: Collection[str] = (),
) -> Iterator[pl.DataFrame]:
    """The rows of files of text as an ingest reads them. files: with the values of their folders.
    schema: the columns; None to guess them. A row that does not fit is an error, since there is no
    quarantine for what is not written; it tells no value of `masked` columns.
    """
    if not files:
        return
    reading, scratch = replace(reading, max_bad=0), project.folder("staging")
    with open_sources(list(files), reading, scratch, files.__getitem__) as sources:
        rows = FileRows(sources, reading)
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
