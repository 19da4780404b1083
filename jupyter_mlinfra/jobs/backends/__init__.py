"""Where jobs run, found by entry point group `mlinfra.job_backends`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from ...core.errors import NotFound
from ..spec import Compute, JobSpec

if TYPE_CHECKING:
    from ...core.project import Project
    from ..queue.rows import JobEntry
    from .shell import Attachment

GROUP = "mlinfra.job_backends"
LOCAL = "local"
"""The backend of this machine: it answers at once."""
COMPUTE_SECONDS = 2.0
"""How long a cluster's answer about itself is used: every window of JupyterLab asks at each event
of a job.
"""
WITHOUT = (
    "Running jobs continue; none is started and no end is recorded until it runs again: after the"
    " next submit, or `mlinfra up`."
)
"""What it means for jobs that the process that runs or follows them was killed."""
# Those of this package also work from a plain checkout, and are found without reading the metadata
# of every installed package.
_BUILT_IN = {
    "local": "jupyter_mlinfra.jobs.local.backend:LocalBackend",
    "kubernetes": "jupyter_mlinfra.jobs.remote.kubernetes.backend:KubernetesBackend",
    "ray": "jupyter_mlinfra.jobs.remote.ray.backend:RayBackend",
    "slurm": "jupyter_mlinfra.jobs.remote.slurm.backend:SlurmBackend",
}


class JobBackend(Protocol):
    """Runs the jobs of one project. The queue in `state.db` is the truth: a backend is given ids
    and moves their states.
    """

    def __init__(self, project: Project) -> None: ...

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest if a job with these needs could never start here."""

    def submit(self, jobs: Sequence[str]) -> None:
        """Take jobs that are recorded as queued. May be called again for the same ids."""

    def cancel(self, jobs: Sequence[str]) -> None:
        """End active jobs that are recorded as being cancelled or requeued."""

    def heal(self) -> None:
        """Restart the process that follows the jobs if it was killed. Called often, so it must be
        free when all is well.
        """

    def starts(self) -> Mapping[str, datetime]:
        """When waiting jobs may start, as far as that is known."""

    def would_start(self, spec: JobSpec) -> datetime | None:
        """When a job with these needs may start if submitted now; None if unknown."""

    def compute(self) -> Compute:
        """What there is, and who uses it."""


@runtime_checkable
class Attaching(Protocol):
    """A backend that gives shells beside its jobs; one from another package need not."""

    def attach(self, entry: JobEntry) -> Attachment:
        """How to get a shell. Raises Conflict if the job has no place for it, Unavailable if a
        program is missing here.
        """


def load_backend(name: str, project: Project) -> JobBackend:
    """The backend of this name.

    Raises NotFound with the installed names.
    """
    target = _BUILT_IN.get(name)
    if target:
        module, _, attribute = target.partition(":")
        backend: JobBackend = getattr(import_module(module), attribute)(project)
        return backend
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    if name not in found.names:
        raise NotFound(
            f"There is no job backend {name!r}.",
            f"Installed: {', '.join(sorted(backend_names()))}.",
            "Set [jobs] backend in mlinfra.toml, or install the package that adds it.",
        )
    loaded: JobBackend = found[name].load()(project)
    return loaded


@cache
def backend_names() -> frozenset[str]:
    """The installed backends."""
    from importlib.metadata import entry_points

    return frozenset({*_BUILT_IN, *entry_points(group=GROUP).names})


_computed: WeakKeyDictionary[JobBackend, tuple[float, Compute]] = WeakKeyDictionary()


def recent_compute(backend: JobBackend) -> Compute:
    """What a backend has; for a cluster, its answer from the last `COMPUTE_SECONDS`."""
    at, found = _computed.get(backend, (0.0, None))
    if found is None or time.monotonic() - at > COMPUTE_SECONDS:
        found = backend.compute()
        if found.backend != LOCAL:
            _computed[backend] = time.monotonic(), found
    return found
