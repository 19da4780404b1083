"""Datasets of a catalog: of the project that holds the repository, or of the one that the option
`project` names.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .pins import pinned
from .spec import PROJECT, SourceSpec

if TYPE_CHECKING:
    import polars as pl

    from ...catalog import Catalog


def scan(source: SourceSpec, repo: Path | None, snapshot: str | None) -> pl.LazyFrame:
    """The rows of the dataset. Raises NotFound if there is none, or not this snapshot."""
    table = catalog_of(source, repo).dataset(source.name)
    return table.scan(snapshot=snapshot or pinned(source, lambda: table.snapshot))


def state(source: SourceSpec, repo: Path | None) -> str | None:
    """The snapshot, and its columns if they have changed since."""
    return pinned(source, lambda: catalog_of(source, repo).fingerprint(source.name))


def catalog_of(source: SourceSpec, repo: Path | None) -> Catalog:
    """The catalog that has the dataset."""
    return open_catalog(source.options.get(PROJECT, ""), repo)


def open_catalog(project: str, repo: Path | None) -> Catalog:
    """The catalog of a project: a folder, relative to the repository; empty for the project that
    holds the repository, else MLINFRA_PROJECT.
    """
    from ...catalog import Catalog
    from ...core.errors import NotFound
    from ...core.project import Project

    if project:
        return Catalog(Project.open((repo or Path.cwd()) / project))
    try:
        return Catalog(Project.open(repo))
    except NotFound:  # a repository elsewhere: MLINFRA_PROJECT, else the working directory
        return Catalog(Project.open())
