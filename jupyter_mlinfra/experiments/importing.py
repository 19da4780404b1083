"""Import the runs of another MLflow store: parameters, complete metrics, tags, inputs, artifacts
and logged models, through MLflow's own client.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

from .spec import Imported
from .strays import IMPORTED

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE, _METRICS, _PARAMS = 1000, 1000, 100
_IN_PROGRESS = "mlinfra.importing"
"""Tag of a run that is being imported; if one still has it, its import was interrupted and is
repeated.
"""
_PARENT = "mlflow.parentRunId"
_OWN_TAGS = (IMPORTED, _IN_PROGRESS, "mlflow.log-model.history")


@dataclass(slots=True)
class Transfer:
    """From one store to another. experiment: the id of an experiment there, created if its name is
    missing.
    """

    source: MlflowClient
    target: MlflowClient
    experiment: Callable[[str], str]
    ids: dict[str, str] = field(default_factory=dict)
    """Runs that exist here: id in the source → id here."""

    def carry_out(self, store: str, imported: dict[str, str]) -> Imported:
        """Import every run that has ended and is not here yet. imported: runs imported before."""
        self.ids |= imported
        new, models, running, already = list[str](), 0, 0, 0
        for experiment in _all(partial(self.source.search_experiments, max_results=_PAGE)):
            target_experiment = ""
            for run in self._runs(experiment.experiment_id):
                id, is_running = run.info.run_id, run.info.status == "RUNNING"
                if id not in self.ids and not is_running and self._exists(id):
                    self.ids[id] = id
                already += id in self.ids
                running += is_running
                if id in self.ids or is_running:
                    continue
                target_experiment = target_experiment or self.experiment(experiment.name)
                models += self._import_run(run, target_experiment)
                new.append(self.ids[id])
        return Imported(store=store, runs=new, models=models, already=already, running=running)

    def _exists(self, run: str) -> bool:
        """Whether the same run is here already: both addresses lead to one store, or the run was
        collected from a job.
        """
        from mlflow.exceptions import MlflowException

        try:
            self.target.get_run(run)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def _runs(self, experiment: str) -> Iterator[Any]:
        """Oldest first, so that a parent comes before its children."""
        return _all(
            partial(
                self.source.search_runs,
                [experiment],
                max_results=_PAGE,
                order_by=["attributes.start_time ASC"],
            )
        )

    def _import_run(self, run: Any, experiment: str) -> int:
        """Import one run; returns how many models it logged. The run is marked as imported last, so
        an interrupted import is repeated.
        """
        old_id = run.info.run_id
        tags = {key: value for key, value in run.data.tags.items() if key not in _OWN_TAGS}
        if tags.get(_PARENT) in self.ids:
            tags[_PARENT] = self.ids[tags[_PARENT]]
        new_id = self.target.create_run(
            experiment,
            start_time=run.info.start_time,
            tags={**tags, _IN_PROGRESS: old_id},
            run_name=run.info.run_name,
        ).info.run_id
        self._copy_values(run, new_id)
        with tempfile.TemporaryDirectory() as folder:
            for item in self.source.list_artifacts(old_id):
                self.source.download_artifacts(old_id, item.path, folder)
            self.target.log_artifacts(new_id, folder)
        models = [self._import_model(model, experiment, new_id) for model in self._models(run)]
        self.target.set_terminated(new_id, run.info.status, end_time=run.info.end_time)
        self.target.set_tag(new_id, IMPORTED, old_id)
        self.target.delete_tag(new_id, _IN_PROGRESS)
        self.ids[old_id] = new_id
        return len(models)

    def _copy_values(self, run: Any, new_id: str) -> None:
        from mlflow.entities import Metric, Param

        for params in batched(run.data.params.items(), _PARAMS):
            self.target.log_batch(new_id, params=[Param(key, value) for key, value in params])
        for key in run.data.metrics:
            for points in batched(self.source.get_metric_history(run.info.run_id, key), _METRICS):
                self.target.log_batch(
                    new_id,
                    metrics=[
                        Metric(key, point.value, point.timestamp, point.step) for point in points
                    ],
                )
        if run.inputs and run.inputs.dataset_inputs:
            self.target.log_inputs(new_id, datasets=run.inputs.dataset_inputs)

    def _models(self, run: Any) -> list[Any]:
        return list(
            self.source.search_logged_models(
                [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
            )
        )

    def _import_model(self, model: Any, experiment: str, run: str) -> str:
        import mlflow
        from mlflow.entities import LoggedModelOutput

        new_id = self.target.create_logged_model(
            experiment,
            name=model.name,
            source_run_id=run,
            tags=model.tags,
            params=model.params,
            model_type=model.model_type,
        ).model_id
        with tempfile.TemporaryDirectory() as folder:
            mlflow.artifacts.download_artifacts(
                artifact_uri=model.artifact_location, dst_path=folder
            )
            self.target.log_model_artifacts(new_id, _model_root(folder))
        self.target.finalize_logged_model(new_id, "READY")
        self.target.log_outputs(run, [LoggedModelOutput(model_id=new_id, step=0)])
        return str(new_id)


def _model_root(folder: str) -> str:
    """The folder of a downloaded model's files: MLflow puts some into a folder named after the
    model.
    """
    from pathlib import Path

    mlmodel = next(
        iter(sorted(Path(folder).rglob("MLmodel"), key=lambda path: len(path.parts))), None
    )
    return str(mlmodel.parent) if mlmodel else folder


def imported_runs(client: MlflowClient) -> dict[str, str]:
    """Runs that were imported: id there → id here. A run whose import was interrupted is
    deleted.
    """
    experiments = [
        item.experiment_id for item in _all(partial(client.search_experiments, max_results=_PAGE))
    ]
    if not experiments:
        return {}
    new_ids = dict[str, str]()
    for run in list(
        _all(
            partial(
                client.search_runs,
                experiments,
                f"tags.`{_IN_PROGRESS}` LIKE '%'",
                max_results=_PAGE,
            )
        )
    ):
        if IMPORTED not in run.data.tags:
            client.delete_run(run.info.run_id)
    for run in _all(
        partial(client.search_runs, experiments, f"tags.`{IMPORTED}` LIKE '%'", max_results=_PAGE)
    ):
        new_ids[run.data.tags[IMPORTED]] = run.info.run_id
    return new_ids


def _all(fetch: Callable[..., Any]) -> Iterator[Any]:
    token = None
    while True:
        page = fetch(page_token=token)
        yield from page
        token = page.token
        if not token:
            return
