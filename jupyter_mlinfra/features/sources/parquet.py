"""Parquet files: one, all of a folder, or those below an address. Columns that only the names of
folders hold (`day=2026-01-01/…`) are read too.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import NotFound
from .spec import SourceSpec
from .storage import is_remote, options_of

if TYPE_CHECKING:
    import polars as pl

_ONE_FILE = (".parquet", ".pq", ".parq")


def scan(source: SourceSpec, repo: Path | None, snapshot: str | None) -> pl.LazyFrame:
    """The rows of the file or files. Raises NotFound if there are none."""
    import polars as pl

    del snapshot  # a file has none
    path = path_of(source, repo)
    if isinstance(path, Path):
        if path.is_dir():
            return pl.scan_parquet(path / "**/*.parquet", hive_partitioning=True)
        return pl.scan_parquet(path)
    if not path.endswith(_ONE_FILE) and "*" not in path:
        path = f"{path.rstrip('/')}/**/*.parquet"
    return pl.scan_parquet(path, storage_options=options_of(source), hive_partitioning="*" in path)


def state(source: SourceSpec, repo: Path | None) -> str | None:
    """Names, sizes and times of the files; None for files elsewhere."""
    path = path_of(source, repo)
    if not isinstance(path, Path):
        return None
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    facts = [
        (str(file.relative_to(path)), stat.st_size, stat.st_mtime_ns)
        for file in files
        for stat in [file.stat()]
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def path_of(source: SourceSpec, repo: Path | None) -> Path | str:
    """The local path, or the address of files elsewhere. Raises NotFound for a path that is not
    there.
    """
    if is_remote(source.name):
        return source.name
    path = local_path(source, repo)
    if not path.exists():
        raise NotFound(
            f"There is no file {path}.",
            "A feature view reads it.",
            "Write the file, or correct `path` in the definition.",
        )
    return path


def local_path(source: SourceSpec, repo: Path | None) -> Path:
    """Where a local file or folder is or would be."""
    return (repo or Path.cwd()) / source.name.removeprefix("file://")
