"""What `mlinfra status` counts, and what `mlinfra project check` measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...workbench import Workbench


def count_pipelines(bench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    return {"pipelines": bench.pipelines.list(limit=1).total, "runs": bench.pipelines.count_runs()}
