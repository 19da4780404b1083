"""Data files of a commit: Parquet with Iceberg's field ids, written block by block to their final
place, or deleted again.
"""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

from .integrity import Hashing

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.table.metadata import TableMetadata

_ROW_GROUP = 1 << 17
_FILE_BYTES = 512 << 20


class DataFiles:
    """The files that one attempt writes into a table's folder; no reader sees them before the
    commit.
    """

    def __init__(self, io: FileIO, metadata: TableMetadata) -> None:
        from pyiceberg.io.pyarrow import schema_to_pyarrow
        from pyiceberg.table.locations import load_location_provider

        self.rows = 0
        self.checksums: dict[str, str] = {}
        """SHA-256 by location, of complete files."""
        self._io = io
        self._metadata = metadata
        self._schema: Any = schema_to_pyarrow(metadata.schema(), include_field_ids=True)
        self._locations = load_location_provider(metadata.location, metadata.properties)
        self._paths: list[str] = []
        self._buffered: list[pl.DataFrame] = []
        self._writer: Any = None
        self._stream: Any = None

    def add(self, frame: pl.DataFrame) -> None:
        """Write rows; a row group is filled before it is written."""
        self.rows += frame.height
        self._buffered.append(frame)
        if sum(part.height for part in self._buffered) >= _ROW_GROUP:
            self._flush()

    def close(self) -> list[DataFile]:
        """Finish the last file; returns what the commit needs to know about each, including
        statistics.
        """
        from pyiceberg.io.pyarrow import parquet_file_to_data_file

        self._flush()
        self._close_file()
        return [parquet_file_to_data_file(self._io, self._metadata, path) for path in self._paths]

    def discard(self) -> None:
        """Delete every file. One that cannot be deleted stays invisible, because no snapshot names
        it.
        """
        with contextlib.suppress(Exception):
            self._close_file()
        for path in self._paths:
            with contextlib.suppress(Exception):
                self._io.delete(path)

    def _flush(self) -> None:
        import polars as pl

        if not sum(part.height for part in self._buffered):
            return
        block = pl.concat(self._buffered)[self._schema.names]
        self._buffered.clear()
        if self._writer is None:
            self._open_file()
        self._writer.write_table(block.to_arrow().cast(self._schema), row_group_size=block.height)
        if self._stream.tell() >= _FILE_BYTES:
            self._close_file()

    def _open_file(self) -> None:
        from pyarrow import parquet

        path = self._locations.new_data_location(f"00000-{len(self._paths)}-{uuid.uuid4()}.parquet")
        self._paths.append(path)
        self._stream = Hashing(self._io.new_output(path).create())
        self._writer = parquet.ParquetWriter(self._stream, self._schema, compression="zstd")

    def _close_file(self) -> None:
        writer, stream = self._writer, self._stream
        self._writer = self._stream = None
        if writer is not None:
            writer.close()
            stream.close()
            self.checksums[self._paths[-1]] = stream.checksum
