"""Parquet files that the store writes, on disk or in object storage: each completely or not at
all.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import fs, parquet

from ...core.errors import Unprocessable
from ...core.parquets import ENDINGS
from ..sources import SourceSpec
from ..sources.parquet import local_path
from ..sources.storage import ENDPOINT, credentials_of, is_remote, region


class ParquetFiles:
    """The file or the folder of files that a source names. Raises Unprocessable for a pattern."""

    def __init__(self, source: SourceSpec, repo: Path | None) -> None:
        self._name = source.name
        self.filesystem, self.path = filesystem_of(source, repo)
        info = self.filesystem.get_file_info(self.path)
        self.exists = info.type != fs.FileType.NotFound
        if not self.exists and glob.has_magic(source.name):
            raise Unprocessable(
                f"Rows cannot be added to {self._name}.",
                "It is a pattern; no file is named by it.",
                "Name the folder, as `path` in the definition.",
            )
        self._is_file = info.type == fs.FileType.File or (
            not self.exists and self.path.endswith(ENDINGS)
        )

    def schema(self) -> pa.Schema:
        """The columns as they are in the files; elsewhere than on disk in the first. Raises
        Unprocessable if folders hold a column.
        """
        files = [self.path] if self._is_file else self._files()
        if not files:
            raise Unprocessable(
                f"{self._name} has no Parquet file yet.",
                "Its columns cannot be known.",
                "Write the first rows yourself.",
            )
        if "=" in files[0].removeprefix(self.path):
            raise Unprocessable(
                f"Rows cannot be added to {self._name}.",
                "Its files are in folders that are named by a column.",
                "Write them yourself, or use a dataset.",
            )
        if isinstance(self.filesystem, fs.LocalFileSystem):
            schemas = [self._schema(file) for file in files]
            return pa.unify_schemas(schemas, promote_options="permissive")
        return self._schema(files[0])

    def _schema(self, path: str) -> pa.Schema:
        with self._opened(path) as file:
            return file.schema_arrow

    def _opened(self, path: str) -> parquet.ParquetFile:
        # As nanoseconds, the default, moments of Spark outside 1677 to 2262 would become others.
        return parquet.ParquetFile(
            path, filesystem=self.filesystem, coerce_int96_timestamp_unit="us"
        )

    def append(self, rows: pa.Table) -> None:
        """Add rows of the same columns: as one more file of the folder, or by writing the file
        anew.
        """
        if not self._is_file:
            self._put(rows, self._part())
            return
        with _alone(Path(self.path), local=isinstance(self.filesystem, fs.LocalFileSystem)):
            self._add(rows)

    def _add(self, rows: pa.Table) -> None:
        with self._opened(self.path) as old:
            groups = [old.read_row_group(number) for number in range(old.num_row_groups)]
        self._put(pa.concat_tables([*groups, rows]), self.path)

    def replace(self, rows: pa.Table) -> None:
        """Write the file, or a file of the folder in the place of all that it has; other files of
        the folder stay.
        """
        if self._is_file:
            self._put(rows, self.path)
            return
        old_files = self._files()
        self._put(rows, self._part())
        for file in old_files:
            self.filesystem.delete_file(file)

    def _part(self) -> str:
        return f"{self.path.rstrip('/')}/part-{uuid.uuid4().hex}.parquet"

    def _files(self) -> list[str]:
        chosen = fs.FileSelector(self.path, recursive=True, allow_not_found=True)
        found = [item.path for item in self.filesystem.get_file_info(chosen) if item.is_file]
        return sorted(path for path in found if path.endswith(ENDINGS))

    def _put(self, rows: pa.Table, path: str) -> None:
        if isinstance(self.filesystem, fs.LocalFileSystem):
            write_parquet(rows, Path(path))
            return
        # An object is there as a whole once it is closed, so nothing may fail while it is open.
        sink = pa.BufferOutputStream()
        parquet.write_table(rows, sink)
        with self.filesystem.open_output_stream(path) as stream:
            stream.write(sink.getvalue())


@contextlib.contextmanager
def _alone(path: Path, *, local: bool) -> Iterator[None]:
    """Keep other threads and processes from adding rows to a file on disk: who writes it anew from
    what it was loses the rows that came meanwhile. Its folder is locked, so that no file is left.
    """
    if not local:
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # a network share may have no locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write_parquet(rows: pa.Table, path: Path) -> None:
    """Write rows as a file, completely or not at all."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(rows, draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def filesystem_of(source: SourceSpec, repo: Path | None) -> tuple[fs.FileSystem, str]:
    """Where the files of a source are, and their path there."""
    if not is_remote(source.name):
        return fs.LocalFileSystem(), str(local_path(source, repo).absolute())
    if not source.name.startswith("s3://"):
        filesystem, path = fs.FileSystem.from_uri(source.name)
        return filesystem, path
    keys = credentials_of(source)
    given = {
        "access_key": keys.get("AWS_ACCESS_KEY_ID"),
        "secret_key": keys.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": keys.get("AWS_SESSION_TOKEN"),
        "region": keys.get("AWS_REGION") or keys.get("AWS_DEFAULT_REGION"),
    }
    if endpoint := source.options.get(ENDPOINT):
        given |= {"endpoint_override": endpoint, "region": given["region"] or region()}
    s3 = fs.S3FileSystem(**{key: value for key, value in given.items() if value})
    return s3, source.name.removeprefix("s3://")
