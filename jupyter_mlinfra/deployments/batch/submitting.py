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
from .growth import count, new_rows
from .job import bundle_of
from .spec import MAX_ERRORS, BatchTask, table_of

if TYPE_CHECKING:
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
        _check_options(new=new, all_rows=again or mode == "replace", max_errors=max_errors)
        found = self._experiments.version(version)
        model = f"{found.model}/{found.version}"
        pinned, rows = self._pinned(source)
        target = _plain(into)
        begun = new_rows(self._catalog, pinned, target) if new else None
        since, rows = begun or ("", rows)
        parts = [model, pinned, None if keep is None else list(keep), answers]
        parts += ["new", since] if new else []
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
        """The source at the snapshot that it has now, and its rows. Raises BadRequest for a table
        that changes while it is scored.
        """
        table = self._catalog.dataset(source)
        if table.detail.dataset.domain:
            raise BadRequest(
                f"{table.name} has no snapshots.",
                "Its rows may change while they are scored, so none could be scored exactly once.",
                f'Write them into a dataset: ml.write(ml.dataset("{table.name}").scan().collect(),'
                ' into="…")',
            )
        pinned = f"{table.name}@{table.snapshot}" if table.snapshot else table.name
        rows = table.detail.dataset.rows.value
        if rows is None or table.detail.dataset.rows.basis != "exact":
            rows = count(table.scan())
        return pinned, int(rows)

    def _check(self, task: BatchTask) -> None:
        """Raise what the job would only find out later."""
        if table_of(task.source) == task.into:
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


def _check_options(*, new: bool, all_rows: bool, max_errors: float) -> None:
    if new and all_rows:
        raise BadRequest(
            "New rows cannot be combined with all rows.",
            "new scores what was added; mode='replace' and again score everything.",
            "Leave one of them out.",
        )
    if not 0 <= max_errors <= 1:
        raise BadRequest(
            f"max_errors={max_errors} is out of range.", fix="Use a share from 0 to 1."
        )


def _plain(into: str) -> str:
    """The name of the target. Raises BadRequest if it is none."""
    from ...catalog import DatasetName

    name = DatasetName.parse(into)
    if name.snapshot is not None:
        raise BadRequest(
            f"{into} names one snapshot.", "Predictions become a new one.", f"Write {name.text}."
        )
    return name.text
