"""What `mlinfra status` counts, and what `mlinfra project check` measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from ...core.errors import MLInfraError
from ...core.targets import TargetCheck

if TYPE_CHECKING:
    from ...workbench import Workbench
    from ..service import Catalog


def count_catalog(bench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    return {"datasets": bench.catalog.list(limit=1, domains=()).total}


def check(workbench: Workbench) -> Iterator[TargetCheck]:
    """The targets of the project card that are about it."""
    for name in workbench.project.settings.project.targets.datasets:
        try:
            rows = _rows(workbench.catalog, name)
        except MLInfraError as error:
            yield TargetCheck(
                target=f"dataset {name}",
                limit="present",
                measured=error.what,
                verdict="missed",
                fix=error.fix or f"mlinfra catalog ingest FILES --into {name}",
            )
        else:
            verdict: Literal["met", "missed"] = "met" if rows else "missed"
            yield TargetCheck(
                target=f"dataset {name}",
                limit="present",
                measured=f"{rows:,} rows",
                verdict=verdict,
            )


def _rows(catalog: Catalog, name: str) -> int:
    """How many rows a dataset has; counted, if its metadata do not tell."""
    told = catalog.show(name).dataset.rows.value
    return catalog.preview(name, count=1).total if told is None else int(told)
