"""Earlier states."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("snapshots",),
    records={"jupyter_mlinfra.catalog.spec": ("Snapshot",)},
)
