"""Routes of the pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .handler import Handler, access
from .parameters import Cursor, Limit

if TYPE_CHECKING:
    from ..core.records import Page
    from ..pipelines.spec import Pipeline, PipelineDetail, PipelineRun

read, write, execute = access("pipelines")


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

    @execute
    def post(self, name: str, *, parameters: dict[str, Any] | None = None, force: bool = False) -> PipelineRun:
        """Start a run and answer at once; `force` takes nothing from the cache."""
        return self.bench.pipelines.run(name, parameters=parameters or {}, force=force, wait=False)


class RunPage(Handler):
    @read
    def get(self, id: str) -> PipelineRun:
        """One run and its steps."""
        return self.bench.pipelines.show_run(id)


class RunCancel(Handler):
    @execute
    def post(self, id: str) -> PipelineRun:
        """Stop a run and the jobs of its steps."""
        return self.bench.pipelines.cancel(id)


ROUTES = {
    "pipelines/pipelines": PipelineList,
    "pipelines/pipelines/{name}": PipelinePage,
    "pipelines/pipelines/{name}/runs": PipelineRuns,
    "pipelines/runs/{id}": RunPage,
    "pipelines/runs/{id}/cancel": RunCancel,
}
