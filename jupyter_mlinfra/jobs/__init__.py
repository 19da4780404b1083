"""Jobs: notebooks and commands that run away from the kernel and survive the server."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "Alarm",
    "Compute",
    "ExecutedNotebook",
    "Job",
    "JobBackend",
    "JobSpec",
    "JobState",
    "Jobs",
    "LogChunk",
    "Parameter",
    "Supervisor",
    "clear_alarm",
    "load_backend",
    "set_alarm",
]

if TYPE_CHECKING:
    from ..notebooks.spec import ExecutedNotebook, Parameter
    from .backends import JobBackend, load_backend
    from .queue.alarms import Alarm, clear_alarm, set_alarm
    from .service import Jobs
    from .spec import Compute, Job, JobSpec, JobState, LogChunk, Supervisor
else:
    _HOME = {
        "Jobs": ".service",
        "JobBackend": ".backends",
        "load_backend": ".backends",
        "ExecutedNotebook": "..notebooks",
        "Parameter": "..notebooks",
    } | dict.fromkeys(("Alarm", "clear_alarm", "set_alarm"), ".queue.alarms")

    def __getattr__(name: str):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
