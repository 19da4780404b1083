"""Whether the data files of a dataset are still what was written.

Parquet does not notice a flipped bit, and Iceberg keeps no checksum of a file. So each commit
stores the SHA-256 of its files in its snapshot, and whoever reads a whole file compares. Files of
other writers have none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from ..core.files import without_values
from .access.folders import MaskedFolders
from .metadata import CHECKSUMS, expired
from .spec import Damage, Verification

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

    from .names import DatasetName

_CHUNK = 1 << 20
_MAX_UNCHECKED = 100


class Hashing:
    """A file written from start to end, and the checksum of what was written."""

    closed = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._hash = sha256()

    def write(self, data: Any) -> int:
        """Write, and add to the checksum."""
        self._hash.update(data)
        self._stream.write(data)
        return len(data)

    def tell(self) -> int:
        """Bytes so far."""
        return int(self._stream.tell())

    def flush(self) -> None:
        """Do nothing: the file is complete when it is closed, and not before."""

    def close(self) -> None:
        """Close the file. The second time does nothing."""
        if not self.closed:
            self._stream.close()
        self.closed = True

    @property
    def checksum(self) -> str:
        """SHA-256 in hexadecimal."""
        return self._hash.hexdigest()


def checksum_properties(checksums: Mapping[str, str]) -> dict[str, str]:
    """Properties of a snapshot that keep these checksums. checksums: location → SHA-256."""
    return (
        {CHECKSUMS: json.dumps({_file_name(path): found for path, found in checksums.items()})}
        if checksums
        else {}
    )


def verify(
    table: Table, name: DatasetName, *, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Verification:
    """Read every data file of a snapshot and compare. Files that list deleted rows, of other
    writers, are not checked.

    on_progress: called with bytes read and total bytes.
    """
    tasks = list(table.scan(snapshot_id=name.snapshot).plan_files())
    files = {task.file.file_path: int(task.file.file_size_in_bytes) for task in tasks}
    deletes = {file.file_path for task in tasks for file in task.delete_files}
    checksums, damaged, unchecked, read = checksums_of(table), [], sorted(deletes), 0
    for path, size in files.items():
        expected = checksums.get(_file_name(path))
        if expected is None:
            unchecked.append(path)
        elif problem := damage_of(table.io, path, expected):
            damaged.append(Damage(file=path, why=problem))
        read += size
        on_progress(read, sum(files.values()))
    current = name.snapshot or (
        snapshot.snapshot_id if (snapshot := table.current_snapshot()) else None
    )
    return Verification(
        dataset=name.text,
        snapshot=str(current) if current else None,
        files=len(files) + len(deletes),
        checked=len(files) + len(deletes) - len(unchecked),
        damaged=damaged,
        unchecked=unchecked[:_MAX_UNCHECKED],
        note=(
            "Files of other writers, of deleted rows, and of snapshots that others let expire have"
            " no checksum here."
            if unchecked
            else ""
        ),
    )


def check_file(table: Table, name: DatasetName, path: str, expected: Mapping[str, str]) -> None:
    """Raise Unprocessable if a data file is not what was written. expected: as `checksums_of`
    answers.
    """
    from .stores.versions import as_json

    checksum = expected.get(_file_name(path))
    if checksum is not None and (problem := damage_of(table.io, path, checksum)):
        raise Unprocessable(
            f"{name.text} has a damaged data file.",
            f"{MaskedFolders(as_json(table.metadata)).hide(path)}: {problem}.",
            "Restore the file, or set it aside, so that the others can be read: mlinfra catalog"
            f" verify {name.text} --quarantine",
        )


def check_before_rewriting(table: Table, paths: Iterable[str]) -> None:
    """Raise Unprocessable if one of these files is not what was written: its rows are about to be
    written again, and what is wrong with them would get a checksum that is right.
    """
    from .names import DatasetName

    name, expected = DatasetName.of(".".join(table.name())), checksums_of(table)
    for path in paths:
        check_file(table, name, path, expected)


def checksums_of(table: Table) -> dict[str, str]:
    """SHA-256 by the name of a file, as snapshots say, also those that have expired here."""
    checksums: dict[str, str] = dict(expired(table.metadata.properties)["sha256"])
    for snapshot in table.metadata.snapshots:
        text = snapshot.summary.additional_properties.get(CHECKSUMS) if snapshot.summary else None
        checksums.update(json.loads(text) if text else {})
    return checksums


def damage_of(io: FileIO, path: str, expected: str) -> str:
    """What is wrong with a file; empty if it is intact."""
    try:
        checksum = _checksum(io.new_input(path).open())
    except OSError as error:
        return f"it cannot be read ({without_values(error.strerror or str(error))})"
    return "" if checksum == expected else "it is not what was written"


def _checksum(stream: Any) -> str:
    with stream:
        digest = sha256()
        for chunk in _chunks(stream):
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(stream: Any) -> Iterable[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]
