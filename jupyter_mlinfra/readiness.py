"""What the project has, and whether it meets the targets of its card, by measurement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .core.errors import MLInfraError
from .core.records import every
from .features import Freshness

if TYPE_CHECKING:
    from .experiments import Experiment
    from .features import View
    from .workbench import Workbench

MEASURE_SECONDS = 5.0
"""How long the volume of the live deployment is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCheck:
    """One target. verdict: `unknown` when it could not be measured; `fix` then says what is
    missing.
    """

    target: str
    limit: str
    measured: str
    verdict: Literal["met", "missed", "unknown"]
    fix: str = ""


def counts(workbench: Workbench, domains: Collection[str]) -> dict[str, dict[str, int | str]]:
    """Objects of these domains, as `mlinfra status` prints them; for a store that cannot be read,
    its `problem`, beside the others.
    """
    parts: dict[str, tuple[str, Callable[[Workbench], dict[str, int | str]]]] = {
        "catalog": ("catalog", lambda bench: {"datasets": bench.catalog.list(limit=1).total}),
        "features": (
            "features",
            lambda bench: {
                "views": bench.features.views(limit=1).total,
                "features": bench.features.list(limit=1).total,
            },
        ),
        "jobs": ("jobs", _jobs),
        "pipelines": (
            "pipelines",
            lambda bench: {
                "pipelines": bench.pipelines.list(limit=1).total,
                "runs": bench.pipelines.count_runs(),
            },
        ),
        "experiments": ("experiments", _experiments),
        "models": ("experiments", _models),
        "deployments": ("deployments", _deployments),
        "monitoring": ("monitoring", _monitors),
    }
    return {
        name: _counted(workbench, count)
        for name, (domain, count) in parts.items()
        if domain in domains
    }


def _counted(
    workbench: Workbench, count: Callable[[Workbench], dict[str, int | str]]
) -> dict[str, int | str]:
    try:
        return count(workbench)
    except MLInfraError as error:
        return {"problem": str(error)}


def _jobs(workbench: Workbench) -> dict[str, int | str]:
    known = workbench.jobs.counts()
    return {
        state: known.get(state, 0)
        for state in ("queued", "running", "succeeded", "failed", "cancelled", "lost")
    }


def _experiments(workbench: Workbench) -> dict[str, int | str]:
    found = list(every(workbench.experiments.experiments))
    return {"experiments": len(found), **_runs(found)}


def _runs(experiments: Sequence[Experiment]) -> dict[str, int | str]:
    """How many runs there are, if the store counts them."""
    counted = [item.runs for item in experiments if item.runs is not None]
    return {"runs": sum(counted)} if len(counted) == len(experiments) else {}


def _models(workbench: Workbench) -> dict[str, int | str]:
    found = list(every(workbench.experiments.models))
    return {"models": len(found), "versions": sum(item.versions for item in found)}


def _deployments(workbench: Workbench) -> dict[str, int | str]:
    found = list(every(workbench.deployments.list))
    return {"deployments": len(found), "live": sum(item.state == "healthy" for item in found)}


def _monitors(workbench: Workbench) -> dict[str, int | str]:
    return {
        "monitors": workbench.monitoring.list(limit=1).total,
        "firing": workbench.monitoring.alerts(firing=True, limit=1).total,
    }


def check(workbench: Workbench, domains: Collection[str]) -> list[TargetCheck]:
    """Measure each target that the project card states of these domains, in the order of the card.

    What cannot be measured is unknown, and the others are measured all the same.
    """
    parts = {
        "catalog": ("datasets", _datasets),
        "features": ("online features", _features),
        "experiments": ("champion", _metric),
        "deployments": ("live deployment", _deployment),
    }
    return [
        found
        for domain, (name, part) in parts.items()
        if domain in domains
        for found in _as_far_as_possible(name, part(workbench))
    ]


def _as_far_as_possible(target: str, checks: Iterator[TargetCheck]) -> Iterator[TargetCheck]:
    try:
        yield from checks
    except MLInfraError as error:
        yield _unknown(target, "", error)


def _unknown(target: str, limit: str, error: MLInfraError) -> TargetCheck:
    return TargetCheck(
        target=target,
        limit=limit,
        measured=f"{error.what} {error.why}".strip(),
        verdict="unknown",
        fix=error.fix,
    )


def _datasets(workbench: Workbench) -> Iterator[TargetCheck]:
    for name in workbench.project.settings.project.targets.datasets:
        try:
            rows = int(workbench.catalog.show(name).dataset.rows.value or 0)
        except MLInfraError as error:
            yield TargetCheck(
                target=f"dataset {name}",
                limit="present",
                measured=error.what,
                verdict="missed",
                fix=error.fix or f"mlinfra catalog ingest FILES --into {name}",
            )
        else:
            verdict: Literal["met", "missed"] = "met" if rows else "missed"
            yield TargetCheck(
                target=f"dataset {name}",
                limit="present",
                measured=f"{rows:,} rows",
                verdict=verdict,
            )


def _features(workbench: Workbench) -> Iterator[TargetCheck]:
    limit = workbench.project.settings.project.targets.feature_lag_hours
    if limit is None:
        return
    for view in every(workbench.features.views):
        if view.online:
            yield _freshness(workbench, view, limit)


