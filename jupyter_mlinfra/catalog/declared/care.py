"""What becomes of datasets that are not needed any more."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("delete",),
)
