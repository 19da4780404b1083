"""What the project has, and whether it meets the targets of its card: measured, never promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .core.errors import MLInfraError
from .core.records import every
from .features import Freshness

if TYPE_CHECKING:
    from .features import View
    from .workbench import Workbench

MEASURE_SECONDS = 5.0
"""How long the volume of the live deployment is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCheck:
    """One target. verdict: `unknown` when it could not be measured; `fix` then says what is missing."""

    target: str
    limit: str
    measured: str
    verdict: Literal["met", "missed", "unknown"]
    fix: str = ""


def counts(workbench: Workbench) -> dict[str, dict[str, int]]:
    """Objects of each domain, as `mlinfra status` prints them."""
    jobs = dict(workbench.jobs.counts())
    experiments = list(every(workbench.experiments.experiments))
    models = list(every(workbench.experiments.models))
    deployments = list(every(workbench.deployments.list))
    return {
        "catalog": {"datasets": workbench.catalog.list(limit=1).total},
        "features": {"views": workbench.features.views(limit=1).total, "features": workbench.features.list(limit=1).total},
        "jobs": {state: jobs.get(state, 0) for state in ("queued", "running", "succeeded", "failed", "cancelled", "lost")},
        "pipelines": {"pipelines": workbench.pipelines.list(limit=1).total, "runs": workbench.pipelines.count_runs()},
        "experiments": {"experiments": len(experiments), "runs": sum(item.runs for item in experiments)},
        "models": {"models": len(models), "versions": sum(item.versions for item in models)},
        "deployments": {"deployments": len(deployments), "live": sum(item.state == "healthy" for item in deployments)},
        "monitoring": {"monitors": workbench.monitoring.list(limit=1).total, "firing": workbench.monitoring.alerts(firing=True, limit=1).total},
    }


def check(workbench: Workbench) -> list[TargetCheck]:
    """Measure each target that the project card states, in the order of the card."""
    return [*_datasets(workbench), *_features(workbench), *_metric(workbench), *_deployment(workbench)]


def _datasets(workbench: Workbench) -> Iterator[TargetCheck]:
    for name in workbench.project.settings.project.targets.datasets:
        try:
            rows = int(workbench.catalog.show(name).dataset.rows.value or 0)
        except MLInfraError as error:
            yield TargetCheck(
                target=f"dataset {name}", limit="present", measured=error.what, verdict="missed", fix=error.fix or f"mlinfra catalog ingest FILES --into {name}"
            )
        else:
            verdict: Literal["met", "missed"] = "met" if rows else "missed"
            yield TargetCheck(target=f"dataset {name}", limit="present", measured=f"{rows:,} rows", verdict=verdict)


def _features(workbench: Workbench) -> Iterator[TargetCheck]:
    limit = workbench.project.settings.project.targets.feature_lag_hours
    if limit is None:
        return
    for view in every(workbench.features.views):
        if view.online:
            yield _freshness(workbench, view, limit)


def _freshness(workbench: Workbench, view: View, limit: float) -> TargetCheck:
    """One view against the target, or against its own ttl where that is shorter: what is past its ttl is not served, so it cannot be fresh."""
    ttl = view.ttl_seconds / 3600 if view.ttl_seconds else None
    most, which = (ttl, f"its ttl, shorter than the target of {limit:g} h") if ttl and ttl < limit else (limit, "the target")
    asked = {"target": f"online features of {view.name}", "limit": f"at most {most:g} h behind their source ({which})"}
    fix = f"mlinfra features materialize {view.name}"
    if view.online_at is None:
        return TargetCheck(**asked, measured="never materialized", verdict="missed", fix=fix)
    try:
        due = workbench.features.due(view.name)
    except MLInfraError:
        due = None
    if due is None:
        return TargetCheck(**asked, measured="the source could not be read", verdict="unknown", fix=f"mlinfra features show {view.name}")
    hours = max(0.0, (due - view.online_at).total_seconds() / 3600)
    if view.freshness is Freshness.EXPIRED:
        measured = f"{hours:,.1f} h, and the newest value, of {view.online_at:%Y-%m-%d %H:%M} UTC, is past its ttl of {ttl:g} h"
        return TargetCheck(**asked, measured=measured, verdict="missed", fix=fix if hours else f"Bring newer rows into its source, then {fix}")
    return TargetCheck(**asked, measured=f"{hours:,.1f} h", verdict="met" if hours <= most else "missed", fix="" if hours <= most else fix)


def _metric(workbench: Workbench) -> Iterator[TargetCheck]:
    targets = workbench.project.settings.project.targets
    if not targets.metric or targets.metric_at_least is None:
        return
    target, limit = f"{targets.metric} of the champion", f"at least {targets.metric_at_least:g}"
    champions = [item for item in every(workbench.experiments.models) if "champion" in item.aliases]
    if not champions:
        yield TargetCheck(
            target=target, limit=limit, measured="no model has a champion", verdict="unknown", fix="mlinfra models promote MODEL/VERSION --alias champion"
        )
        return
    for model in champions:
        value = workbench.experiments.version(f"{model.name}@champion").metrics.get(targets.metric)
        if value is None:
            yield TargetCheck(
                target=target, limit=limit, measured=f"{model.name} has no metric {targets.metric}", verdict="unknown", fix=f"Log {targets.metric} in its run."
            )
        else:
            yield TargetCheck(
                target=target, limit=limit, measured=f"{value:.4f} ({model.name})", verdict="met" if value >= targets.metric_at_least else "missed"
            )


def _deployment(workbench: Workbench) -> Iterator[TargetCheck]:
    card = workbench.project.settings.project
    targets = card.targets
    if targets.latency_p99_ms is None and targets.requests_per_second is None:
        return
    live = [item.name for item in workbench.deployments.list(limit=500).items if item.state == "healthy" and card.deployment in ("", item.name)]
    latency, rate = targets.latency_p99_ms, targets.requests_per_second
    latency_limit = f"p99 at most {latency:g} ms for one row" if latency else ""
    if not live:
        fix = "mlinfra up, or mlinfra deployments deploy MODEL/VERSION"
        limit = latency_limit or f"{rate:g} requests/s"
        yield TargetCheck(target="live deployment", limit=limit, measured="no deployment is healthy", verdict="unknown", fix=fix)
        return
    if latency is not None:
        found = workbench.deployments.latency(live[0], at_most_ms=latency)
        verdict: Literal["met", "missed"] = "met" if found.p99_ms <= latency else "missed"
        yield TargetCheck(target=f"latency of {live[0]}", limit=latency_limit, measured=str(found), verdict=verdict)
    if rate is not None:
        figures = workbench.deployments.measure(live[0], seconds=MEASURE_SECONDS, rate=rate)
        met = figures.rate >= 0.95 * rate and not figures.failed
        measured = f"{figures.rate:.0f} requests/s answered, {figures.failed} of {figures.requests:,} failed"
        yield TargetCheck(target=f"volume of {live[0]}", limit=f"{rate:g} requests/s", measured=measured, verdict="met" if met else "missed")
