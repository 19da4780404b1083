"""Lists, pages and rows."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("list", "show", "preview", "verify"),
    records={
        "jupyter_mlinfra.catalog.spec": (
            "Column",
            "Dataset",
            "DatasetDetail",
            "RowBlock",
            "Verification",
            "Verified",
        )
    },
)
