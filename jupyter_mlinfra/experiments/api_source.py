"""The way that works with any store: MLflow's client. Filters, sorts and counts here, because MLflow cannot (`or`, totals)."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from ..core.refs import reference
from . import curves
from .facts import Ends, RunFacts, VersionFacts, dataset_ref, moment, unknown, value_of
from .matching import matches, ordered
from .query import Filter, Sort
from .spec import Curve, Experiment, Model
from .store import Store, explained, load_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE = 1000
_STALE_SECONDS = 30  # a remote store has no cheap sign of change


class ApiSource:
    """Reads through MlflowClient."""

    def __init__(self, store: Store, reason: str, ends: Ends = unknown) -> None:
        load_mlflow()
        self._store = store
        self.reason = reason
        self._ends = cache(ends)

    @contextlib.contextmanager
    def _client(self) -> Iterator[MlflowClient]:
        with explained(self._store):
            yield self._store.client()

    def experiments(self) -> list[Experiment]:
        with self._client() as client:
            found = []
            for item in _pages(lambda token: client.search_experiments(max_results=_PAGE, page_token=token)):
                runs = client.search_runs([item.experiment_id], max_results=_PAGE)
                used = [run.info.end_time or run.info.start_time for run in runs if run.info.end_time or run.info.start_time]
                at = moment(max(used) if used else item.last_update_time)
                if runs or item.experiment_id != "0":
                    found.append(
                        Experiment(
                            ref=reference("experiment", item.name), id=item.experiment_id, name=item.name, runs=len(runs), updated_at=at, more=bool(runs.token)
                        )
                    )
        return sorted(found, key=lambda item: (-item.updated_at.timestamp() if item.updated_at else 0, item.name))

    def experiment_id(self, name: str) -> str | None:
        with self._client() as client:
            active = _pages(lambda token: client.search_experiments(max_results=_PAGE, page_token=token))
            found = {item.name: item.experiment_id for item in active}
        return found.get(name, name if name in found.values() else None)

    def runs(self, experiment: str | None, found: Filter | None, sort: Sort, start: int, count: int) -> tuple[list[RunFacts], int]:
        with self._client() as client:
            names = {item.experiment_id: item.name for item in _pages(lambda token: client.search_experiments(max_results=_PAGE, page_token=token))}
            chosen = list(names) if experiment is None else [experiment]
            raw = list(_pages(lambda token: client.search_runs(chosen, max_results=_PAGE, page_token=token))) if chosen else []
            passing = ordered((facts for facts in (_facts(run, names).told(self._ends) for run in raw) if matches(found, facts)), sort)
            return _with_versions(client, passing[start : start + count]), len(passing)

    def run_states(self, experiment: str) -> list[tuple[str, str, int | None]]:
        with self._client() as client:
            runs = _pages(lambda token: client.search_runs([experiment], max_results=_PAGE, page_token=token))
            return sorted((run.info.run_id, run.info.status.lower(), run.info.end_time) for run in runs)

    def run_ids(self, beginning: str) -> list[str]:
        with self._client() as client:
            if len(beginning) == 32:
                return [run.id for run in self.several([beginning])]
            chosen = [item.experiment_id for item in _pages(lambda token: client.search_experiments(max_results=_PAGE, page_token=token))]
            runs = _pages(lambda token: client.search_runs(chosen, max_results=_PAGE, page_token=token)) if chosen else iter(())
            return sorted(run.info.run_id for run in runs if run.info.run_id.startswith(beginning))[:10]

    def several(self, ids: Sequence[str]) -> list[RunFacts]:
        from mlflow.exceptions import MlflowException

        with self._client() as client:
            names: dict[str, str] = {}
            found = []
            for id in ids:
                try:
                    run = client.get_run(id)
                except MlflowException as error:
                    if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                        continue
                    raise
                number = run.info.experiment_id
                if number not in names:
                    item = client.get_experiment(number)
                    names[number] = item.name if item.lifecycle_stage == "active" else ""
                if run.info.lifecycle_stage == "active" and names[number]:
                    found.append(_facts(run, names).told(self._ends))
            return _with_versions(client, found)

    def curve_metrics(self, ids: Sequence[str]) -> list[str]:
        with self._client() as client:
            return sorted({metric.key for id in ids for metric in client.get_run(id).data.to_proto().metrics if metric.step > 0})

    def curve(self, run: str, metric: str, points: int) -> Curve | None:
        with self._client() as client:
            history = [(item.timestamp, item.step, value_of(item.value, False)) for item in client.get_metric_history(run, metric)]
        return curves.from_history(run, metric, history, points)

    def models(self) -> list[Model]:
        with self._client() as client:
            found = []
            for item in _pages(lambda token: client.search_registered_models(max_results=_PAGE, page_token=token)):
                versions = len(_all_versions(client, item.name))
                aliases = {alias: int(number) for alias, number in sorted(item.aliases.items())}
                at = moment(item.last_updated_timestamp)
                found.append(
                    Model(
                        ref=reference("model", item.name), name=item.name, versions=versions, aliases=aliases, updated_at=at, description=item.description or ""
                    )
                )
        return sorted(found, key=lambda item: (-item.updated_at.timestamp() if item.updated_at else 0, item.name))

    def versions(self, model: str, limit: int) -> list[VersionFacts]:
        with self._client() as client:
            aliases: dict[str, str] = next((item.aliases for item in client.search_registered_models(_named(model))), {})
            found = _all_versions(client, model)
            found.sort(key=lambda item: -int(item.version))
            return [_version(client, item, aliases) for item in found[:limit]]

    def version(self, model: str, version: int) -> VersionFacts | None:
        from mlflow.exceptions import MlflowException

        with self._client() as client:
            try:
                item = client.get_model_version(model, str(version))
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return None
                raise
            return _version(client, item, dict.fromkeys(item.aliases, item.version))

    def logged_models(self, run: str) -> Mapping[str, tuple[str, str]]:
        with self._client() as client:
            number = client.get_run(run).info.experiment_id
            found = client.search_logged_models([number], filter_string=f"source_run_id = '{run}'")
            ordered_models = sorted(found, key=lambda item: item.creation_timestamp)
            return {item.name: (f"models:/{item.model_id}", item.artifact_location) for item in ordered_models}

    def stamp(self) -> str:
        return hashlib.sha256(f"{self._store.shown_uri} {int(time.time() / _STALE_SECONDS)}".encode()).hexdigest()


def _pages(fetch: Callable[[str | None], Any]) -> Iterator[Any]:
    token = None
    while True:
        page = fetch(token)
        yield from page
        token = page.token
        if not token:
            return


def _all_versions(client: MlflowClient, model: str) -> list[Any]:
    return list(_pages(lambda token: client.search_model_versions(_named(model), max_results=_PAGE, page_token=token)))


def _named(name: str) -> str:
    quote = '"' if "'" in name else "'"  # MLflow's filter has no way to escape a quote
    return f"name = {quote}{name}{quote}"


def _facts(run: Any, names: Mapping[str, str]) -> RunFacts:
    info, tags = run.info, {key: value or "" for key, value in sorted(run.data.tags.items())}
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return RunFacts(
        id=info.run_id,
        name=info.run_name or "",
        experiment=names[info.experiment_id],
        status=info.status.lower(),
        user=tags.get("mlflow.user") or info.user_id or "",
        started=info.start_time,
        ended=info.end_time,
        metrics={key: value_of(value, False) for key, value in sorted(run.data.metrics.items())},
        params=dict(sorted(run.data.params.items())),
        tags=tags,
        datasets=sorted(dataset_ref(item.dataset.source_type, item.dataset.source, item.dataset.name, item.dataset.digest) for item in inputs),
    )


def _with_versions(client: MlflowClient, runs: Sequence[RunFacts]) -> list[RunFacts]:
    if not runs:
        return []
    among = ",".join(f"'{run.id}'" for run in runs)
    made: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for item in _pages(lambda token: client.search_model_versions(f"run_id IN ({among})", max_results=_PAGE, page_token=token)):
        made[item.run_id].append((item.name, int(item.version)))
    return [replace(run, versions=[reference("version", name, str(number)) for name, number in sorted(made[run.id])]) for run in runs]


def _version(client: MlflowClient, item: Any, aliases: Mapping[str, str]) -> VersionFacts:
    return VersionFacts(
        model=item.name,
        version=int(item.version),
        run=item.run_id or None,
        created=item.creation_timestamp,
        source=item.source or "",
        location=client.get_model_version_download_uri(item.name, item.version) or item.source or "",
        aliases=[alias for alias, number in aliases.items() if int(number) == int(item.version)],
        tags=item.tags,
    )
