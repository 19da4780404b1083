"""How a job is accepted: it is checked, its code and environment are frozen, it is recorded; then
its backend is notified.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from ...core.processes import failpoint
from ...core.runtime_folder import runtime_folder
from ...notebooks.parameters import kernel_of, read_notebook
from ..array import array_of
from ..attempt.environment import Around, handing_over, keep, submitters_environment
from ..code.snapshot import Snapshots
from ..dispatch import Dispatch
from ..queue.inserting import Accepted
from ..queue.queries import Named
from ..queue.rows import Launch
from ..queue.store import JobStore
from ..settings import JobSettings
from ..spec import Job, JobSpec, JobState
from .checks import examine, name_of, script_of, working_folder
from .clone import clone_of

if TYPE_CHECKING:
    from ...core.project import Project

NAME_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The code of a job as it will run, whatever becomes of the project. code: its tree. snapshot:
    of that, None if no file of the project is run.
    """

    folder: str
    command: Sequence[str]
    snapshot: str | None
    code: Path


class Submitter:
    """Accepts the jobs of one project."""

    def __init__(
        self, project: Project, store: JobStore, dispatch: Dispatch, around: Around
    ) -> None:
        self._project, self._store, self._dispatch, self._around = project, store, dispatch, around

    def submit(self, spec: JobSpec) -> Job:
        """See `Jobs.submit`."""
        # Whatever has become of its notebook since.
        if spec.key is not None and (earlier := self._store.by_key(spec.key)) is not None:
            self._store.sync()  # its first submitter may have died before that
            return earlier
        spec = examine(spec, self._project.root)
        self._check(spec)
        return self._accept(spec, self._freeze(spec))

    def clone(self, named: Named, *, same_code: bool, changes: Mapping[str, Any]) -> Job:
        """See `Jobs.clone`."""
        entry = self._store.entry(named.jobs[0])
        spec = clone_of(
            self._spec_of(named), changes, root=self._project.root, home=self._project.home
        )
        if not same_code or entry.job.snapshot is None:
            return self.submit(spec)
        code = self.snapshots().tree(entry.job.snapshot)
        spec = examine(spec, self._project.root, code=code)
        self._check(spec)
        if tuple(spec.command) != tuple(entry.spec.command):
            raise BadRequest(
                "The command of a job with the same code cannot be another.",
                "Its words say what is run.",
                "Clone it with the present code.",
            )
        return self._accept(
            spec,
            Frozen(
                folder=entry.launch.folder,
                command=entry.launch.command,
                snapshot=entry.job.snapshot,
                code=code,
            ),
        )

    def snapshots(self) -> Snapshots:
        """The code that jobs of the project run from."""
        return Snapshots(
            self._project.root,
            self._project.home,
            max_mib=self._project.settings.of(JobSettings).snapshot_max_mib,
        )

    def _spec_of(self, named: Named) -> JobSpec:
        if named.array is None:
            return self._store.entry(named.jobs[0]).spec
        array = self._store.job(named.array).array
        return array_of(
            [entry.spec for entry in self._store.elements(named.array)],
            max_parallel=array.max_parallel if array else None,
        )

    def _check(self, spec: JobSpec) -> None:
        self._dispatch.backend(spec.backend).check(spec)

    def _accept(self, spec: JobSpec, frozen: Frozen) -> Job:
        place = runtime_folder(self._project.home)
        with handing_over(place):
            environment = keep(self._around(submitters_environment()), place)
            launch = Launch(
                folder=frozen.folder,
                command=frozen.command,
                python=sys.executable,
                environment=environment,
                kernel=self._kernel(spec, frozen.code),
            )
            name, backend = (
                (spec.name or name_of(spec))[:NAME_LENGTH],
                self._dispatch.name_of(spec.backend),
            )
            job = self._store.insert(
                spec,
                Accepted(
                    name=name,
                    launch=launch,
                    snapshot=frozen.snapshot,
                    backend=backend,
                    user=self._project.user,
                ),
            )
        failpoint("submitted")
        if job.state is JobState.QUEUED:
            self._dispatch.start(job)
        # While it starts: the disk takes longer than that, and its acceptance was not reported yet.
        self._store.sync()
        return job

    def _freeze(self, spec: JobSpec) -> Frozen:
        """The present code. A command that runs no file of the project needs no snapshot."""
        root, folder, command, snapshot = (
            self._project.root,
            working_folder(spec, self._project.root),
            list(spec.command),
            None,
        )
        if spec.notebook is not None:
            snapshot = self.snapshots().take([spec.notebook]).id
        elif (number := script_of(command, folder, root)) is not None:
            script = os.path.relpath(os.path.normpath(folder / command[number]), root)
            snapshot = self.snapshots().take([script]).id
            command[number] = str(self.snapshots().tree_path(snapshot) / script)
        return Frozen(folder=str(folder), command=command, snapshot=snapshot, code=root)

    def _kernel(self, spec: JobSpec, code: Path) -> str:
        """The kernel that the notebook in the folder `code` asks for, if kernels are kept warm."""
        if spec.notebook is None or not self._project.settings.of(JobSettings).warm_size:
            return ""
        return kernel_of(read_notebook(code / spec.notebook, spec.notebook))
