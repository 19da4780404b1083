"""Reads any store, through MLflow's client. MLflow's search does what it can; the rest (`or`,
parameters as numbers) is done here.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import batched, islice
from typing import TYPE_CHECKING, Any

from ..core.records import next_cursor, parse_cursor
from ..core.refs import reference
from . import curves
from .facts import (
    JOB,
    Ends,
    FoundRuns,
    RunFacts,
    VersionFacts,
    dataset_ref,
    moment,
    unknown,
    value_of,
)
from .listing import Listing
from .matching import matches, ordered
from .pushing import CHANGED_BY_JOB_END, pushed_filter, pushed_order, quoted_text
from .query import Filter, Sort
from .spec import Curve, Experiment, Model
from .store import TrackingStore, explained, load_mlflow
from .strays import IMPORTED

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE, _VERSIONS = 1000, 10_000
_SINGLY, _IDS = 2, 100
"""Up to `_SINGLY` runs are requested one by one; more in searches of `_IDS` each."""
_IN_ADDRESS, _ADDRESSES = 50, 10
"""Ids in one address (2 kB), and the number of addresses beyond which all versions are
requested.
"""
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w-]*")
"""What MLflow accepts as an id; no other exists."""
_STALE_SECONDS = 30  # a remote store has no cheap sign of a change


class ApiSource:
    """Reads through MlflowClient. One object serves one call of the service and asks
    nothing twice.
    """

    def __init__(self, store: TrackingStore, reason: str, ends: Ends = unknown) -> None:
        load_mlflow()
        self._store = store
        self.reason = reason
        self._ends = cache(ends)
        self._names: dict[str, str] = {}
        self._runs: dict[str, Any] = {}

    @contextlib.contextmanager
    def _client(self) -> Iterator[MlflowClient]:
        with explained(self._store):
            yield self._store.client()

    def experiments(self) -> list[Experiment]:
        with self._client() as client:
            active = list(
                _pages(lambda token: client.search_experiments(max_results=_PAGE, page_token=token))
            )
        experiments = [
            Experiment(
                ref=reference("experiment", item.name),
                id=item.experiment_id,
                name=item.name,
                runs=None,
                updated_at=moment(item.last_update_time),
            )
            for item in active
        ]
        return sorted(
            experiments,
            key=lambda item: (-item.updated_at.timestamp() if item.updated_at else 0, item.name),
        )

    def experiment_id(self, name: str) -> str | None:
        with self._client() as client:
            experiment = client.get_experiment_by_name(name) or self._experiment(client, name)
        if experiment is None or experiment.lifecycle_stage != "active":
            return None
        self._names[experiment.experiment_id] = experiment.name
        return str(experiment.experiment_id)

    def _experiment(self, client: MlflowClient, number: str) -> Any:
        return (
            _or_none(lambda: client.get_experiment(number))
            if number.isascii() and number.isdecimal()
            else None
        )

    def _all_names(self, client: MlflowClient) -> dict[str, str]:
        self._names |= {
            item.experiment_id: item.name
            for item in _pages(
                lambda token: client.search_experiments(max_results=_PAGE, page_token=token)
            )
        }
        return self._names

    def runs(
        self,
        experiment: str | None,
        run_filter: Filter | None,
        sorts: Sequence[Sort],
        cursor: str | None,
        count: int,
    ) -> FoundRuns:
        with self._client() as client:
            if experiment is not None and experiment not in self._names:
                self.experiment_id(experiment)
            chosen = list(self._all_names(client)) if experiment is None else [experiment]
            if not chosen:
                return FoundRuns(runs=[], total=0)
            pushed = pushed_filter(run_filter)
            listing = Listing(client, chosen, pushed.text)
            order = pushed_order(
                sorts,
                ends_differ=any(sort.field.key in CHANGED_BY_JOB_END for sort in sorts)
                and self._any_running_job(client, chosen),
            )
            if order is None:
                page = self._ordered_locally(listing, run_filter, sorts, cursor, count)
            else:
                page = listing.part(
                    order,
                    lambda run: self._passing(run, run_filter),
                    cursor,
                    count,
                    exact=pushed.exact,
                )
            return replace(page, runs=_with_versions(client, page.runs))

    def _any_running_job(self, client: MlflowClient, experiments: Sequence[str]) -> bool:
        """Whether the server has a running run whose job may have ended."""
        return bool(
            client.search_runs(
                list(experiments),
                f"attributes.status = 'RUNNING' and tags.`{JOB}` LIKE '%'",
                max_results=1,
            )
        )

    def _ordered_locally(
        self,
        listing: Listing,
        run_filter: Filter | None,
        sorts: Sequence[Sort],
        cursor: str | None,
        count: int,
    ) -> FoundRuns:
        start = parse_cursor(cursor)
        passing = ordered(
            (facts for run in listing.every() if (facts := self._passing(run, run_filter))), sorts
        )
        page = passing[start : start + count]
        return FoundRuns(
            runs=page, total=len(passing), cursor=next_cursor(start, len(page), len(passing))
        )

    def _passing(self, run: Any, run_filter: Filter | None) -> RunFacts | None:
        facts = _facts(run, self._names).with_job_end(self._ends)
        return facts if matches(run_filter, facts) else None

    def run_states(self, experiment: str) -> list[tuple[str, str, int | None]]:
        with self._client() as client:
            return sorted(
                (run.info.run_id, run.info.status.lower(), run.info.end_time)
                for run in Listing(client, [experiment]).every()
            )

    def run_ids(self, beginning: str) -> list[str]:
        if not (beginning.isascii() and beginning.isalnum()):
            return []  # no id has such a character, and `%` would match any
        with self._client() as client:
            chosen = list(self._all_names(client))
            text = f"attributes.run_id LIKE '{beginning}%'"
            runs = (
                client.search_runs(chosen, text, max_results=10, order_by=["attributes.run_id ASC"])
                if chosen
                else []
            )
            return sorted(run.info.run_id for run in runs)

    def several(self, ids: Sequence[str]) -> list[RunFacts]:
        with self._client() as client:
            runs = self._fetch_runs(client, ids)
            return _with_versions(
                client,
                [
                    _facts(runs[id], self._names).with_job_end(self._ends)
                    for id in ids
                    if id in runs
                ],
            )

    def _fetch_runs(self, client: MlflowClient, ids: Sequence[str]) -> dict[str, Any]:
        """The active runs among these, as MLflow has them: one by one if they are few, else many in
        one search.
        """
        missing = [id for id in dict.fromkeys(ids) if id not in self._runs]
        if len(missing) <= _SINGLY:
            for id in missing:
                run = _or_none(partial(client.get_run, id))
                if run is None or run.info.lifecycle_stage != "active":
                    continue
                number = run.info.experiment_id
                if number not in self._names:
                    self.experiment_id(number)
                if number in self._names:
                    self._runs[id] = run
        else:
            chosen = list(self._all_names(client))
            for part in batched(filter(_RUN_ID.fullmatch, missing), _IDS):
                text = f"attributes.run_id IN ({', '.join(map(quoted_text, part))})"
                self._runs |= {
                    run.info.run_id: run
                    for run in client.search_runs(chosen, text, max_results=_IDS)
                }
        return {id: self._runs[id] for id in ids if id in self._runs}

    def curve_metrics(self, ids: Sequence[str]) -> list[str]:
        with self._client() as client:
            return sorted(
                {
                    metric.key
                    for run in self._fetch_runs(client, ids).values()
                    for metric in run.data.to_proto().metrics
                    if metric.step > 0
                }
            )

    def curve(self, run: str, metric: str, points: int) -> Curve | None:
        with self._client() as client:
            history = [
                (item.timestamp, item.step, value_of(item.value, False))
                for item in client.get_metric_history(run, metric)
            ]
        return curves.from_history(run, metric, history, points)

    def models(self) -> list[Model]:
        with self._client() as client:
            registered = list(
                _pages(
                    lambda token: client.search_registered_models(
                        max_results=_PAGE, page_token=token
                    )
                )
            )
            versions = (
                Counter(item.name for item in _versions(client, ""))
                if registered
                else Counter[str]()
            )
        models = [
            Model(
                ref=reference("model", item.name),
                name=item.name,
                versions=versions[item.name],
                aliases={alias: int(number) for alias, number in sorted(item.aliases.items())},
                updated_at=moment(item.last_updated_timestamp),
                description=item.description or "",
            )
            for item in registered
        ]
        return sorted(
            models,
            key=lambda item: (-item.updated_at.timestamp() if item.updated_at else 0, item.name),
        )

    def versions(self, model: str, limit: int) -> list[VersionFacts]:
        with self._client() as client:
            registered = _or_none(lambda: client.get_registered_model(model))
            if registered is None:
                return []
            versions = _versions(
                client,
                _name_filter(model),
                size=min(limit, _VERSIONS),
                order_by=["version_number DESC"],
            )
            newest = islice((item for item in versions if item.name == model), limit)
            return [_version(item, "", registered.aliases) for item in newest]

    def version(self, model: str, version: int) -> VersionFacts | None:
        with self._client() as client:
            item = _or_none(lambda: client.get_model_version(model, str(version)))
            if item is None:
                return None
            location = (
                client.get_model_version_download_uri(item.name, item.version) or item.source or ""
            )
            return _version(item, location, dict.fromkeys(item.aliases, item.version))

    def logged_models(self, run: str) -> Mapping[str, tuple[str, str]]:
        with self._client() as client:
            number = client.get_run(run).info.experiment_id
            logged = client.search_logged_models([number], filter_string=f"source_run_id = '{run}'")
            ordered_models = sorted(logged, key=lambda item: item.creation_timestamp)
            return {
                item.name: (f"models:/{item.model_id}", item.artifact_location)
                for item in ordered_models
            }

    def imported(self) -> set[str]:
        with self._client() as client:
            return {
                run.data.tags[IMPORTED]
                for run in Listing(
                    client, list(self._all_names(client)), f"tags.`{IMPORTED}` LIKE '%'"
                ).every()
            }

    def stamp(self) -> str:
        return hashlib.sha256(
            f"{self._store.shown_uri} {int(time.time() / _STALE_SECONDS)}".encode()
        ).hexdigest()


def _pages(fetch: Callable[[str | None], Any]) -> Iterator[Any]:
    token = None
    while True:
        page = fetch(token)
        yield from page
        token = page.token
        if not token:
            return


def _or_none(request: Callable[[], Any]) -> Any:
    """What MLflow answers; None if the object does not exist or its id is not valid."""
    from mlflow.exceptions import MlflowException

    try:
        return request()
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _versions(
    client: MlflowClient,
    filter_text: str,
    *,
    size: int = _VERSIONS,
    order_by: list[str] | None = None,
) -> Iterator[Any]:
    """Versions of models that pass an MLflow filter."""
    return _pages(
        lambda token: client.search_model_versions(
            filter_text or None, max_results=size, page_token=token, order_by=order_by
        )
    )


def _name_filter(name: str) -> str:
    """A filter that at least this model passes: for a name that MLflow's language cannot write, a
    pattern.
    """
    if text := quoted_text(name):
        return f"name = {text}"
    pattern = "".join(char if char.isprintable() and char not in "'\"\\" else "_" for char in name)
    return f"name LIKE '{pattern}'"


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
        datasets=sorted(
            dataset_ref(
                item.dataset.source_type,
                item.dataset.source,
                item.dataset.name,
                item.dataset.digest,
            )
            for item in inputs
        ),
    )


def _with_versions(client: MlflowClient, runs: Sequence[RunFacts]) -> list[RunFacts]:
    """The runs with the versions registered from them. The filter is part of the address, whose
    length servers and proxies limit: few ids at a time, or no filter.
    """
    parts = list(batched((run.id for run in runs), _IN_ADDRESS))
    texts = (
        ["run_id IN ({})".format(",".join(f"'{id}'" for id in part)) for part in parts]
        if len(parts) <= _ADDRESSES
        else [""]
    )
    versions_of: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for text in texts:
        for item in _versions(client, text):
            versions_of[item.run_id].append((item.name, int(item.version)))
    return [
        replace(
            run,
            versions=[
                reference("version", name, str(number))
                for name, number in sorted(versions_of[run.id])
            ],
        )
        for run in runs
    ]


def _version(item: Any, location: str, aliases: Mapping[str, str]) -> VersionFacts:
    return VersionFacts(
        model=item.name,
        version=int(item.version),
        run=item.run_id or None,
        created=item.creation_timestamp,
        source=item.source or "",
        location=location,
        aliases=[alias for alias, number in aliases.items() if int(number) == int(item.version)],
        tags=item.tags,
        description=item.description or "",
    )
