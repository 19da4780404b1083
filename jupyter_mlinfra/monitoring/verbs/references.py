"""The verbs over what a monitor compares with: its settings, and the references of the versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, MLInfraError, NotFound
from ...core.frames import polars_frame
from ..figures import ReferenceReport
from ..hours.recording import Plan
from ..hours.segments import MOST_COLUMNS, no_column
from ..hours.series import SeriesStore
from ..masking import Masking
from ..measures.kpi import check_answers, check_costs
from ..references import profiles as references
from ..references.making import ReferenceMaker, answers_of
from ..references.training_data import inputs_of_version

if TYPE_CHECKING:
    from ...core.frames import Frame
    from ...core.project import Project
    from ...deployments import Deployments
    from ...deployments.runtime.contract import Column
    from ...experiments import Experiments
    from ..references.profiles import Reference
    from ..spec import Monitor
    from ..store import MonitorStore


class ReferenceVerbs:
    """What monitors compare with; a base of `Monitoring`."""

    _project: Project
    _deployments: Deployments
    _experiments: Experiments
    _store: MonitorStore

    def _version_of(self, deployment: str, version: str | None = None) -> tuple[str, str]:
        raise NotImplementedError

    @property
    def _series(self) -> SeriesStore:
        return SeriesStore(self._project)

    @property
    def _masking(self) -> Masking:
        return Masking(self._project)

    def reference(
        self, version: str, frame: Frame, *, score: Sequence[float] | None = None
    ) -> Path:
        """Store what a model version saw in training: bins, counts and quantiles of each input, and
        of its own answers.

        version: `model/3` or `model@alias`. frame: the inputs, one row per example, in Polars or
        pandas; of a model that takes one tensor without a name a column of tensors, or its columns
        side by side. score: its answers, of the same length.
        """
        from ...deployments import as_logged

        model_version = self._experiments.version(version)
        name = f"{model_version.model}/{model_version.version}"
        rows = polars_frame(frame, f"The reference of {name} cannot be made.")
        rows, inputs = as_logged(rows, self._inputs_of(name))
        made = references.make(name, rows, score, inputs=inputs)
        return references.save(self._project, made)

    def _inputs_of(self, model_version: str) -> Sequence[Column]:
        """None if its files cannot be read: then columns are what they look like."""
        try:
            return inputs_of_version(self._experiments, model_version)
        except MLInfraError:
            return ()

    def configure(
        self,
        name: str,
        *,
        segments: Sequence[str] | None = None,
        costs: Mapping[str, float] | None = None,
    ) -> None:
        """Change what a monitor records. segments: columns whose values are measured apart; costs:
        what each outcome (tp, fp, fn, tn, or `TRUE:ANSWERED` of classes) is worth, and `threshold`,
        the probability from which on a decision is for class 1; or of values what a unit too high
        (`over`) or too low (`under`) is; or a unit of `reward`. None leaves it as it is.
        """
        worth = self._checked(self._store.show(name).deployment, segments, costs)
        self._series.ask(name, segments=segments, costs=worth)

    def _checked(
        self,
        deployment: str,
        segments: Sequence[str] | None,
        costs: Mapping[str, float] | None,
    ) -> dict[str, float] | None:
        """The worth of every outcome. Raises BadRequest for what no monitor of it can record."""
        if segments is not None and len(segments) > MOST_COLUMNS:
            raise BadRequest(
                f"{len(segments)} columns are too many for segments.",
                f"A monitor has segments of at most {MOST_COLUMNS}.",
                "Name those that matter.",
            )
        self._masking.check_segments(segments or ())
        worth = None if costs is None else check_costs(costs)
        if costs:
            check_answers(costs, answers_of(self._deployments, deployment))
        return worth

    def _unknown_columns(self, deployment: str, columns: Sequence[str]) -> str:
        """What is to be said of columns that no request has had; empty if all are known. A request
        may have columns beside the inputs of its model.
        """
        try:
            shown = self._deployments.show(deployment)
        except NotFound:
            return ""
        models = [f"{item.model}/{item.version[1:]}" for item in shown.deployment.versions]
        made = [column for model in models for column in self._profiled(model)]
        inputs = list(dict.fromkeys([*(item["name"] for item in shown.signature), *made]))
        others = [name for name in columns if name not in inputs]
        logged = self._logged_columns(deployment) if others else ()
        return " ".join(no_column(name, inputs, logged) for name in others if name not in logged)

    def _logged_columns(self, deployment: str) -> Sequence[str]:
        names = self._deployments.payloads_lazily(deployment).collect_schema().names()
        return [name.removeprefix("input.") for name in names]

    def make_reference(
        self,
        name: str,
        *,
        dataset: str | None = None,
        label: str | None = None,
        score: str | None = None,
    ) -> ReferenceReport:
        """Make the reference of the version with most of the traffic from the data that it was
        trained on, which lineage knows, or from another dataset.

        name: of a monitor or a deployment. label, score: columns with the true values and with the
        model's answers; without `score` the deployment is asked, if it is up.
        """
        try:
            deployment = self._store.show(name).deployment
        except NotFound:
            deployment = name
        return self._maker(deployment).make(
            *self._version_of(deployment), dataset=dataset, label=label, score=score
        )

    def _ensure_reference(self, deployment: str) -> None:
        """Make the reference of the version with most of the traffic, if it has none."""
        version, model_version = self._version_of(deployment)
        try:
            references.load(self._project, model_version)
        except NotFound:
            self._maker(deployment).make(version, model_version)

    def _maker(self, deployment: str) -> ReferenceMaker:
        return ReferenceMaker(
            self._project, self._deployments, self._experiments, deployment=deployment
        )

    def _plan(self, monitor: Monitor) -> Plan:
        asked, costs = self._series.asked(monitor.name)
        models = self._models(monitor.deployment)
        kept: dict[str, Reference | None] = {}

        def reference(version: str) -> Reference | None:
            if version not in kept:
                model = models.get(version) or next(iter(models.values()), "")
                kept[version] = self._loaded(f"{model}/{version.removeprefix('v')}")
            return kept[version]

        def digest(version: str) -> str:
            found = reference(version)
            return found.digest if found else ""

        return Plan(
            deployment=monitor.deployment,
            segments=self._masking.segments(asked),
            answers=answers_of(self._deployments, monitor.deployment),
            costs=costs,
            reference=reference,
            digest=digest,
        )

    def _models(self, deployment: str) -> Mapping[str, str]:
        try:
            versions = self._deployments.show(deployment).deployment.versions
        except NotFound:
            return {}
        return {item.version: item.model for item in versions}

    def _loaded(self, model_version: str) -> Reference | None:
        try:
            return references.load(self._project, model_version)
        except MLInfraError:
            return None

    def _profiled(self, model_version: str) -> Sequence[str]:
        """The columns that a reference has; none without one."""
        found = self._loaded(model_version)
        return [column.name for column in found.columns] if found else ()

    def _reference_trouble(self, model_version: str) -> str:
        try:
            references.load(self._project, model_version)
        except MLInfraError as error:
            return str(error)
        return ""
