"""Tables of other domains, such as the series of monitors: SQL reads them like datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..core.domain import load
from ..core.domains import domain_of

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from .names import DatasetName


def rows_of_domain(project: Project, name: DatasetName) -> pl.LazyFrame | None:
    """The rows of `domain.table`; None if there is no such domain, or it has no such table."""
    found = domain_of(name.namespace)
    if found is None or not found.tables or name.snapshot is not None:
        return None
    return cast("pl.LazyFrame | None", load(found.tables)(project, name.table))
