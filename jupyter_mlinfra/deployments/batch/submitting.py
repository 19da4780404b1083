"""A batch job from the wish for it: what can be known is checked before it is submitted."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Conflict
from ..logged import Answers
from ..settings import DeploymentSettings
from ..spec import BatchSubmission
from .columns import check_columns, check_kept
from .job import bundle_of
from .spec import MAX_ERRORS, BatchTask, scored

if TYPE_CHECKING:
    import polars as pl

    from ...catalog import Catalog, Mode
    from ...core.project import Project
    from ...experiments import Experiments
    from ...jobs import Jobs

RETRIES = 3


class Batches:
    """Batch jobs of one project. opener: `module:function` by which a job's process opens it."""

    def __init__(
        self,
        project: Project,
        experiments: Experiments,
        catalog: Catalog,
        jobs: Jobs,
        *,
        opener: str,
    ) -> None:
        self._project, self._experiments = project, experiments
        self._catalog, self._jobs, self._opener = catalog, jobs, opener

    def submit(
        self,
        version: str,
        *,
        source: str,
        into: str,
        keep: Sequence[str] | None = None,
        answers: Answers | None = None,
        max_errors: float = MAX_ERRORS,
        mode: Mode = "append",
        again: bool = False,
        workers: int | None = None,
        new: bool = False,
    ) -> BatchSubmission:
        """See `Deployments.batch`."""
        if new and (again or mode == "replace"):
            raise BadRequest(
                "New rows cannot be combined with all rows.",
                "new scores what was added; mode='replace' and again score everything.",
                "Leave one of them out.",
            )
        if not 0 <= max_errors <= 1:
            raise BadRequest(
                f"max_errors={max_errors} is out of range.", fix="Use a share from 0 to 1."
            )
        found = self._experiments.version(version)
        model = f"{found.model}/{found.version}"
        pinned, rows = self._pinned(source)
        target = _plain(into)
        since = self._since(pinned, target) if new else ""
        if since:
            rows = _count(self._catalog.appended(pinned, since))
        parts = [model, pinned, None if keep is None else list(keep), answers]
        if new:
            # Whoever goes on from the same snapshot, with whatever model: one of them alone does.
            parts = ["new", pinned.partition("@")[0], since]
        # Who replaces all rows, or adds them again on purpose, means this job alone.
        salt = uuid.uuid4().hex if again or mode == "replace" else ""
        key = hashlib.sha256(json.dumps([*parts, salt]).encode()).hexdigest()[:20]
        task = BatchTask(
            model=model,
            source=pinned,
            into=target,
            key=f"batch-{key}",
            keep=keep,
            answers=answers,
            mode=mode,
            max_errors=max_errors,
            workers=self._workers(workers),
            new=new,
            since=since,
        )
        self._check(task)
        return BatchSubmission(
            job=self._submit(task), rows=rows, source=pinned, into=target, version=model
        )

    def _submit(self, task: BatchTask) -> str:
        from ...jobs import JobSpec

        command = [
            sys.executable,
            "-P",
            "-m",
            f"{__package__}",
            f"--project={self._project.root}",
            f"--open={self._opener}",
            *task.words(),
        ]
        spec = JobSpec(
            command=command,
            name=f"batch {task.model} into {task.into}",
            cpus=task.workers,
            retries=RETRIES,
            # The catalog, the environments and the sockets are on this machine.
            backend="local",
            labels={"verb": "deployments batch", "model": task.model, "into": task.into},
        )
        return self._jobs.submit(spec).id

    def _workers(self, workers: int | None) -> int:
        if workers is not None and not 1 <= workers <= 64:
            raise BadRequest(f"workers={workers} is out of range.", fix="Use 1 to 64.")
        usual = self._project.settings.of(DeploymentSettings).workers
        return workers or min(usual, os.cpu_count() or 1)

    def _pinned(self, source: str) -> tuple[str, int]:
        """The source at the snapshot that it has now, and its rows."""
        table = self._catalog.dataset(source)
        pinned = f"{table.name}@{table.snapshot}" if table.snapshot else table.name
        rows = table.detail.dataset.rows.value
        if rows is None or table.detail.dataset.rows.basis != "exact":
            rows = _count(table.scan())
        return pinned, int(rows)

    def _since(self, pinned: str, into: str) -> str:
        """The snapshot of the source up to which the target has its predictions; empty if it has
        none. Raises Conflict if the source has not only grown since.
        """
        name, _, snapshot = pinned.partition("@")
        if not snapshot:
            raise BadRequest(
                f"{name} has no snapshots.",
                "So nobody knows which of its rows are new.",
                "Score all of it, without --new.",
            )
        prefix = scored(name)
        marks = [mark for mark in self._catalog.marks(into) if mark.startswith(prefix)]
        done = {mark.removeprefix(prefix).partition(".")[0] for mark in marks}
        try:
            return self._catalog.grown_from(pinned, done) or ""
        except Conflict as error:
            fix = f"Score all of it, with --replace in place of --new, or into another than {into}."
            raise Conflict(error.what, error.why, fix) from error

    def _check(self, task: BatchTask) -> None:
        """Raise what the job would only find out later."""
        if task.source.partition("@")[0] == task.into:
            raise BadRequest(
                f"{task.into} is the source.",
                "Its rows would be there twice, once without predictions.",
                "Name another dataset after --into.",
            )
        if snapshot := self._catalog.written(task.into, task.key):
            raise Conflict(
                f"{task.into} has these predictions already.",
                f"Snapshot {snapshot} added those of {task.model} for {task.source}.",
                "To add them once more: --again (in Python again=True).",
            )
        bundle = bundle_of(task, self._project, self._experiments)
        schema = self._catalog.dataset(task.source).schema
        check_columns(bundle.columns, schema, source=task.source, model=task.model)
        check_kept(task.keep, schema, source=task.source)


def _count(rows: pl.LazyFrame) -> int:
    import polars as pl

    return int(rows.select(pl.len()).collect().item())


def _plain(into: str) -> str:
    """The name of the target. Raises BadRequest if it is none."""
    from ...catalog import DatasetName

    name = DatasetName.parse(into)
    if name.snapshot is not None:
        raise BadRequest(
            f"{into} names one snapshot.", "Predictions become a new one.", f"Write {name.text}."
        )
    return name.text
