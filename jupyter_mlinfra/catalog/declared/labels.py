"""What people say of a dataset and its columns."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("tag", "describe"),
    records={"jupyter_mlinfra.catalog.spec": ("Labelled",)},
)
