"""What is kept of values of a dataset goes once a column of it is tagged `pii`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.files import file_lock
from ..definitions import Definition, origins, stem_of
from ..repo import folder

if TYPE_CHECKING:
    from ...core.project import Project

_KEPT = ("figures", "skew")
_FEAST = "feast_monitoring"


def forget(project: Project, dataset: str) -> None:
    """Remove the figures, the last comparison and Feast's own figures of the views that read the
    dataset; they are computed again when they are asked for.
    """
    from ..service import Features

    kept = [project.home / "features" / name for name in _KEPT]
    figures = sorted((folder(project) / _FEAST).glob("*.parquet"))
    if not figures and not any(path.exists() for path in kept):
        return
    known = Features(project).registered_views()
    names = [name for name, view in known.items() if _reads(view, known, dataset)]
    for path in kept:
        for name in names:
            for file in path.glob(f"{stem_of(name)}-*.json"):
                file.unlink(missing_ok=True)
    if names and figures:
        with file_lock(figures[0].parent / ".lock"):
            for file in figures:
                _without(file, names)


def _reads(view: Definition, known: Mapping[str, Definition], dataset: str) -> bool:
    try:
        sources = [origin.source for origin in origins(view, known)]
    except KeyError:  # of a view that is gone nobody knows what it read
        return True
    return any(source.kind == "dataset" and source.name == dataset for source in sources)


def _without(file: Path, views: list[str]) -> None:
    """Take the figures of features of these views out of a file of Feast's quality page."""
    import polars as pl

    rows = pl.read_parquet(file)
    if "histogram" not in rows.columns:
        return
    left = rows.filter(~pl.col("feature_view_name").is_in(views))
    if left.height < rows.height:
        part = file.with_suffix(".part")
        left.write_parquet(part)
        part.replace(file)
