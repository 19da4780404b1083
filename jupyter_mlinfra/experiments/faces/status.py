"""What `mlinfra status` counts, and what `mlinfra project check` measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...core.records import every
from ...core.targets import TargetCheck
from .. import Experiment

if TYPE_CHECKING:
    from ...workbench import Workbench


def count_experiments(workbench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    experiments = list(every(workbench.experiments.experiments))
    return {"experiments": len(experiments), **_runs(experiments)}


def _runs(experiments: Sequence[Experiment]) -> dict[str, int | str]:
    """How many there are, where the store counts them."""
    counted = [item.runs for item in experiments if item.runs is not None]
    return {"runs": sum(counted)} if len(counted) == len(experiments) else {}


def count_models(workbench: Workbench) -> dict[str, int | str]:
    """Objects by what they are."""
    models = list(every(workbench.experiments.models))
    return {"models": len(models), "versions": sum(item.versions for item in models)}


def check(workbench: Workbench) -> Iterator[TargetCheck]:
    """The targets of the project card that are about it."""
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
