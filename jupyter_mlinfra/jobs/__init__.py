"""Jobs: notebooks and commands that run away from the kernel and survive the server."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["Compute", "ExecutedNotebook", "Job", "JobBackend", "JobSpec", "JobState", "Jobs", "LogChunk", "Parameter", "Supervisor", "load_backend"]

if TYPE_CHECKING:
    from .backends import JobBackend, load_backend
    from .service import Jobs
    from .spec import Compute, ExecutedNotebook, Job, JobSpec, JobState, LogChunk, Parameter, Supervisor
else:
    _HOME = {"Jobs": ".service", "JobBackend": ".backends", "load_backend": ".backends"}

    def __getattr__(name: str):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
