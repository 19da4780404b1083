"""`track`: a run that knows where it came from."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, MLInfraError
from ..core.events import telling
from ..core.origin import session_notebook
from ..core.outbox import node
from ..core.project import Project
from ..core.refs import Ref, reference
from ..jobs import SAVED
from .facts import DATASET_SOURCE, JOB, NOTEBOOK, STEP
from .store import TrackingStore, explained

if TYPE_CHECKING:
    from mlflow import MlflowClient

_BATCH = 100  # the most parameters that MLflow takes at a time
_NAME = re.compile(r"[^\s@/:][^\s@]{0,99}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where code runs: notebook (below the project), job id, step as `pipeline/step`; empty if
    unknown.
    """

    notebook: str = ""
    job: str = ""
    step: str = ""

    @property
    def name(self) -> str:
        """Its name in lineage."""
        return (
            reference("step", *self.step.split("/", 1))
            if self.step
            else f"job:{self.job}"
            if self.job
            else self.notebook or "python"
        )


class TrackedRun:
    """The run in progress. Plain `mlflow.log_metric(…)` works as well: it is MLflow's
    active run.
    """

    def __init__(self, store: TrackingStore, client: MlflowClient, run_id: str) -> None:
        self.id = run_id
        self.ref = f"run:{run_id}"
        self._store = store
        self._client = client

    def log_metric(self, key: str, value: float, step: int = 0) -> None:
        """One value of one metric."""
        self.log_metrics({key: value}, step=step)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Values of several metrics at one step."""
        log_metrics(self._store, self._client, self.id, metrics, step=step)

    def log_param(self, key: str, value: Any) -> None:
        """One parameter; it is kept as text and cannot be changed later."""
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Several parameters."""
        from mlflow.entities import Param

        with explained(self._store):
            for part in batched(params.items(), _BATCH):
                self._client.log_batch(
                    self.id, params=[Param(key, str(value)) for key, value in part]
                )

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Several tags."""
        from mlflow.entities import RunTag

        with explained(self._store):
            self._client.log_batch(
                self.id, tags=[RunTag(key, str(value)) for key, value in tags.items()]
            )

    def log_artifact(self, path: Path | str, folder: str | None = None) -> None:
        """Keep a file with the run."""
        with explained(self._store):
            self._client.log_artifact(self.id, str(path), folder)

    def __repr__(self) -> str:
        return f"TrackedRun({self.ref})"


def log_metrics(
    store: TrackingStore,
    client: MlflowClient,
    run_id: str,
    metrics: Mapping[str, float],
    *,
    step: int = 0,
) -> None:
    """Write metrics to a run, even one that has ended."""
    from mlflow.entities import Metric

    from ..core.records import now

    at = int(now().timestamp() * 1000)
    with explained(store):
        for part in batched(metrics.items(), _BATCH):
            client.log_batch(
                run_id, metrics=[Metric(key, float(value), at, step) for key, value in part]
            )


@contextlib.contextmanager
def track(
    project: Project,
    store: TrackingStore,
    experiment: str,
    *,
    name: str | None,
    tags: Mapping[str, str],
    datasets: Sequence[Any],
    continues: str | None = None,
) -> Iterator[TrackedRun]:
    """Run the block as a run of `experiment`; it ends as finished, failed (an exception), killed
    (an interrupt) or scheduled (it saved and will be restarted).

    continues: id of the run that this one continues.
    """
    _check_name(experiment)
    inputs = [pinned(project, item) for item in datasets]
    origin = origin_of(project)
    client = store.client()
    import mlflow

    run_tags = _tags(project, origin, tags)
    with explained(store):
        started = mlflow.start_run(
            run_id=continues,
            experiment_id=experiment_id(store, client, experiment),
            run_name=name,
            nested=mlflow.active_run() is not None,
            tags=run_tags,
        )
    run = TrackedRun(store, client, started.info.run_id)

    def announce(state: str) -> None:
        with telling(f"{run.ref} is {state}"):
            if state != "running":
                facts = {"experiment": experiment, "status": state}
                project.lineage.record(
                    origin.name, inputs=[str(ref) for ref in inputs], outputs=[run.ref], facts=facts
                )
            project.events.emit(
                "run",
                run.ref,
                {"name": started.info.run_name, "experiment": experiment, "state": state},
            )

    try:
        with explained(store):
            _log_inputs(client, run.id, inputs)
        announce("running")
        yield run
    except BaseException as error:
        status = _status_after(error)
        # The user must see what ended the block.
        with telling(f"{run.ref} is {status.lower()}"):
            _end(store, run.id, status)
        announce(status.lower())
        raise
    _end(store, run.id, "FINISHED")
    announce("finished")


def _check_name(experiment: str) -> None:
    if not _NAME.match(experiment):
        raise BadRequest(
            f"{experiment!r} cannot name an experiment.",
            "A name has no spaces, @ or leading / and at most 100 characters.",
            "For example flights.",
        )


def _tags(project: Project, origin: Origin, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a new run: the user's, and those that are recorded automatically."""
    all_tags = {
        "mlflow.user": project.user,
        NOTEBOOK: origin.notebook,
        JOB: origin.job,
        STEP: origin.step,
        **_commit(project.root),
        **tags,
    }
    return {key: value for key, value in all_tags.items() if value}


