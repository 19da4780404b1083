"""Search."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("search", "namespaces"),
    records={"jupyter_mlinfra.catalog.spec": ("Namespace",)},
)
