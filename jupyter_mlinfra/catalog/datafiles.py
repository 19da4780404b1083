"""Data files of a commit: Parquet with Iceberg's field ids, written block by block to their final
place, or deleted again.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .integrity import Hashing
from .partitioned import Partitioning

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.typedef import Record

_ROW_GROUP = 1 << 17
_FILE_BYTES = 512 << 20
_BUFFERED_BYTES = 64 << 20
"""Rows of a partitioned table that are split at once: each partition gets a row group of them."""

_TIMES = ("DATE", "TIMESTAMP")
"""Parquet's names of types that hold more than Python does."""

_OPEN = 64
"""Files that are written at the same time, one for each partition."""


class DataFiles:
    """The files that one attempt writes into a table's folder; no reader sees them before the
    commit. making: called with the location of each before it is made.
    """

    def __init__(
        self, io: FileIO, metadata: TableMetadata, *, making: Callable[[str], object] = lambda _: _
    ) -> None:
        from pyiceberg.io.pyarrow import schema_to_pyarrow
        from pyiceberg.table.locations import load_location_provider

        self.rows = 0
        self.checksums: dict[str, str] = {}
        """SHA-256 by location, of complete files."""
        self._io = io
        self._metadata = metadata
        self._making = making
        self._partitions = Partitioning(metadata)
        self._schema: Any = schema_to_pyarrow(metadata.schema(), include_field_ids=True)
        self._locations = load_location_provider(metadata.location, metadata.properties)
        self._paths: dict[str, Record] = {}
        self._buffered: list[pl.DataFrame] = []
        self._open: dict[Record, _Open] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Write rows; a row group is filled before it is written."""
        self.rows += frame.height
        self._buffered.append(frame)
        if sum(part.height for part in self._buffered) >= _ROW_GROUP and (
            self._partitions.is_single
            or sum(part.estimated_size() for part in self._buffered) >= _BUFFERED_BYTES
        ):
            self._flush()

    def close(self) -> list[DataFile]:
        """Finish the last files; returns what the commit needs to know about each, including
        statistics.
        """
        self._flush()
        for partition in list(self._open):
            self._finish(partition)
        return [_data_file(self._io, self._metadata, *item) for item in self._paths.items()]

    def discard(self) -> None:
        """Delete every file. One that cannot be deleted stays invisible, because no snapshot names
        it.
        """
        for partition in list(self._open):
            with contextlib.suppress(Exception):
                self._finish(partition)
        for path in self._paths:
            with contextlib.suppress(Exception):
                self._io.delete(path)

    def _flush(self) -> None:
        import polars as pl

        if not sum(part.height for part in self._buffered):
            return
        block = pl.concat(self._buffered)[self._schema.names]
        self._buffered.clear()
        for partition, rows in self._partitions.split(block):
            file = self._open.pop(partition, None) or self._new(partition)
            self._open[partition] = file  # the least recent one is the first
            file.write(rows)
            if file.bytes >= _FILE_BYTES:
                self._finish(partition)
            elif len(self._open) > _OPEN:
                self._finish(next(iter(self._open)))

    def _new(self, partition: Record) -> _Open:
        folder = self._partitions.folder(partition)
        name = f"{folder}00000-{len(self._paths)}-{uuid.uuid4()}.parquet"
        path = self._locations.new_data_location(name)
        self._making(path)
        self._paths[path] = partition
        return _Open(path, Hashing(self._io.new_output(path).create()), self._schema)

    def _finish(self, partition: Record) -> None:
        file = self._open.pop(partition)
        self.checksums[file.path] = file.close()


class _Open:
    """A file that is being written."""

    def __init__(self, path: str, stream: Hashing, schema: Any) -> None:
        from pyarrow import parquet

        self.path = path
        self._stream, self._schema = stream, schema
        self._writer = parquet.ParquetWriter(stream, schema, compression="zstd")

    @property
    def bytes(self) -> int:
        return self._stream.tell()

    def write(self, rows: pl.DataFrame) -> None:
        table = rows.to_arrow().cast(self._schema)
        self._writer.write_table(table, row_group_size=rows.height)

    def close(self) -> str:
        """Returns its checksum."""
        self._writer.close()
        self._stream.close()
        return self._stream.checksum


def _data_file(io: FileIO, metadata: TableMetadata, path: str, partition: Record) -> DataFile:
    """What a commit needs to know of a file. pyiceberg's own function guesses the partition from
    the values, which it cannot for all transforms.
    """
    from pyarrow import parquet
    from pyiceberg.io.pyarrow import (
        MetricModeTypes,
        MetricsMode,
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

    file = io.new_input(path)
    with file.open() as stream:
        footer = parquet.read_metadata(stream)
    plan = compute_statistics_plan(metadata.schema(), metadata.properties)
    ids = parquet_path_to_id_mapping(metadata.schema())
    counts = MetricsMode(MetricModeTypes.COUNTS)
    plan |= {ids[name]: replace(plan[ids[name]], mode=counts) for name in _without_bounds(footer)}
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=footer, stats_columns=plan, parquet_column_mapping=ids
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=partition,
        file_size_in_bytes=len(file),
        sort_order_id=None,
        spec_id=metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def _without_bounds(footer: Any) -> set[str]:
    """The columns with times that Python does not know, of which PyArrow gives no bounds."""
    columns = enumerate(footer.schema.column(place) for place in range(footer.num_columns))
    times = [place for place, column in columns if column.logical_type.type in _TIMES]
    found = set()
    for group in range(footer.num_row_groups):
        for place in times:
            column = footer.row_group(group).column(place)
            said = column.statistics
            try:
                if said is not None and said.has_min_max:
                    _ = said.min, said.max
            except (OverflowError, ValueError):
                found.add(column.path_in_schema)
    return found
