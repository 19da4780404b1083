"""SQL."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("sql",),
    records={"jupyter_mlinfra.catalog.querying.answers": ("SqlAnswer",)},
)
