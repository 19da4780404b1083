"""A batch job from the wish for it: what can be known is checked before it is submitted."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Conflict, NotFound
from ..logged import Answers
from ..settings import DeploymentSettings
from ..spec import BatchSubmission
from .columns import check_kept
from .growth import count, new_rows
from .job import bundle_of, check_inputs, views_of
from .spec import AT, MAX_ERRORS, BatchTask, table_of
from .target import check_before, promised_type

if TYPE_CHECKING:
    import polars as pl

    from ...catalog import Catalog, Mode
    from ...core.project import Project
    from ...experiments import Experiments, Version
    from ...features import Features
    from ...jobs import Jobs
    from ..featuring import FeatureWish
    from ..packaging import Bundle

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
        features: Callable[[], Features],
        opener: str,
    ) -> None:
        self._project, self._experiments = project, experiments
        self._features = features
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
        wish: FeatureWish | None = None,
        at: str = AT,
        deployed: Callable[[Version], FeatureWish | None] = lambda _: None,
    ) -> BatchSubmission:
        """See `Deployments.batch`. wish: the inputs that come from views. deployed: the same of a
        deployment of the version, for a dataset that lacks inputs of the model.
        """
        _check_options(new=new, all_rows=again or mode == "replace", max_errors=max_errors)
        found = self._experiments.version(version)
        model = f"{found.model}/{found.version}"
        pinned, rows = self._pinned(source)
        target = _plain(into)
        begun = new_rows(self._catalog, pinned, target) if new else None
        since, rows = begun or ("", rows)
        task = BatchTask(
            model=model,
            source=pinned,
            into=target,
            key="",
            keep=keep,
            answers=answers,
            mode=mode,
            max_errors=max_errors,
            workers=self._workers(workers),
            new=new,
            since=since,
        )
        if table_of(task.source) == task.into:
            raise _into_itself(task)
        bundle = bundle_of(task, self._project, self._experiments)
        schema = self._catalog.dataset(task.source).schema
        if wish is None and any(item.name not in schema for item in bundle.columns):
            wish = deployed(found)
        if wish is None and at != AT:
            raise BadRequest(
                "No features are read.",
                "The time of a row is asked of features only.",
                "Name their views: --features VIEW",
            )
        if wish is not None:
            task = replace(
                task, features=wish.views, missing=wish.missing, defaults=wish.defaults, at=at
            )
        # Who replaces all rows, or adds them again on purpose, means this job alone.
        task = _with_key(task, uuid.uuid4().hex if again or mode == "replace" else "")
        self._check(task, bundle, schema)
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

    def _check(self, task: BatchTask, bundle: Bundle, schema: Mapping[str, pl.DataType]) -> None:
        """Raise what the job would only find out later."""
        if snapshot := self._catalog.written(task.into, task.key):
            raise Conflict(
                f"{task.into} has these predictions already.",
                f"Snapshot {snapshot} added those of {task.model} for {task.source}.",
                "To add them once more: --again (in Python again=True).",
            )
        check_inputs(task, bundle, views_of(task, bundle, self._features), schema)
        kept = check_kept(task.keep, schema, source=task.source)
        if task.mode == "append":
            self._check_target(task, bundle, {name: schema[name] for name in kept})

    def _check_target(
        self, task: BatchTask, bundle: Bundle, kept: Mapping[str, pl.DataType]
    ) -> None:
        try:
            existing = self._catalog.dataset(task.into).schema
        except NotFound:
            return
        # Where the model has written before, its answers are known better than by its signature.
        model = f"version:{task.model.rpartition('/')[0]}/"
        edges = self._catalog.lineage(task.into).items
        unknown = task.answers or any(edge.input.startswith(model) for edge in edges)
        promised = None if unknown else promised_type(bundle.document.get("signature"))
        check_before(kept, existing, into=task.into, promised=promised)


def _with_key(task: BatchTask, salt: str) -> BatchTask:
    """The task with the key of its rows in the target. salt: of a task that is like no other."""
    keep = None if task.keep is None else list(task.keep)
    parts = [task.model, task.source, keep, task.answers]
    parts += ["new", task.since] if task.new else []
    key = hashlib.sha256(json.dumps([*parts, *task.read, salt]).encode()).hexdigest()[:20]
    return replace(task, key=f"batch-{key}")


def _into_itself(task: BatchTask) -> BadRequest:
    return BadRequest(
        f"{task.into} is the source.",
        "Its rows would be there twice, once without predictions.",
        "Name another dataset after --into.",
    )


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
