"""Files and Delta tables in place."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("register",),
)
