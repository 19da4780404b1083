"""Pipelines: notebooks in order, run as jobs, with a cache that says why a step ran."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "Pipeline",
    "PipelineDetail",
    "PipelineRun",
    "Pipelines",
    "RunState",
    "Schedule",
    "Schedules",
    "Step",
    "StepRun",
    "StepState",
    "set_value",
    "texts_of",
]

if TYPE_CHECKING:
    from .editing import set_value
    from .finding import texts_of
    from .schedules.service import Schedules
    from .schedules.spec import Schedule
    from .service import Pipelines
    from .spec import Pipeline, PipelineDetail, PipelineRun, RunState, Step, StepRun, StepState
else:
    _HOME = {
        "Pipelines": ".service",
        "Schedules": ".schedules.service",
        "Schedule": ".schedules.spec",
        "set_value": ".editing",
        "texts_of": ".finding",
    }

    def __getattr__(name: str):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