def _status_after(error: BaseException) -> str:
    if isinstance(error, SystemExit) and error.code == SAVED:
        return "SCHEDULED"
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"


def _end(store: TrackingStore, run_id: str, status: str) -> None:
    """End the run, unless the block did. Raises Unavailable if the store does not take it; the run
    is then no longer active either.
    """
    import mlflow

    store.point()  # the block may have used another project
    active = mlflow.active_run()
    if active is not None and active.info.run_id == run_id:
        with explained(store):
            mlflow.end_run(status)


def pinned(project: Project, item: Any) -> Ref:
    """The reference of something that a run uses: a name, a reference, or an object with `ref`; a
    dataset gets its newest snapshot.

    Raises NotFound if the catalog has no such dataset, BadRequest if it is not a reference.
    """
    text = item if isinstance(item, str) else str(getattr(item, "ref", item))
    ref = Ref.parse(text if ":" in text else f"dataset:{text}")
    snapshot = getattr(item, "snapshot", None)
    if ref.at is None and ref.kind == "dataset":
        if snapshot is None:
            from ..catalog import Catalog

            snapshot = Catalog(project).show(ref.name).dataset.snapshot
        return Ref(ref.kind, ref.parts, str(snapshot) if snapshot else None)
    return ref


def origin_of(project: Project) -> Origin:
    """Where this process runs, from its job, else from the kernel's session name."""
    job = os.environ.get("MLINFRA_JOB", "")
    if job and node():
        return Origin(
            notebook=os.environ.get("MLINFRA_NOTEBOOK", ""),
            job=job,
            step=os.environ.get("MLINFRA_STEP", ""),
        )
    if job:
        from ..jobs import Jobs

        with contextlib.suppress(MLInfraError):  # a job of another project: only its id is known
            record = Jobs(project).show(job)
            pipeline, step = record.labels.get("pipeline", ""), record.labels.get("step", "")
            return Origin(
                notebook=record.notebook or "",
                job=job,
                step=f"{pipeline}/{step}" if pipeline and step else "",
            )
        return Origin(job=job)
    return Origin(notebook=session_notebook(project.root))


def _commit(root: Path) -> dict[str, str]:
    """The commit of the project's folder, and how many tracked files differ from it; empty outside
    git.
    """
    tags = {}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        options: dict[str, Any] = {
            "cwd": root,
            "capture_output": True,
            "text": True,
            "timeout": 5,
            "check": True,
            "env": {**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        }
        tags["mlflow.source.git.commit"] = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            **options,
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],  # noqa: S607
            **options,
        ).stdout
        tags["mlinfra.git.changed_files"] = str(len(changed.splitlines()))
    return tags


def experiment_id(store: TrackingStore, client: MlflowClient, name: str) -> str:
    """The id of an experiment, which is created or made active again if necessary; its artifacts go
    where the project keeps them.
    """
    with store.write_lock():  # two jobs that start together must not both create it
        existing = client.get_experiment_by_name(name)
        if existing is not None:
            if existing.lifecycle_stage != "active":
                client.restore_experiment(existing.experiment_id)
            return str(existing.experiment_id)
        slug = re.sub(r"[^A-Za-z0-9]+", "-", name)[:40].strip("-")
        location = (
            f"{store.artifacts}/{slug}-{blake2b(name.encode(), digest_size=4).hexdigest()}"
            if store.artifacts
            else None
        )
        return str(client.create_experiment(name, artifact_location=location))


def _log_inputs(client: MlflowClient, run_id: str, refs: Sequence[Ref]) -> None:
    from mlflow.entities import Dataset, DatasetInput

    if refs:
        # MLflow identifies datasets by name and digest: the kind is made part of the name, and a
        # dataset without a version gets a word as its digest.
        entities = [
            Dataset(
                name=f"{ref.kind}:{ref.name}",
                digest=(ref.at or "unversioned")[-36:],
                source_type=DATASET_SOURCE,
                source=json.dumps({"ref": str(ref)}),
            )
            for ref in refs
        ]
        client.log_inputs(
            run_id, datasets=[DatasetInput(dataset=item, tags=[]) for item in entities]
        )
