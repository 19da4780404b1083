"""What people say of a dataset."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("tag", "describe"),
)
