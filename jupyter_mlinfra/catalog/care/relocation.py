"""A table's files in another place: all data and metadata of its snapshots, with the new paths in
every file that names one.

Iceberg's paths are absolute. Ids of snapshots, sequence numbers and the status of entries stay, so
every snapshot is read as before. Source: https://iceberg.apache.org/spec/#manifests.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from ..integrity import Hashing
from ..stores.tiers import plain
from .avro import Fields, rewrite

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import ManifestFile

# Ids of fields, by the specification.
_MANIFEST_PATH, _MANIFEST_LENGTH = 500, 501
_STATUS, _DATA_FILE = 0, 2
_CONTENT, _PATH, _FORMAT, _SIZE, _LOWER, _UPPER, _REFERENCED = 134, 100, 101, 104, 125, 128, 143
_DELETED, _POSITIONS = 2, 1
_PATH_COLUMN = 2147483546
"""The column of a file of deleted rows that names their data file."""

_CHUNK = 4 << 20
_AT_ONCE = 8
"""Files that are copied at the same time."""


class Relocation:
    """The copy of one table. io: reaches both places. old, new: the table's locations. name: for
    messages. checksums: SHA-256 by the name of a file, as far as they are known. on_bytes: called
    with how many were copied.

    files, bytes: that were copied so far; a file is copied once, however often it is asked for.
    """

    def __init__(
        self,
        io: FileIO,
        old: str,
        new: str,
        *,
        name: str,
        checksums: Mapping[str, str],
        on_bytes: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.files = self.bytes = 0
        self._io, self._old, self._new, self._name = io, old, new, name
        self._checksums, self._on_bytes = checksums, on_bytes
        self._done: dict[str, int] = {}
        self._lock = threading.Lock()

    def where(self, path: str) -> str:
        """The new place of a file; of one outside the table's folder, a folder of its own."""
        old, found = f"{plain(self._old)}/", plain(path)
        if found.startswith(old):
            return f"{self._new}/{found[len(old) :]}"
        name = path.rpartition("/")[2]
        return f"{self._new}/data/{sha256(path.encode()).hexdigest()[:12]}/{name}"

    def copy_table(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Copy all files of a table that are not there yet. Returns the metadata with the new
        paths. Raises Unprocessable for a damaged file, and for what cannot be moved.
        """
        lists = [self._list(entry) for entry in metadata.get("snapshots", [])]
        lists = [path for path in lists if path not in self._done]
        manifests = {item.manifest_path: item for path in lists for item in self._manifests(path)}
        files: dict[str, int] = {}
        for manifest in manifests.values():
            for entry in manifest.fetch_manifest_entry(self._io):
                files[entry.data_file.file_path] = int(entry.data_file.content)
        self._copy_all([path for path, content in files.items() if content != _POSITIONS])
        for path, content in files.items():
            if content == _POSITIONS:
                self._copy_positions(path)
        for path in manifests:
            self._copy_manifest(path)
        for path in lists:
            self.copy_list(path, self.where(path))
        return self._moved(metadata)

    def copy_list(self, path: str, target: str, header: Mapping[str, str] | None = None) -> None:
        """Copy the list of a snapshot's manifests. header: as for `rewrite`."""

        def change(entry: Fields) -> None:
            old = entry.get(_MANIFEST_PATH)
            entry.set(_MANIFEST_PATH, self.where(old))
            entry.set(_MANIFEST_LENGTH, self._done[old])

        key = path if target == self.where(path) else target
        with self._once(key) as write:
            if write:
                self._done[key] = rewrite(
                    self._io.new_input(path),
                    self._io.new_output(target),
                    change,
                    name="manifest_file",
                    header=header,
                )

    def _list(self, snapshot: Mapping[str, Any]) -> str:
        if "manifest-list" not in snapshot:
            raise Unprocessable(
                f"{self._name} cannot be moved.",
                f"Snapshot {snapshot['snapshot-id']} is of an early form without a manifest list.",
                f"Expire it: mlinfra catalog expire {self._name} --older-than 1d",
            )
        return str(snapshot["manifest-list"])

    def _manifests(self, path: str) -> list[ManifestFile]:
        from pyiceberg.manifest import read_manifest_list

        return list(read_manifest_list(self._io.new_input(path)))

    def _copy_all(self, paths: Sequence[str]) -> None:
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            for _ in pool.map(self._copy, paths):
                pass
        finally:
            pool.shutdown(cancel_futures=True)

    def _copy(self, path: str) -> None:
        """A file as it is, compared with its checksum."""
        with self._once(path) as write:
            if not write:
                return
            target = self._io.new_output(self.where(path))
            with self._io.new_input(path).open() as source:
                copy = Hashing(target.create(overwrite=True))
                try:
                    while block := source.read(_CHUNK):
                        copy.write(block)
                        self._on_bytes(len(block))
                finally:
                    copy.close()
            expected = self._checksums.get(path.rpartition("/")[2])
            if expected not in (None, copy.checksum):
                raise Unprocessable(
                    f"{self._name} was not moved.",
                    f"Its data file {path} is not what was written.",
                    "Restore the file, or set it aside: mlinfra catalog verify"
                    f" {self._name} --quarantine",
                )
            self._done[path] = len(target)

    def _copy_positions(self, path: str) -> None:
        """A file of deleted rows, which names their data files."""
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import parquet

        with self._once(path) as write:
            if not write:
                return
            with self._io.new_input(path).open() as stream:
                rows = parquet.ParquetFile(stream).read()
            place = rows.schema.get_field_index("file_path")
            names = pc.unique(rows.column(place)).to_pylist()
            moved = {name: self.where(name) for name in names}
            column = pa.array([moved[name] for name in rows.column(place).to_pylist()])
            field = rows.schema.field(place)
            rows = rows.set_column(place, field, column.cast(field.type))
            target = self._io.new_output(self.where(path))
            with target.create(overwrite=True) as stream:
                parquet.write_table(rows, stream)
            self._done[path] = len(target)

    def _copy_manifest(self, path: str) -> None:
        def change(entry: Fields) -> None:
            file = entry.within(_DATA_FILE)
            old = file.get(_PATH)
            file.set(_PATH, self.where(old))
            if file.get(_CONTENT) != _POSITIONS or entry.get(_STATUS) == _DELETED:
                return
            if str(file.get(_FORMAT)).upper() != "PARQUET":
                raise Unprocessable(
                    f"{self._name} cannot be moved.",
                    f"{old} lists deleted rows in the form {file.get(_FORMAT)}.",
                    "Expire the snapshots that have it: mlinfra catalog expire"
                    f" {self._name} --older-than 1d",
                )
            file.set(_SIZE, self._done[old])
            for number in (_LOWER, _UPPER):
                bounds = file.get(number)
                if bounds:
                    file.set(number, {k: v for k, v in bounds.items() if k != _PATH_COLUMN})
            if file.get(_REFERENCED):
                file.set(_REFERENCED, self.where(file.get(_REFERENCED)))

        with self._once(path) as write:
            if write:
                self._done[path] = rewrite(
                    self._io.new_input(path),
                    self._io.new_output(self.where(path)),
                    change,
                    name="manifest_entry",
                )

    @contextlib.contextmanager
    def _once(self, key: str) -> Iterator[bool]:
        """Whether a file is not there yet; it is counted if the block wrote it."""
        if key in self._done:
            yield False
            return
        yield True
        with self._lock:
            self.files += 1
            self.bytes += self._done[key]

    def _moved(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The metadata with the new paths; earlier metadata files stay where they are."""
        moved = {**metadata, "location": self._new, "metadata-log": []}
        moved["snapshots"] = [
            {**entry, "manifest-list": self.where(entry["manifest-list"])}
            for entry in metadata.get("snapshots", [])
        ]
        for key in ("statistics", "partition-statistics"):
            found = metadata.get(key) or []
            for entry in found:
                self._copy(entry["statistics-path"])
            moved[key] = [
                {**entry, "statistics-path": self.where(entry["statistics-path"])}
                for entry in found
            ]
        # They name folders of the old place; without them files go below the new location.
        moved["properties"] = {
            key: value
            for key, value in metadata.get("properties", {}).items()
            if key not in ("write.data.path", "write.metadata.path", "write.object-storage.path")
        }
        return moved
