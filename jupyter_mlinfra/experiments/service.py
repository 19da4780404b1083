"""The verbs of experiments: read, compare, track, register, promote."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from hashlib import blake2b
from typing import Any

from ..core.errors import BadRequest, MLInfraError, NotFound
from ..core.events import telling
from ..core.files import file_lock
from ..core.project import Project
from ..core.records import Page, check_limit, page_of
from ..core.refs import named, reference
from ..core.search import Document
from . import compare, documents, importing, registry, tracking
from .checking import check_keys, kinds_of
from .facts import RunFacts
from .query import parse_filter, parse_sort
from .registry import Registry
from .snippets import comparison, model_code
from .source import Source, choose
from .spec import Comparison, Curve, Experiment, Imported, Model, ModelDetail, Run, Version
from .store import TrackingStore, explained
from .strays import Stray, address_of, is_same_store, note_of, strays, without
from .versions import Unused, Uses, VersionVerbs

CURVES, CURVE_LINES = 12, 240
"""A comparison carries the curves of at most this many metrics, and at most this many curves in
all; `curves` returns any other.
"""

COMPARED, POINTS, VERSIONS = 100, 5000, 200
_ID = 32
"""The length of a complete id, which need not be looked up by prefix."""


class Experiments(VersionVerbs):
    """Runs, models and versions of one project, stored by MLflow. Reading the embedded store does
    not import MLflow.
    """

    def __init__(
        self,
        project: Project,
        *,
        unservable: registry.Unservable = lambda *_: "",
        runs_code: registry.RunsCode = lambda _: True,
        uses: Callable[[], Uses] = Unused,
    ) -> None:
        """unservable: says why a model cannot be deployed, judged by its files. runs_code:
        whether loading it runs code from its files. uses: opened when a version is deleted.
        """
        self._project, self._uses = project, uses
        self._store = TrackingStore(project)
        self._registry = Registry(project, self._store, self._source, unservable, runs_code)

    def _source(self) -> Source:
        return choose(self._store, self._end_of)

    @property
    def tracking_uri(self) -> str:
        """MLflow's tracking and registry URI."""
        return self._store.uri

    @property
    def slow_reason(self) -> str:
        """Why lists are read the slow way; empty if they are not."""
        return self._source().reason

    def activate(self) -> None:
        """Point plain `mlflow` calls of this process, and of its children unless the address holds
        a secret, at this project's store.
        """
        self._store.activate()

    def environment(self) -> dict[str, str]:
        """Environment variables that have the effect of `activate` in a child process, without an
        address that holds a secret.
        """
        return self._store.environment()

    def experiments(self, *, limit: int = 50, cursor: str | None = None) -> Page[Experiment]:
        """Active experiments, most recently used first. The note names a store that plain MLflow
        left in the project's folders.
        """
        source = self._source()
        return replace(
            page_of(source.experiments(), limit=limit, cursor=cursor),
            note=note_of(self._strays(source), self._project.root),
        )

    def stray_note(self) -> str:
        """Which stores plain MLflow left in the project's folders, and how to import their runs;
        empty if there are none.
        """
        return note_of(self._strays(self._source()), self._project.root)

    def bring_in(self, store: str | None = None) -> list[Imported]:
        """Import the runs of other MLflow stores, each once. Running runs and registered models are
        not imported.

        store: an MLflow address, or the path of an `mlflow.db` or `mlruns`; default: all in the
        project's folders. Raises NotFound if nothing is there, BadRequest for the project's own
        store, Unavailable if a store cannot be read.
        """
        found_stores = self._strays(self._source()) if store is None else []
        addresses = (
            {str(item.path): item.uri for item in found_stores}
            if store is None
            else {store: self._address_of(store)}
        )
        with file_lock(self._project.home / "mlflow.import.lock"):
            imported = [self._bring_in(name, uri) for name, uri in addresses.items()]
        if any(item.runs for item in imported):
            with telling("runs were imported"):
                self._project.events.emit(
                    "run", "", {"verb": "import", "runs": sum(len(item.runs) for item in imported)}
                )
        return imported

    def _address_of(self, store: str) -> str:
        address = address_of(store, self._project.root)
        if is_same_store(address, self._store.uri):
            raise BadRequest(
                f"{store} is the project's own store.",
                "Its runs are already here.",
                "mlinfra runs list shows them.",
            )
        return address

    def _bring_in(self, name: str, uri: str) -> Imported:
        target = self._store.client()
        from mlflow import MlflowClient

        with explained(self._store):
            imported = importing.imported_runs(target)
            transfer = importing.Transfer(
                MlflowClient(tracking_uri=uri),
                target,
                partial(tracking.experiment_id, self._store, target),
            )
            return transfer.carry_out(name, imported)

    def _strays(self, source: Source) -> list[Stray]:
        stores = strays(self._project.root, self._store.sqlite)
        return without(stores, source.imported()) if stores else []

    def runs(
        self,
        experiment: str | None,
        *,
        where: str = "",
        sort: str = "-started",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Run]:
        """Runs of an experiment (name, id or reference; None for all) that pass the filter, in
        order.

        where: see `query`. sort: `-started`, `metrics.auc, -params.depth`, `metrics.auc DESC`; `-`
        is descending. Raises BadRequest, which points at the error in a filter or names a key that
        no run has; NotFound if there is no such experiment.
        """
        source, sorts = self._source(), parse_sort(sort)
        check_limit(limit)
        number = self._experiment_id(source, experiment) if experiment else None
        run_filter = parse_filter(where, partial(kinds_of, source, number))
        page = source.runs(number, run_filter, sorts, cursor, limit)
        if not cursor:
            check_keys(source, number, sorts, page.runs)
        runs = [run.record() for run in page.runs]
        return Page(
            items=runs, shown=len(runs), total=page.total, cursor=page.cursor, more=page.more
        )

    def show(self, run: str) -> Run:
        """One run by id, the beginning of an id, or reference. Raises NotFound, or BadRequest if
        several ids begin like this.
        """
        return self._facts(self._source(), run).record()

    def names(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Names of runs by their complete ids, in one query; without those that do not exist."""
        return {run.id: run.record().name for run in self._source().several(ids)}

    def compare(self, ids: Sequence[str], *, curves: bool = True, points: int = 400) -> Comparison:
        """Two or more runs side by side, in this order."""
        source = self._source()
        runs = [run.record() for run in self._find_runs(source, ids)]
        if not 2 <= len(runs) <= COMPARED:
            raise BadRequest(
                f"{len(runs)} runs cannot be compared.",
                f"A comparison takes 2 to {COMPARED} different runs.",
                "mlinfra runs compare A B",
            )
        _check_points(points)
        run_ids = [run.id for run in runs]
        metrics = source.curve_metrics(run_ids) if curves else []
        drawn = metrics[: max(1, min(CURVES, CURVE_LINES // len(runs)))]
        drawn_curves = [
            curve
            for metric in drawn
            for id in run_ids
            if (curve := source.curve(id, metric, points))
        ]
        code = comparison([run.id for run in runs], drawn[0] if drawn else None)
        return Comparison(
            runs=runs,
            rows=compare.differences(runs),
            curves=drawn_curves,
            code=code,
            curve_metrics=metrics,
        )

    def curves(self, run: str, metric: str, points: int = 400) -> Curve:
        """One metric of one run over its steps, in at most `points` buckets. Raises NotFound if the
        run has no such metric.
        """
        _check_points(points)
        source = self._source()
        facts = self._facts(source, run)
        curve = source.curve(facts.id, metric, points)
        if curve is None:
            raise NotFound(
                f"Run {facts.id[:8]} has no metric {metric}.",
                f"It has: {', '.join(sorted(facts.metrics)[:20]) or 'none'}.",
                _suggestion(metric, list(facts.metrics)),
            )
        return curve

    def track(
        self,
        experiment: str,
        *,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        datasets: Sequence[Any] = (),
        run: str | None = None,
    ) -> AbstractContextManager[tracking.TrackedRun]:
        """Run a `with` block as a run: notebook, job, pipeline step, commit, user and datasets are
        recorded automatically.

        datasets: names, references (`dataset:ns.t@snapshot`, `view:v`) or catalog tables; a dataset
        gets its newest snapshot. run: id of a run to continue, as from `training.resumed_run()`;
        None begins a new one. A block that ends by sys.exit(75), as a job does that saved its work
        and will be restarted, leaves its run as scheduled. Raises NotFound, before the run begins,
        if the catalog has no such dataset.
        """
        return tracking.track(
            self._project,
            self._store,
            experiment,
            name=name,
            tags=tags or {},
            datasets=datasets,
            continues=run,
        )

    def log_metrics(self, run: str, metrics: Mapping[str, float], *, step: int = 0) -> Run:
        """Add metrics to a run, also to one that has ended."""
        facts = self._facts(self._source(), run)
        tracking.log_metrics(self._store, self._store.client(), facts.id, metrics, step=step)
        with telling(f"run:{facts.id} has new metrics"):
            self._project.events.emit(
                "run",
                f"run:{facts.id}",
                {"name": facts.name, "experiment": facts.experiment, "state": facts.status},
            )
        return self.show(facts.id)

    def register(self, run: str, *, model: str, artifact: str = "model") -> Version:
        """Make the model that a run logged a version of `model`; called again for the same run, it
        returns the same version.

        Raises NotFound if the run logged no such model, Unprocessable if the model has no
        signature.
        """
        facts = self._facts(self._source(), run)
        created = self._registry.register(facts, model=model, artifact=artifact)
        ref = reference("version", model, str(created.version))
        with telling(f"{ref} is registered"):
            self._project.lineage.record("register", inputs=[f"run:{facts.id}"], outputs=[ref])
            self._project.events.emit(
                "model",
                reference("model", model),
                {"verb": "register", "version": created.version, "run": facts.id},
            )
        return self._version(created)

    def promote(self, ref: str, *, alias: str) -> Version:
        """Point an alias at a version; the previous champion stays available as `rollback`.

        Raises Unprocessable if the version has no signature.
        """
        promoted = self._registry.promote(ref, alias=alias)
        with telling(f"{reference('version', promoted.model, str(promoted.version))} is {alias}"):
            self._project.events.emit(
                "model",
                reference("model", promoted.model),
                {"verb": "promote", "version": promoted.version, "alias": alias},
            )
        return self._version(promoted)

    def models(self, *, limit: int = 50, cursor: str | None = None) -> Page[Model]:
        """Registered models, most recently changed first."""
        return page_of(self._source().models(), limit=limit, cursor=cursor)

    def model(self, name: str) -> ModelDetail:
        """A model with its newest versions."""
        name = named(name, "model")
        source = self._source()
        models = source.models()
        model = next((item for item in models if item.name == name), None)
        if model is None:
            names = [item.name for item in models]
            raise NotFound(
                f"There is no model {name}.",
                f"Models: {', '.join(names[:10]) or 'none'}.",
                _suggestion(name, names) or "mlinfra models list shows them all.",
            )
        versions = source.versions(name, VERSIONS)
        runs = {
            run.id: run
            for run in source.several(sorted({item.run for item in versions if item.run}))
        }
        records = [
            item.record(runs.get(item.run or ""), self._registry.examined(item))
            for item in versions
        ]
        suffix = (
            "@champion"
            if "champion" in model.aliases
            else f"/{versions[0].version}"
            if versions
            else "/1"
        )
        return ModelDetail(
            model=model, versions=records, code=model_code(name + suffix, shown=name)
        )

    def fingerprint(self, model: str) -> str | None:
        """Content id of a model (its versions and their runs), or of one version (`model/3`,
        `model@alias`); None if it does not exist.
        """
        try:
            versions = [self._registry.find(model)]
        except (BadRequest, NotFound):  # the name of a model, which may contain an `@` as well
            versions = self._source().versions(model, 100_000)
        if not versions:
            return None
        return _digest(
            f"{item.model}/{item.version} {item.run} {item.source} {item.created}"
            for item in versions
        )

    def experiment_fingerprint(self, experiment: str) -> str | None:
        """Content id of an experiment: its runs, their states and ends; None if it does not
        exist.
        """
        source = self._source()
        number = source.experiment_id(experiment)
        if number is None:
            return None
        return _digest(f"{id} {status} {ended}" for id, status, ended in source.run_states(number))

    def search_fingerprint(self) -> str:
        """Changes with every commit to the store."""
        return self._source().stamp()

    def search_documents(self) -> Iterator[Document]:
        """Experiments, models, versions and the newest runs."""
        return documents.documents(self._source())

    def _end_of(self, job: str) -> tuple[str, int] | None:
        from ..jobs import Jobs, JobState

        # A job of another project, or one that is no longer known.
        with contextlib.suppress(MLInfraError):
            record = Jobs(self._project).show(job)
            if record.ended_at is not None:
                return "killed" if record.state is JobState.CANCELLED else "failed", int(
                    record.ended_at.timestamp() * 1000
                )
        return None

    def _experiment_id(self, source: Source, name: str) -> str:
        name = named(name, "experiment")
        number = source.experiment_id(name)
        if number is None:
            names = [item.name for item in source.experiments()]
            why = f"Experiments: {', '.join(names[:10])}." if names else "Nothing was tracked yet."
            raise NotFound(
                f"There is no experiment {name}.",
                why,
                _suggestion(name, names) or "A run begins with: with ml.track(NAME): …",
            )
        return number

    def _facts(self, source: Source, run: str) -> RunFacts:
        return self._find_runs(source, [run])[0]

    def _find_runs(self, source: Source, ids: Sequence[str]) -> list[RunFacts]:
        texts = [id.removeprefix("run:") for id in ids]
        full_ids = list(
            dict.fromkeys(
                text if len(text) == _ID else self._run_id(source, text) for text in texts
            )
        )
        runs = source.several(full_ids)
        for id in set(full_ids) - {run.id for run in runs}:
            raise NotFound(
                f"There is no run {id}.",
                "It does not exist, or was deleted.",
                "mlinfra runs list EXPERIMENT",
            )
        return runs

    def _run_id(self, source: Source, beginning: str) -> str:
        matching = source.run_ids(beginning) if beginning else []
        if not matching:
            raise NotFound(
                f"There is no run {beginning or '(empty)'}.",
                "No active run has an id that begins like this.",
                "mlinfra runs list EXPERIMENT",
            )
        if len(matching) > 1:
            raise BadRequest(
                f"{beginning} is the beginning of several runs.",
                f"{', '.join(id[:12] for id in matching)}.",
                "Give more of the id.",
            )
        return matching[0]


def _check_points(points: int) -> None:
    if not 1 <= points <= POINTS:
        raise BadRequest(f"points={points} is out of range.", f"A curve has 1 to {POINTS} points.")


def _suggestion(name: str, existing: Sequence[str]) -> str:
    matches = get_close_matches(name, existing, n=1)
    return f"Did you mean {matches[0]}?" if matches else ""


def _digest(lines: Iterable[str]) -> str:
    return blake2b("\n".join(sorted(lines)).encode(), digest_size=16).hexdigest()
