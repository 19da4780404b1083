"""The rows of a source, and what tells whether they have changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ...core.errors import MLInfraError, Unprocessable
from ...core.files import without_values
from .spec import SourceSpec

if TYPE_CHECKING:
    import polars as pl

_MODULES = {
    "dataset": ".datasets",
    "parquet": ".parquet",
    "delta": ".delta",
    "iceberg": ".iceberg",
}
_OTHER = (
    "Ingest it into the catalog and use DatasetSource, or set `offline_store` in feature_store.yaml"
    " to Feast's store for it."
)


class Reader(Protocol):
    """The module of one kind of source."""

    def scan(self, source: SourceSpec, repo: Path | None, snapshot: str | None) -> pl.LazyFrame:
        """The rows under the names of the source; nothing is read yet. snapshot: where the kind has
        them, the one to read; None for that of the source or the block, else the newest.
        """

    def state(self, source: SourceSpec, repo: Path | None) -> str | None:
        """A text that changes whenever the rows do; None if that is unknown."""


def scan(source: SourceSpec, repo: Path | None, *, snapshot: str | None = None) -> pl.LazyFrame:
    """The rows of a source under the names of its view; nothing is read yet. repo: what relative
    paths are relative to.

    Raises NotFound if the dataset, file or table is absent, Unavailable if what it needs is not
    installed or cannot be reached, Unprocessable if this kind of source cannot be read here.
    """
    frame = _reader(source).scan(source, repo, snapshot)
    return frame.rename(dict(source.mapping), strict=False) if source.mapping else frame


def state_of(source: SourceSpec, repo: Path | None) -> str | None:
    """A text that changes whenever the rows do: the snapshot of a dataset or table, or names, sizes
    and times of files. None if that is unknown.
    """
    return None if source.kind == "other" else _reader(source).state(source, repo)


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
        reason = without_values(str(error).strip().partition("\n")[0])[:300]
        raise Unprocessable(
            f"The rows of {source.name} cannot be read.",
            f"{type(error).__name__}: {reason}",
            "Write the source again, or correct the definition of the view.",
        ) from error


def _reader(source: SourceSpec) -> Reader:
    if source.kind not in _MODULES:
        raise Unprocessable(
            f"Source {source.name} cannot be read by the Polars offline store.",
            "It reads datasets, Parquet files, Delta tables and Iceberg tables.",
            _OTHER,
        )
    return cast(Reader, import_module(_MODULES[source.kind], __package__))
