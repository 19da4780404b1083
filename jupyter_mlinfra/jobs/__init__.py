"""Jobs: notebooks and commands that run away from the kernel and survive the server."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "CELL_LABEL",
    "OUT_LABEL",
    "REFUSED",
    "ROOT",
    "SAVED",
    "Alarm",
    "Compute",
    "Job",
    "JobBackend",
    "JobSettings",
    "JobSpec",
    "JobState",
    "Jobs",
    "LogChunk",
    "Needs",
    "SnapshotFiles",
    "Supervisor",
    "Terminal",
    "asked",
    "clear_alarm",
    "give_reason",
    "load_backend",
    "may_ask_cluster",
    "need_options",
    "needs_of",
    "preempt_signals",
    "put_value",
    "read_alarms",
    "report",
    "set_alarm",
    "take_value",
    "values_of",
]

if TYPE_CHECKING:
    from .backends import JobBackend, load_backend
    from .clusters import may_ask_cluster
    from .code.snapshot_files import SnapshotFiles
    from .faces.options import need_options
    from .inside.report import give_reason, report
    from .inside.signals import preempt_signals
    from .needs import Needs, asked, needs_of
    from .queue.alarms import ROOT, Alarm, clear_alarm, read_alarms, set_alarm
    from .service import Jobs
    from .settings import JobSettings
    from .spec import Compute, Job, JobSpec, JobState, LogChunk, Supervisor, Terminal
    from .state import REFUSED, SAVED
    from .values import CELL_LABEL, OUT_LABEL, put_value, take_value, values_of
else:
    _HOME = {
        "need_options": ".faces.options",
        "JobBackend": ".backends",
        "JobSettings": ".settings",
        "Jobs": ".service",
        "REFUSED": ".state",
        "SAVED": ".state",
        "SnapshotFiles": ".code.snapshot_files",
        "load_backend": ".backends",
        "may_ask_cluster": ".clusters",
        **dict.fromkeys(("Needs", "asked", "needs_of"), ".needs"),
        "preempt_signals": ".inside.signals",
        **dict.fromkeys(
            ("ROOT", "Alarm", "clear_alarm", "read_alarms", "set_alarm"), ".queue.alarms"
        ),
        **dict.fromkeys(("give_reason", "report"), ".inside.report"),
        **dict.fromkeys(
            ("CELL_LABEL", "OUT_LABEL", "put_value", "take_value", "values_of"), ".values"
        ),
    }

    def __getattr__(name: str):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
