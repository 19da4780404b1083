"""What `mlinfra status` counts, and what `mlinfra project check` measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...workbench import Workbench


def count_monitoring(workbench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    return {
        "monitors": workbench.monitoring.list(limit=1).total,
        "firing": workbench.monitoring.alerts(firing=True, limit=1).total,
    }
