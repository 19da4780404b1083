"""What `mlinfra status` counts, and what `mlinfra project check` measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ...core.records import every
from ...core.targets import TargetCheck
from .. import Freshness, View

if TYPE_CHECKING:
    from ...workbench import Workbench


def count_features(bench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    return {
        "views": bench.features.views(limit=1).total,
        "features": bench.features.list(limit=1).total,
    }


def check(workbench: Workbench) -> Iterator[TargetCheck]:
    """The targets of the project card that are about it."""
    limit = workbench.project.settings.project.targets.feature_lag_hours
    if limit is None:
        return
    for view in every(workbench.features.views):
        if view.online:
            yield _freshness(workbench, view, limit)


def _freshness(workbench: Workbench, view: View, limit: float) -> TargetCheck:
    """One view against the target, or against its own ttl where that is shorter: what is past its
    ttl is not served, so it cannot be fresh.
    """
    ttl = view.ttl_seconds / 3600 if view.ttl_seconds else None
    max_hours, basis = (
        (ttl, f"its ttl, shorter than the target of {limit:g} h")
        if ttl and ttl < limit
        else (limit, "the target")
    )
    target = {
        "target": f"online features of {view.name}",
        "limit": f"at most {max_hours:g} h behind their source ({basis})",
    }
    fix = f"mlinfra features materialize {view.name}"
    if view.online_at is None:
        return TargetCheck(**target, measured="never materialized", verdict="missed", fix=fix)
    try:
        due = workbench.features.due(view.name)
    except MLInfraError:
        due = None
    if due is None:
        return TargetCheck(
            **target,
            measured="the source could not be read",
            verdict="unknown",
            fix=f"mlinfra features show {view.name}",
        )
    hours = max(0.0, (due - view.online_at).total_seconds() / 3600)
    if view.freshness is Freshness.EXPIRED:
        measured = (
            f"{hours:,.1f} h, and the newest value, of {view.online_at:%Y-%m-%d %H:%M} UTC, is past"
            f" its ttl of {ttl:g} h"
        )
        return TargetCheck(
            **target,
            measured=measured,
            verdict="missed",
            fix=fix if hours else f"Bring newer rows into its source, then {fix}",
        )
    return TargetCheck(
        **target,
        measured=f"{hours:,.1f} h",
        verdict="met" if hours <= max_hours else "missed",
        fix="" if hours <= max_hours else fix,
    )
