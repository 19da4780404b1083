"""What `mlinfra status` counts, and what `mlinfra project check` measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ...core.records import every
from ...core.targets import TargetCheck, unknown

if TYPE_CHECKING:
    from ...workbench import Workbench

MEASURE_SECONDS = 5.0
"""How long the volume of the live deployment is measured."""


def count_deployments(workbench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    deployments = list(every(workbench.deployments.list))
    counts: dict[str, int | str] = {
        "deployments": len(deployments),
        "live": sum(item.state == "healthy" for item in deployments),
    }
    gateway = workbench.deployments.gateway()
    if gateway is not None and gateway.problems:
        counts["gateway"] = " ".join(gateway.problems)
    return counts


def check(workbench: Workbench) -> Iterator[TargetCheck]:
    """The targets of the project card that are about it."""
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
        latency = workbench.deployments.latency(name, at_most_ms=at_most_ms)
    except MLInfraError as error:
        return unknown(target, limit, error)
    return TargetCheck(
        target=target,
        limit=limit,
        measured=str(latency),
        verdict="met" if latency.p99_ms <= at_most_ms else "missed",
    )


def _volume(workbench: Workbench, name: str, rate: float, limit: str) -> TargetCheck:
    target = f"volume of {name}"
    try:
        figures = workbench.deployments.measure(name, seconds=MEASURE_SECONDS, rate=rate)
    except MLInfraError as error:
        return unknown(target, limit, error)
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
