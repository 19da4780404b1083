"""Where datasets are kept, and what becomes of those that are not needed any more."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("care", "move", "relocate", "compact", "clean", "delete", "trash"),
    records={
        "jupyter_mlinfra.catalog.care.spec": (
            "Care",
            "CarePlan",
            "Deleted",
            "Duplicate",
            "Moved",
            "Orphan",
            "Suggestion",
            "Trashed",
        )
    },
)
