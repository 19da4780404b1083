"""Routes of the pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from ...faces.handler import Handler, access, remote
from ...faces.parameters import Cursor, Interval, Len, Limit, Name

if TYPE_CHECKING:
    from ...core.records import Page
    from ..spec import (
        Backfill,
        Draft,
        Edited,
        Explanation,
        Exported,
        Pipeline,
        PipelineDetail,
        PipelineRun,
        Proposal,
    )

read, write, execute = access("pipelines")

Draftable = Annotated[str, Len(0, 1_000_000)]
Keys = Annotated[list[Name], Len(1, 5)]
Notebooks = Annotated[list[Name], Len(1, 100)]


class PipelineList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Pipeline]:
        """Pipelines by name."""
        return self.bench.pipelines.list(limit=limit, cursor=cursor)


class PipelinePage(Handler):
    @read
    def get(self, name: str) -> PipelineDetail:
        """One pipeline: its graph and newest runs."""
        return self.bench.pipelines.show(name)


class PipelineRuns(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[PipelineRun]:
        """Runs of a pipeline, newest first."""
        return self.bench.pipelines.runs(name, limit=limit, cursor=cursor)

    @execute(slow=True)
    def post(
        self,
        name: str,
        *,
        parameters: dict[str, Any] | None = None,
        force: bool = False,
        from_step: Name | None = None,
        backend: Name | None = None,
    ) -> PipelineRun:
        """Start a run and answer at once; `force` takes nothing from the cache, `from_step` runs
        that step and what depends on it.
        """
        return self.bench.pipelines.run(
            name,
            parameters=parameters or {},
            force=force,
            from_step=from_step,
            backend=backend,
            wait=False,
        )


class PipelineBackfill(Handler):
    @execute(slow=True)
    def post(
        self,
        name: str,
        *,
        first: Name,
        last: Name,
        every: Literal["day", "week", "month"] = "day",
        parameters: dict[str, Any] | None = None,
        parallel: Annotated[int, Interval(ge=1, le=100)] = 4,
        dry_run: bool = False,
    ) -> Backfill:
        """One run per date from `first` to `last`: what there is to do; unless `dry_run`, it starts
        and continues on its own.
        """
        return self.bench.pipelines.backfill(
            name,
            first=first,
            last=last,
            every=every,
            parameters=parameters or {},
            parallel=parallel,
            dry_run=dry_run,
            wait=False,
        )


class PipelineExport(Handler):
    @read
    def get(
        self,
        name: str,
        *,
        to: Literal["argo"] = "argo",
        image: Name | None = None,
        secret: Name | None = None,
        schedule: Name | None = None,
    ) -> Exported:
        """The pipeline in the form of another system. schedule: of the pipeline, on which it
        starts.
        """
        return self.bench.pipelines.export(
            name, to=to, image=image, secret=secret, schedule=schedule
        )


class PipelineDraft(Handler):
    @read
    def post(self, *, path: Name, text: Draftable) -> Draft:
        """What the text of a pipeline file means, or what is wrong with it and in which line;
        nothing is saved.
        """
        return self.bench.pipelines.draft(path, text)


class PipelineEdit(Handler):
    @read
    def post(
        self,
        *,
        text: Draftable,
        at: Keys,
        value: Any = None,
        parameters: Draftable | None = None,
        rename: Name | None = None,
        new: bool = False,
    ) -> Edited:
        """The text of a pipeline file with another value at the keys `at` (none: without them), or
        a step renamed; nothing is saved.

        Everything else in it stays. parameters: a mapping as YAML (`k: 5`), instead of `value`.
        new: under another name, `train-2`, if the place is taken.
        """
        return self.bench.pipelines.edit(
            text, at, value, parameters=parameters, rename=rename, new=new
        )


class PipelineProposal(Handler):
    @read
    def post(self, *, notebooks: Notebooks, name: Name | None = None) -> Proposal:
        """A first pipeline file for some notebooks: one step each, connected by what their code
        takes and makes; nothing is saved.
        """
        return self.bench.pipelines.propose(notebooks, name=name)


class StepExplain(Handler):
    @read(slow=True)
    def get(self, name: str, step: str) -> Explanation:
        """Why a step would run again now; nothing is run."""
        return self.bench.pipelines.explain(f"{name}/{step}")


class StepRuns(Handler):
    @execute(slow=True)
    def post(
        self,
        name: str,
        step: str,
        *,
        parameters: dict[str, Any] | None = None,
        force: bool = False,
        backend: Name | None = None,
    ) -> PipelineRun:
        """Start one step alone and answer at once; `parameters` are its notebook's."""
        return self.bench.pipelines.run_step(
            name, step, parameters=parameters or {}, force=force, backend=backend, wait=False
        )


class RunPage(Handler):
    @read(slow=remote)
    def get(self, id: str) -> PipelineRun:
        """One run and its steps."""
        return self.bench.pipelines.show_run(id)


class RunCancel(Handler):
    @execute(slow=True)
    def post(self, id: str) -> PipelineRun:
        """Stop a run and the jobs of its steps."""
        return self.bench.pipelines.cancel(id)


class RunRepair(Handler):
    @execute(slow=True)
    def post(self, id: str, *, backend: Name | None = None) -> PipelineRun:
        """Start a run of what failed and what depends on it, and answer at once."""
        return self.bench.pipelines.repair(id, backend=backend, wait=False)


ROUTES = {
    "pipelines/pipelines": PipelineList,
    "pipelines/pipelines/{name}": PipelinePage,
    "pipelines/pipelines/{name}/runs": PipelineRuns,
    "pipelines/pipelines/{name}/backfill": PipelineBackfill,
    "pipelines/pipelines/{name}/export": PipelineExport,
    "pipelines/draft": PipelineDraft,
    "pipelines/edit": PipelineEdit,
    "pipelines/propose": PipelineProposal,
    "pipelines/pipelines/{name}/steps/{step}/explain": StepExplain,
    "pipelines/pipelines/{name}/steps/{step}/runs": StepRuns,
    "pipelines/runs/{id}": RunPage,
    "pipelines/runs/{id}/cancel": RunCancel,
    "pipelines/runs/{id}/repair": RunRepair,
}
