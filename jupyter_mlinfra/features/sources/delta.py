"""Delta tables, on disk or in object storage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import NotFound, Unavailable
from ...core.imports import fix_of_missing, load_modules
from .parquet import local_path
from .pins import pinned
from .spec import SourceSpec
from .storage import is_remote, options_of

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable


def scan(source: SourceSpec, repo: Path | None, snapshot: str | None) -> pl.LazyFrame:
    """The rows of a version of the table. Raises NotFound if there is no table."""
    table = open_table(source, repo)
    version = snapshot or pinned(source, lambda: str(table.version()))
    if version is not None and int(version) != table.version():
        table.load_as_version(int(version))
    from ...core.deltas import delta_frame

    return delta_frame(table)


def state(source: SourceSpec, repo: Path | None) -> str | None:
    """The version of the table."""
    return pinned(source, lambda: str(open_table(source, repo).version()))


def open_table(source: SourceSpec, repo: Path | None) -> DeltaTable:
    """The table at its newest version. Raises NotFound if there is none, Unavailable without
    deltalake.
    """
    load_delta(f"{source.name} is a Delta table.")
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    path = table_path(source, repo)
    try:
        return DeltaTable(path, storage_options=options_of(source))
    except TableNotFoundError as error:
        raise NotFound(
            f"There is no Delta table at {path}.",
            "A feature view reads it.",
            "Write the table, or correct `path` in the definition.",
        ) from error


def table_path(source: SourceSpec, repo: Path | None) -> str:
    """Where the table is or would be."""
    return source.name if is_remote(source.name) else str(local_path(source, repo))


def load_delta(what: str) -> None:
    """Import deltalake. Raises Unavailable, with `what`, if it is not installed."""
    try:
        load_modules("deltalake")
    except ImportError as error:
        raise Unavailable(
            what, "deltalake is not installed.", fix_of_missing(error.name or "deltalake")
        ) from error
