"""Tables of format version 3 in which another engine deleted rows by deletion vectors, which
pyiceberg reads and does not write. Sources: https://iceberg.apache.org/spec/#deletion-vectors and
https://iceberg.apache.org/puffin-spec/
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.typedef import Record
from pyroaring import BitMap
from sqlalchemy import update
from sqlalchemy.orm import Session

_MAGIC = bytes((0xD1, 0xD3, 0x39, 0x64))


@dataclass(frozen=True, slots=True)
class Blob:
    """Where a vector is in its file, and how many rows it deletes."""

    offset: int
    length: int
    rows: int


def puffin(vectors: Mapping[str, Sequence[int]]) -> tuple[bytes, dict[str, Blob]]:
    """A Puffin file with one deletion vector for each data file: its bytes, and where each is."""
    content, blobs, found = b"PFA1", [], {}
    for path, positions in vectors.items():
        bitmap = (1).to_bytes(8, "little") + bytes(4) + BitMap(positions).serialize()
        body = _MAGIC + bitmap
        blob = len(body).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        found[path] = Blob(len(content), len(blob), len(positions))
        blobs.append(
            {
                "type": "deletion-vector-v1",
                "fields": [2147483545],
                "snapshot-id": -1,
                "sequence-number": -1,
                "offset": len(content),
                "length": len(blob),
                "properties": {
                    "referenced-data-file": path,
                    "cardinality": str(len(positions)),
                },
            }
        )
        content += blob
    footer = json.dumps({"blobs": blobs, "properties": {}}).encode()
    end = len(footer).to_bytes(4, "little") + bytes(4) + b"PFA1"
    return content + b"PFA1" + footer + end, found


class _Writer(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def version(self) -> Any:
        return 3

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}

    def new_writer(self) -> AvroOutputFile[ManifestEntry]:
        schema = self._with_partition(3)
        return AvroOutputFile[ManifestEntry](
            output_file=self._output_file,
            file_schema=schema,
            record_schema=schema,
            schema_name="manifest_entry",
            metadata=self._meta,
        )


class _Deletes(_FastAppendFiles):
    def _manifests(self) -> list[ManifestFile]:
        metadata = self._transaction.table_metadata
        writer = _Writer(
            metadata.spec(), self.schema(), self.new_manifest_output(), self._snapshot_id, "gzip"
        )
        with writer:
            for file in self._added_data_files:
                writer.add_entry(
                    ManifestEntry.from_args(
                        _table_format_version=3,
                        status=ManifestEntryStatus.ADDED,
                        snapshot_id=self._snapshot_id,
                        sequence_number=None,
                        file_sequence_number=None,
                        data_file=file,
                    )
                )
        return [*self._existing_manifests(), writer.to_manifest_file()]


def delete(table: Table, vectors: Mapping[str, Sequence[int]], path: Path) -> None:
    """Commit deletion vectors, all in the file `path`, as an entry for each data file; then the
    table is of format version 3. vectors: positions of deleted rows by data file.
    """
    content, blobs = puffin(vectors)
    path.write_bytes(content)
    transaction = table.transaction()
    producer = _Deletes(Operation.DELETE, transaction, table.io)
    partitions = {task.file.file_path: task.file.partition for task in table.scan().plan_files()}
    for data, blob in blobs.items():
        producer.append_data_file(
            DataFile.from_args(
                _table_format_version=3,
                content=DataFileContent.POSITION_DELETES,
                file_path=str(path),
                file_format=FileFormat.PUFFIN,
                partition=partitions.get(data, Record()),
                record_count=blob.rows,
                file_size_in_bytes=len(content),
                spec_id=0,
                referenced_data_file=data,
                content_offset=blob.offset,
                content_size_in_bytes=blob.length,
            )
        )
    producer.commit()
    transaction.commit_transaction()
    upgrade(table)


def upgrade(table: Table) -> None:
    """Make it one of format version 3, as its own engine would."""
    assert isinstance(table.catalog, SqlCatalog)
    table.refresh()
    place = Path(table.metadata_location.removeprefix("file://"))
    metadata = json.loads(place.read_text())
    metadata |= {"format-version": 3, "next-row-id": 1_000}
    earlier = {
        "metadata-file": table.metadata_location,
        "timestamp-ms": metadata["last-updated-ms"],
    }
    metadata["metadata-log"] = [*metadata.get("metadata-log", []), earlier]
    new = place.with_name(f"00099-{uuid.uuid4()}.metadata.json")
    new.write_text(json.dumps(metadata))
    namespace, name = table.name()
    with Session(table.catalog.engine) as session:
        session.execute(
            update(IcebergTables)
            .where(IcebergTables.table_namespace == namespace, IcebergTables.table_name == name)
            .values(metadata_location=str(new))
        )
        session.commit()
