"""Statistics."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("profile",),
    records={"jupyter_mlinfra.catalog.spec": ("ColumnProfile", "Profile")},
)
