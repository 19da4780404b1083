"""What `mlinfra status` counts, and what `mlinfra project check` measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...workbench import Workbench


def count_jobs(workbench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    counts = workbench.jobs.counts()
    return {
        state: counts.get(state, 0)
        for state in ("queued", "running", "succeeded", "failed", "cancelled", "lost")
    }
