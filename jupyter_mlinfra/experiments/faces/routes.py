"""Routes of experiments, runs, models and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ...faces.handler import Handler, access, remote
from ...faces.parameters import Cursor, Interval, Limit, Many, Name, Text, words

if TYPE_CHECKING:
    from ...core.records import Page
    from ..cards import ModelCard
    from ..spec import Comparison, Curve, Experiment, Model, ModelDetail, Run, Version

read, write, execute = access("experiments")

Points = Annotated[int, Interval(ge=1, le=5000)]


class ExperimentList(Handler):
    @read(slow=remote)
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Experiment]:
        """Experiments, the most recently used first."""
        return self.bench.experiments.experiments(limit=limit, cursor=cursor)


class RunList(Handler):
    @read(slow=remote)
    def get(
        self,
        *,
        experiment: Name | None = None,
        where: Text = "",
        sort: Name = "-started",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Run]:
        """Runs, filtered (`metrics.auc > 0.9`) and sorted (`-metrics.auc`)."""
        return self.bench.experiments.runs(
            experiment, where=where, sort=sort, limit=limit, cursor=cursor
        )


class RunPage(Handler):
    @read(slow=remote)
    def get(self, id: str) -> Run:
        """One run; a unique beginning of its id is enough."""
        return self.bench.experiments.show(id)


class RunCurve(Handler):
    @read(slow=remote)
    def get(self, id: str, *, metric: Name, points: Points = 400) -> Curve:
        """One metric over its steps; minimum and maximum of each bucket are kept."""
        return self.bench.experiments.curves(id, metric, points)


class Compare(Handler):
    @read(slow=remote)
    def get(self, *, ids: Many, curves: bool = True, points: Points = 400) -> Comparison:
        """Runs side by side; `ids` separated by commas."""
        return self.bench.experiments.compare(words(ids), curves=curves, points=points)


class ModelList(Handler):
    @read(slow=remote)
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Model]:
        """Registered models by name."""
        return self.bench.experiments.models(limit=limit, cursor=cursor)


class ModelPage(Handler):
    @read(slow=remote)
    def get(self, name: str) -> ModelDetail:
        """One model and its versions."""
        return self.bench.experiments.model(name)


class ModelVersions(Handler):
    @write(slow=True)
    def post(self, name: str, *, run: Name, artifact: Name = "model") -> Version:
        """Register the model that a run logged as the next version."""
        return self.bench.experiments.register(run, model=name, artifact=artifact)


class VersionPage(Handler):
    @read(slow=remote)
    def get(self, name: str, version: str) -> Version:
        """One version, by number."""
        return self.bench.experiments.version(f"{name}/{version}")


class VersionCard(Handler):
    @read(slow=remote)
    def get(self, name: str, version: str) -> ModelCard:
        """The model card of a version: signature, training data, requirements, tags."""
        return self.bench.experiments.card(f"{name}/{version}")


class VersionPromote(Handler):
    @write(slow=True)
    def post(self, name: str, version: str, *, alias: Name) -> Version:
        """Point an alias at a version; the previous champion stays available as `rollback`."""
        return self.bench.experiments.promote(f"{name}/{version}", alias=alias)


class VersionDelete(Handler):
    @write(slow=True)
    def post(self, name: str, version: str, *, reason: Text = "") -> Version:
        """Take a version out of the registry; refused while an alias points at it, or a deployment
        keeps it.
        """
        return self.bench.experiments.delete_version(f"{name}/{version}", reason=reason)


ROUTES = {
    "experiments/experiments": ExperimentList,
    "experiments/runs": RunList,
    "experiments/runs/{id}": RunPage,
    "experiments/runs/{id}/curve": RunCurve,
    "experiments/compare": Compare,
    "experiments/models": ModelList,
    "experiments/models/{name}": ModelPage,
    "experiments/models/{name}/versions": ModelVersions,
    "experiments/versions/{name}/{version}": VersionPage,
    "experiments/versions/{name}/{version}/card": VersionCard,
    "experiments/versions/{name}/{version}/promote": VersionPromote,
    "experiments/versions/{name}/{version}/delete": VersionDelete,
}
