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
_COMING = "mlinfra.importing"
"""Tag of a run that is being imported; if one still has it, its import was interrupted and is
repeated.
"""
_PARENT = "mlflow.parentRunId"
_OWN = (IMPORTED, _COMING, "mlflow.log-model.history")


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

    def carry_out(self, store: str, known: dict[str, str]) -> Imported:
        """Import every run that has ended and is not here yet. known: runs imported before."""
        self.ids |= known
        made, models, running, already = list[str](), 0, 0, 0
        for experiment in _all(partial(self.source.search_experiments, max_results=_PAGE)):
            number = ""
            for run in self._runs(experiment.experiment_id):
                id, goes_on = run.info.run_id, run.info.status == "RUNNING"
                if id not in self.ids and not goes_on and self._is_here(id):
                    self.ids[id] = id
                already += id in self.ids
                running += goes_on
                if id in self.ids or goes_on:
                    continue
                number = number or self.experiment(experiment.name)
                models += self._bring(run, number)
                made.append(self.ids[id])
        return Imported(store=store, runs=made, models=models, already=already, running=running)

    def _is_here(self, run: str) -> bool:
        """Whether this very run is here: both addresses lead to one store, or it was collected from
        a job.
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

    def _bring(self, run: Any, experiment: str) -> int:
        """Import one run; returns how many models it logged. It counts as imported only when all of
        it is here.
        """
        old = run.info.run_id
        tags = {key: value for key, value in run.data.tags.items() if key not in _OWN}
        if tags.get(_PARENT) in self.ids:
            tags[_PARENT] = self.ids[tags[_PARENT]]
        made = self.target.create_run(
            experiment,
            start_time=run.info.start_time,
            tags={**tags, _COMING: old},
            run_name=run.info.run_name,
        ).info.run_id
        self._copy_values(run, made)
        with tempfile.TemporaryDirectory() as folder:
            for item in self.source.list_artifacts(old):
                self.source.download_artifacts(old, item.path, folder)
            self.target.log_artifacts(made, folder)
        models = [self._bring_model(model, experiment, made) for model in self._models(run)]
        self.target.set_terminated(made, run.info.status, end_time=run.info.end_time)
        self.target.set_tag(made, IMPORTED, old)
        self.target.delete_tag(made, _COMING)
        self.ids[old] = made
        return len(models)

    def _copy_values(self, run: Any, made: str) -> None:
        from mlflow.entities import Metric, Param

        for params in batched(run.data.params.items(), _PARAMS):
            self.target.log_batch(made, params=[Param(key, value) for key, value in params])
        for key in run.data.metrics:
            for points in batched(self.source.get_metric_history(run.info.run_id, key), _METRICS):
                self.target.log_batch(
                    made,
                    metrics=[
                        Metric(key, point.value, point.timestamp, point.step) for point in points
                    ],
                )
        if run.inputs and run.inputs.dataset_inputs:
            self.target.log_inputs(made, datasets=run.inputs.dataset_inputs)

    def _models(self, run: Any) -> list[Any]:
        return list(
            self.source.search_logged_models(
                [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
            )
        )

    def _bring_model(self, model: Any, experiment: str, run: str) -> str:
        import mlflow
        from mlflow.entities import LoggedModelOutput

        made = self.target.create_logged_model(
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
            self.target.log_model_artifacts(made, _inner(folder))
        self.target.finalize_logged_model(made, "READY")
        self.target.log_outputs(run, [LoggedModelOutput(model_id=made, step=0)])
        return str(made)


def _inner(folder: str) -> str:
    """Where the files of a downloaded model begin: MLflow puts some into a folder named after the
    model.
    """
    from pathlib import Path

    found = next(
        iter(sorted(Path(folder).rglob("MLmodel"), key=lambda path: len(path.parts))), None
    )
    return str(found.parent) if found else folder


def brought_in(client: MlflowClient) -> dict[str, str]:
    """Runs that were imported: id there → id here. A run whose import was interrupted is
    deleted.
    """
    numbers = [
        item.experiment_id for item in _all(partial(client.search_experiments, max_results=_PAGE))
    ]
    if not numbers:
        return {}
    found = dict[str, str]()
    for run in list(
        _all(partial(client.search_runs, numbers, f"tags.`{_COMING}` LIKE '%'", max_results=_PAGE))
    ):
        if IMPORTED not in run.data.tags:
            client.delete_run(run.info.run_id)
    for run in _all(
        partial(client.search_runs, numbers, f"tags.`{IMPORTED}` LIKE '%'", max_results=_PAGE)
    ):
        found[run.data.tags[IMPORTED]] = run.info.run_id
    return found


def _all(fetch: Callable[..., Any]) -> Iterator[Any]:
    token = None
    while True:
        page = fetch(page_token=token)
        yield from page
        token = page.token
        if not token:
            return
