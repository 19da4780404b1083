"""The files in a folder, and those that a table needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..stores.tiers import plain
from ..stores.versions import as_json

if TYPE_CHECKING:
    from pyiceberg.io import FileIO

    from ..store import CatalogStore


@dataclass(frozen=True, slots=True)
class Found:
    """A file in a folder. at: when it was last changed, in seconds since 1970."""

    path: str
    bytes: int
    at: float


def io_of(store: CatalogStore, location: str) -> FileIO:
    """What reaches a place, whichever tier it is in."""
    from pyiceberg.io import load_file_io

    return load_file_io(store.iceberg.properties, location)


def read_metadata(io: FileIO, location: str) -> Mapping[str, Any]:
    """A metadata file, parsed."""
    from pyiceberg.serializers import FromInputFile

    found = FromInputFile.table_metadata(io.new_input(location))
    return as_json(found)


def listed(store: CatalogStore, folder: str) -> Iterator[Found]:
    """All files below a folder; none if it does not exist."""
    from pyarrow.fs import FileSelector, FileType
    from pyiceberg.io.pyarrow import PyArrowFileIO

    from ..drivers import with_region

    properties = {**store.iceberg.properties, **store.tiers.properties(folder)}
    scheme, place, path = PyArrowFileIO.parse_location(folder, properties)
    system = PyArrowFileIO(with_region(properties)).fs_by_scheme(scheme, place)
    beginning = folder.rstrip("/")
    for info in system.get_file_info(FileSelector(path, recursive=True, allow_not_found=True)):
        if info.type == FileType.File:
            below = info.path[len(path.rstrip("/")) :]
            at = info.mtime.timestamp() if info.mtime is not None else 0.0
            yield Found(f"{beginning}{below}", int(info.size or 0), at)


def earlier(metadata: Mapping[str, Any]) -> set[str]:
    """The metadata files before the present one, as far as they are noted; one may be gone."""
    return {entry["metadata-file"] for entry in metadata.get("metadata-log", [])}


def needed(io: FileIO, metadata: Mapping[str, Any], location: str) -> set[str]:
    """Every file of a table that is of use: its metadata files, and for each snapshot that is kept
    the list, the manifests, the data and the lists of deleted rows. location: of the metadata
    file. In the form of `plain`.
    """
    from pyiceberg.manifest import read_manifest_list

    found = {location} | earlier(metadata)
    for key in ("statistics", "partition-statistics"):
        found |= {entry["statistics-path"] for entry in metadata.get(key) or []}
    manifests = {}
    for snapshot in metadata.get("snapshots", []):
        for path in snapshot.get("manifests", []):  # of an early form
            found.add(path)
        if path := snapshot.get("manifest-list"):
            found.add(path)
            for manifest in read_manifest_list(io.new_input(path)):
                manifests[manifest.manifest_path] = manifest
    for path, manifest in manifests.items():
        found.add(path)
        entries = manifest.fetch_manifest_entry(io)
        found |= {entry.data_file.file_path for entry in entries}
    return {plain(path) for path in found}
