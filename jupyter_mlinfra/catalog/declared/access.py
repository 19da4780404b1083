"""Who sees masked values."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("audit",),
    records={"jupyter_mlinfra.catalog.access.records": ("Revealed",)},
)
