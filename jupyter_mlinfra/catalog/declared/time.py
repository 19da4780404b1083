"""Earlier states."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("snapshots", "diff", "restore", "expire"),
    records={
        "jupyter_mlinfra.catalog.spec": ("Snapshot",),
        "jupyter_mlinfra.catalog.time.spec": ("Diff", "ExpiringSnapshot", "ExpiryPlan", "Restored"),
    },
)