def _freshness(workbench: Workbench, view: View, limit: float) -> TargetCheck:
    """One view against the target, or against its own ttl if that is shorter: values past their ttl
    are not served, so they cannot be fresh.
    """
    ttl = view.ttl_seconds / 3600 if view.ttl_seconds else None
    most, which = (
        (ttl, f"its ttl, shorter than the target of {limit:g} h")
        if ttl and ttl < limit
        else (limit, "the target")
    )
    asked = {
        "target": f"online features of {view.name}",
        "limit": f"at most {most:g} h behind their source ({which})",
    }
    fix = f"mlinfra features materialize {view.name}"
    if view.online_at is None:
        return TargetCheck(**asked, measured="never materialized", verdict="missed", fix=fix)
    try:
        due = workbench.features.due(view.name)
    except MLInfraError:
        due = None
    if due is None:
        return TargetCheck(
            **asked,
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
            **asked,
            measured=measured,
            verdict="missed",
            fix=fix if hours else f"Bring newer rows into its source, then {fix}",
        )
    return TargetCheck(
        **asked,
        measured=f"{hours:,.1f} h",
        verdict="met" if hours <= most else "missed",
        fix="" if hours <= most else fix,
    )


def _metric(workbench: Workbench) -> Iterator[TargetCheck]:
    targets = workbench.project.settings.project.targets
    if not targets.metric or targets.metric_at_least is None:
        return
    target, limit = f"{targets.metric} of the champion", f"at least {targets.metric_at_least:g}"
    champions = [item for item in every(workbench.experiments.models) if "champion" in item.aliases]
    if not champions:
        yield TargetCheck(
            target=target,
            limit=limit,
            measured="no model has a champion",
            verdict="unknown",
            fix="mlinfra models promote MODEL/VERSION --alias champion",
        )
        return
    for model in champions:
        value = workbench.experiments.version(f"{model.name}@champion").metrics.get(targets.metric)
        if value is None:
            yield TargetCheck(
                target=target,
                limit=limit,
                measured=f"{model.name} has no metric {targets.metric}",
                verdict="unknown",
                fix=f"Log {targets.metric} in its run.",
            )
        else:
            yield TargetCheck(
                target=target,
                limit=limit,
                measured=f"{value:.4f} ({model.name})",
                verdict="met" if value >= targets.metric_at_least else "missed",
            )


def _deployment(workbench: Workbench) -> Iterator[TargetCheck]:
    card = workbench.project.settings.project
    targets = card.targets
    if targets.latency_p99_ms is None and targets.requests_per_second is None:
        return
    latency, rate = targets.latency_p99_ms, targets.requests_per_second
    latency_limit, rate_limit = (
        f"p99 at most {latency or 0:g} ms for one row",
        f"{rate or 0:g} requests/s",
    )
    live = [
        item.name
        for item in every(workbench.deployments.list)
        if item.state == "healthy" and card.deployment in ("", item.name)
    ]
    if len(live) != 1:
        measured = (
            f"{len(live)} deployments are healthy"
            if live
            else (
                f"{card.deployment or 'no deployment'} is"
                f" {'not ' if card.deployment else ''}healthy"
            )
        )
        fix = (
            f'Name one in mlinfra.toml: [project] deployment = "{live[0]}"'
            if live
            else "mlinfra up, or mlinfra deployments deploy MODEL/VERSION"
        )
        yield TargetCheck(
            target="live deployment",
            limit=latency_limit if latency else rate_limit,
            measured=measured,
            verdict="unknown",
            fix=fix,
        )
        return
    (name,) = live
    if latency is not None:
        yield _latency(workbench, name, latency, latency_limit)
    if rate is not None:
        yield _volume(workbench, name, rate, rate_limit)


def _latency(workbench: Workbench, name: str, at_most_ms: float, limit: str) -> TargetCheck:
    target = f"latency of {name}"
    try:
        found = workbench.deployments.latency(name, at_most_ms=at_most_ms)
    except MLInfraError as error:
        return _unknown(target, limit, error)
    return TargetCheck(
        target=target,
        limit=limit,
        measured=str(found),
        verdict="met" if found.p99_ms <= at_most_ms else "missed",
    )


def _volume(workbench: Workbench, name: str, rate: float, limit: str) -> TargetCheck:
    target = f"volume of {name}"
    try:
        figures = workbench.deployments.measure(name, seconds=MEASURE_SECONDS, rate=rate)
    except MLInfraError as error:
        return _unknown(target, limit, error)
    met = figures.rate >= 0.95 * rate and not figures.failed
    measured = (
        f"{figures.rate:.0f} requests/s answered, {figures.failed} of {figures.requests:,} failed"
    )
    if not met and not figures.failed and figures.client_slow:
        fix = (
            "Measure again when this machine is less busy, or from another one with a load"
            " generator."
        )
        return TargetCheck(
            target=target,
            limit=limit,
            measured=f"{measured}; the measuring client was too slow to say more",
            verdict="unknown",
            fix=fix,
        )
    return TargetCheck(
        target=target, limit=limit, measured=measured, verdict="met" if met else "missed"
    )
