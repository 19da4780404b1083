"""The verbs over the code of jobs: what they ran, and what would run now."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..notebooks.executed import read_executed
from ..notebooks.parameters import job_parameters, parameters_of, read_notebook
from ..notebooks.spec import ExecutedNotebook, JobParameter, Parameter
from .code.snapshot_files import SnapshotFiles
from .queue.store import JobStore
from .spec import CodeDiff, CodePreview, CodeSnapshot, JobSpec
from .submit.accept import Submitter
from .submit.checks import examine, inside

if TYPE_CHECKING:
    from ..core.project import Project


class CodeVerbs:
    """A part of `Jobs`."""

    _project: Project
    _store: JobStore
    _submitter: Submitter

    def parameters(self, notebook: str | Path) -> Sequence[Parameter]:
        """Names, types and defaults from the cell tagged `parameters` of a notebook of the project;
        empty without one.

        Raises BadRequest outside the project, NotFound, TooLarge, Unprocessable.
        """
        shown = inside(str(notebook), self._project.root, "notebook")
        return parameters_of(read_notebook(self._project.root / shown, shown)) or []

    def values(self, job: str) -> Sequence[JobParameter]:
        """The parameters that a job ran with, including the defaults of its notebook at that time;
        only the given ones if its code is gone.
        """
        found = self._store.entry(job).job
        defaults = list[Parameter]()
        if found.notebook is not None and found.snapshot:
            # Removed, or no longer a notebook: the given parameters are known anyway.
            with contextlib.suppress(MLInfraError, ValueError):
                defaults = (
                    parameters_of(
                        json.loads(self._submitter.snapshots().read(found.snapshot, found.notebook))
                    )
                    or []
                )
        return job_parameters(defaults, found.parameters)

    def executed(self, path: str, *, since: str | None = None) -> ExecutedNotebook | None:
        """A notebook that a job or a pipeline left in the project's state, by the path that
        `Job.output` or a step gives.

        since: a known `modified_at` in ISO form; None if the notebook is unchanged. Raises
        NotFound, also for any other file, and Unprocessable.
        """
        return read_executed(self._project.root, self._project.home, path, since=since)

    def code(self, job: str) -> CodeSnapshot | None:
        """The code snapshot that a job runs from, with what was left out; None if it runs no file
        of the project.
        """
        snapshot = self._store.entry(job).job.snapshot
        return self._submitter.snapshots().show(snapshot) if snapshot else None

    def files(self, job: str) -> SnapshotFiles:
        """The files below the project as the job ran them. Raises NotFound if they are not kept."""
        return self._submitter.snapshots().files(self._store.entry(job).job.snapshot or "")

    def diff(self, job: str, *, limit: int = 200_000) -> CodeDiff | None:
        """How the code that a job runs from differs from the commit, at most `limit` bytes; None if
        it runs no file of the project.
        """
        snapshot = self._store.entry(job).job.snapshot
        return self._submitter.snapshots().diff(snapshot, limit=limit) if snapshot else None

    def preview(self, notebook: str, *, limit: int = 50) -> CodePreview:
        """What the code snapshot of a notebook would contain if it were submitted now. Raises
        BadRequest, NotFound, Unprocessable, TooLarge as `submit` does.
        """
        spec = examine(JobSpec(notebook=notebook), self._project.root)
        return self._submitter.snapshots().preview([spec.notebook or ""], limit=limit)
