"""Rules, their results, and whether rows come in time."""

from __future__ import annotations

from ...core.domain import Part

PART = Part(
    verbs=("quality", "rules", "rule", "contract"),
    records={
        "jupyter_mlinfra.catalog.quality.spec": (
            "Contract",
            "PastResult",
            "Quality",
            "QualityReport",
            "Rule",
            "RuleResult",
        )
    },
)
