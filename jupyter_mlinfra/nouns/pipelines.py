"""`ml.pipeline` and `ml.schedule`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.errors import NotFound
from ..core.records import PAGE_LIMIT
from ..widgets.reprs import Records
from ..workbench import Workbench, current
from .shown import Shown

if TYPE_CHECKING:
    from datetime import datetime

    from ..pipelines import Schedule
    from ..pipelines.schedules.spec import Firing
    from ..pipelines.spec import Backfill, Explanation, PipelineDetail, PipelineRun


def pipeline(name: str) -> PipelineHandle:
    """A pipeline by the name in its file."""
    return PipelineHandle(current(), name)


def schedule(name: str) -> ScheduleHandle:
    """A schedule by name."""
    return ScheduleHandle(current(), name)


@dataclass(frozen=True)
class PipelineHandle(Shown):
    """One pipeline."""

    workbench: Workbench = field(repr=False)
    name: str

    @property
    def record(self) -> PipelineDetail:
        """Its graph and newest runs."""
        return self.workbench.pipelines.show(self.name)

    def run(
        self,
        *,
        force: bool = False,
        from_step: str | None = None,
        backend: str | None = None,
        **parameters: Any,
    ) -> PipelineRun:
        """Run it; steps whose code, parameters and inputs are unchanged are taken from the cache.
        from_step: run this one and what depends on it.
        """
        return self.workbench.pipelines.run(
            self.name, parameters=parameters, force=force, from_step=from_step, backend=backend
        )

    def step(self, name: str) -> StepHandle:
        """One of its steps, or all elements of a `foreach`; one element is `train[max_depth=4]`."""
        return StepHandle(self.workbench, self.name, name)

    def repair(self, run: str | None = None) -> PipelineRun:
        """Run what failed in a run (default: the newest), and what depends on it; the rest is taken
        from that run.
        """
        newest = self.workbench.pipelines.runs(self.name, limit=1).items
        if run is None and not newest:
            raise NotFound(
                f"Pipeline {self.name} has no run yet.", fix=f'ml.pipeline("{self.name}").run()'
            )
        return self.workbench.pipelines.repair(run or newest[0].run)

    def backfill(
        self,
        first: str,
        last: str,
        *,
        every: str = "day",
        dry_run: bool = False,
        parallel: int = 4,
        **parameters: Any,
    ) -> Backfill:
        """One run for each date of a range, oldest first; what is done and unchanged is skipped.
        dry_run: only count.
        """
        return self.workbench.pipelines.backfill(
            self.name,
            first=first,
            last=last,
            every=every,
            parameters=parameters,
            parallel=parallel,
            dry_run=dry_run,
        )

    def _shown(self) -> Any:
        return self.record


@dataclass(frozen=True)
class ScheduleHandle(Shown):
    """One schedule."""

    workbench: Workbench = field(repr=False)
    name: str

    @property
    def record(self) -> Schedule:
        """Its next due times, and how many were missed."""
        return self.workbench.schedules.show(self.name)

    def create(
        self,
        *,
        cron: str | None = None,
        tz: str | None = None,
        pipeline: str | None = None,
        job: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Schedule:
        """Create it, for a pipeline or a job (fields of a JobSpec); with neither, for the pipeline
        of its own name.

        facts: parameters, catchup, grace_seconds, overlap. Raises Conflict if the name is taken.
        """
        return self.workbench.schedules.create(
            self.name, cron=cron, tz=tz, pipeline=pipeline, job=job, **facts
        )

    def update(self, **facts: Any) -> Schedule:
        """Change the given fields, named as in `create`."""
        return self.workbench.schedules.update(self.name, **facts)

    def delete(self) -> None:
        """Delete it and its history; what it started continues."""
        self.workbench.schedules.delete(self.name)

    def pause(self) -> Schedule:
        """Start nothing until `resume`."""
        return self.workbench.schedules.pause(self.name)

    def resume(self) -> Schedule:
        """Continue with the next due time."""
        return self.workbench.schedules.resume(self.name)

    def run_now(self, *, due: datetime | None = None) -> Firing:
        """Start it at once; due: for that due time, such as a missed one."""
        return self.workbench.schedules.run_now(self.name, due=due)

    def history(self, *, limit: int = PAGE_LIMIT) -> Sequence[Firing]:
        """What happened at its due times, newest first."""
        return Records(self.workbench.schedules.history(self.name, limit=limit).items)

    def _shown(self) -> Any:
        return self.record


@dataclass(frozen=True)
class StepHandle(Shown):
    """One step of a pipeline."""

    workbench: Workbench = field(repr=False)
    pipeline: str
    name: str

    def explain(self) -> Explanation:
        """Why it would run again now, or that it would not."""
        return self.workbench.pipelines.explain(f"{self.pipeline}/{self.name}")

    def run(
        self, *, force: bool = False, backend: str | None = None, **parameters: Any
    ) -> PipelineRun:
        """Run it alone, with other values for some of its notebook's parameters; its inputs must
        exist.
        """
        return self.workbench.pipelines.run_step(
            self.pipeline, self.name, parameters=parameters, force=force, backend=backend
        )

    def _shown(self) -> Any:
        return self.explain()
