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
    from ..queue.rows import Entry
    from .shell import Attachment

GROUP = "mlinfra.job_backends"
LOCAL = "local"
"""The backend of this machine: it answers at once."""
COMPUTE_SECONDS = 2.0
"""How long what a cluster said of itself is good for: every window of JupyterLab asks at each event
of a job.
"""
# Those that come with the package work from a plain checkout too, and are found without reading the
# metadata of every installed package.
_BUILT_IN = {
    "local": "jupyter_mlinfra.jobs.local.backend:LocalBackend",
    "kubernetes": "jupyter_mlinfra.jobs.remote.kubernetes.backend:KubernetesBackend",
    "ray": "jupyter_mlinfra.jobs.remote.ray.backend:RayBackend",
    "slurm": "jupyter_mlinfra.jobs.remote.slurm.backend:SlurmBackend",
}


class JobBackend(Protocol):
    """Runs the jobs of one project. The queue in `state.db` is the truth: a backend is told ids and
    moves their states.
    """

    def __init__(self, project: Project) -> None: ...

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest when a job with these needs could never start here."""

    def submit(self, jobs: Sequence[str]) -> None:
        """Take up jobs that are written down as queued. May be called again for the same ids."""

    def cancel(self, jobs: Sequence[str]) -> None:
        """End active jobs that are written down as being cancelled or requeued."""

    def heal(self) -> None:
        """Make sure that who follows the jobs is there, for it may have been killed. Asked often:
        it has to cost nothing when all is well.
        """

    def starts(self) -> Mapping[str, datetime]:
        """When waiting jobs may start, as far as that can be told."""

    def would_start(self, spec: JobSpec) -> datetime | None:
        """When a job with these needs may start that is submitted now; None when it cannot be
        told.
        """

    def compute(self) -> Compute:
        """What there is, and who holds it."""


@runtime_checkable
class Attaching(Protocol):
    """A backend that gives shells beside its jobs; one of another package need not."""

    def attach(self, entry: Entry) -> Attachment:
        """How to get one. Raises Conflict when the job has no place for it, Unavailable when a
        program is missing here.
        """


def load_backend(name: str, project: Project) -> JobBackend:
    """The backend of this name.

    Raises NotFound with the names there are.
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
    """Those that are installed."""
    from importlib.metadata import entry_points

    return frozenset({*_BUILT_IN, *entry_points(group=GROUP).names})


_computed: WeakKeyDictionary[JobBackend, tuple[float, Compute]] = WeakKeyDictionary()


def recent_compute(backend: JobBackend) -> Compute:
    """What a backend has; of a cluster, what it said within `COMPUTE_SECONDS`."""
    at, found = _computed.get(backend, (0.0, None))
    if found is None or time.monotonic() - at > COMPUTE_SECONDS:
        found = backend.compute()
        if found.backend != LOCAL:
            _computed[backend] = time.monotonic(), found
    return found
