"""Where the rows of a view come from, and how they are read: datasets of the catalog and Parquet
files.

This needs no Feast, so panels and caches can read a source without loading it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..core.errors import MLInfraError, NotFound, Unprocessable
from ..core.refs import reference

if TYPE_CHECKING:
    import polars as pl

    from ..catalog import Catalog

_pinned: ContextVar[dict[str, str | None] | None] = ContextVar("pinned", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """A source as in the registry. name: `namespace.table`, or a path or URI. mapping: source
    column → view column.
    """

    kind: Literal["dataset", "parquet", "other"]
    name: str
    time: str
    created: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """Its reference in lineage: a dataset, or the file itself."""
        return reference("dataset", self.name) if self.kind == "dataset" else self.name


@contextmanager
def one_snapshot(pins: dict[str, str | None] | None = None) -> Iterator[dict[str, str | None]]:
    """Inside the block every dataset is read at one snapshot, however often it is scanned; yields
    dataset → snapshot. pins: those of an earlier block, to which this one adds.
    """
    pins = {} if pins is None else pins
    token = _pinned.set(pins)
    try:
        yield pins
    finally:
        _pinned.reset(token)


def scan(source: SourceSpec, repo: Path | None, *, snapshot: str | None = None) -> pl.LazyFrame:
    """The rows of a source under the names of its view; nothing is read yet. repo: what relative
    paths are relative to.

    Raises NotFound if the dataset or file is absent, Unprocessable if this kind of source cannot be
    read here.
    """
    import polars as pl

    if source.kind == "dataset":
        table, pins = _catalog(repo).dataset(source.name), _pinned.get()
        if snapshot is None and pins is not None:
            snapshot = pins.setdefault(source.name, table.snapshot)
        frame = table.scan(snapshot=snapshot)
    elif source.kind == "parquet":
        path = _path(source, repo)
        frame = pl.scan_parquet(
            path / "**/*.parquet" if isinstance(path, Path) and path.is_dir() else path
        )
    else:
        raise Unprocessable(
            f"Source {source.name} cannot be read by the Polars offline store.",
            "It reads datasets and Parquet files.",
            _OTHER,
        )
    return frame.rename(dict(source.mapping), strict=False) if source.mapping else frame


@contextmanager
def readable(source: SourceSpec) -> Iterator[None]:
    """Turn a library's error about a damaged or changed source into one that names the source; a
    torn Parquet file can make Polars panic.
    """
    try:
        yield
    except BaseException as error:
        # Polars' panic is not an Exception; compared by name, because a cached page does not load
        # Polars.
        panic = type(error).__name__ == "PanicException"
        if isinstance(error, MLInfraError) or not (panic or isinstance(error, Exception)):
            raise
        reason = str(error).strip().partition("\n")[0][:300]
        raise Unprocessable(
            f"The rows of {source.name} cannot be read.",
            f"{type(error).__name__}: {reason}",
            "Write the source again, or correct the definition of the view.",
        ) from error


_OTHER = (
    "Ingest it into the catalog and use DatasetSource, or set `offline_store` in feature_store.yaml"
    " to Feast's store for it."
)


def state_of(source: SourceSpec, repo: Path | None) -> str | None:
    """A text that changes whenever the rows do: the dataset's snapshot, or names, sizes and times
    of files. None if that is unknown.
    """
    if source.kind == "dataset":
        pins = _pinned.get()
        newest = _catalog(repo).fingerprint(source.name)
        return newest if pins is None else pins.setdefault(source.name, newest)
    if source.kind == "other":
        return None
    path = _path(source, repo)
    if not isinstance(path, Path):
        return None
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    facts = [
        (str(file.relative_to(path)), stat.st_size, stat.st_mtime_ns)
        for file in files
        for stat in [file.stat()]
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _catalog(repo: Path | None) -> Catalog:
    from ..catalog import Catalog
    from ..core.project import Project

    return Catalog(Project.open(repo))


def _path(source: SourceSpec, repo: Path | None) -> Path | str:
    if "://" in source.name and not source.name.startswith("file://"):
        return source.name
    path = (repo or Path.cwd()) / source.name.removeprefix("file://")
    if not path.exists():
        raise NotFound(
            f"There is no file {path}.",
            "A feature view reads it.",
            "Write the file, or correct `path` in the definition.",
        )
    return path
