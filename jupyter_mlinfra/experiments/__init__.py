"""Experiments: tracked runs, comparing them, and the model registry, on MLflow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "Comparison",
    "Curve",
    "Difference",
    "Experiment",
    "ExperimentSettings",
    "Experiments",
    "Model",
    "ModelDetail",
    "Run",
    "Version",
    "adopt",
    "evaluation",
    "outcomes_needed",
    "point",
    "say_strays",
    "verdict",
    "verdict_of",
    "version_differences",
    "with_store",
]

_HOME = {
    "ExperimentSettings": ".settings",
    "Experiments": ".service",
    "version_differences": ".compare",
    **dict.fromkeys(("adopt", "point", "say_strays", "with_store"), ".ambient"),
}

if TYPE_CHECKING:
    from . import evaluation, verdict
    from .ambient import adopt, point, say_strays, with_store
    from .compare import version_differences
    from .service import Experiments
    from .settings import ExperimentSettings
    from .spec import Comparison, Curve, Difference, Experiment, Model, ModelDetail, Run, Version
    from .verdict import outcomes_needed
    from .verdict import verdict as verdict_of


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("evaluation", "verdict"):
        return import_module(f".{name}", __name__)
    if name == "outcomes_needed":
        return import_module(".verdict", __name__).outcomes_needed
    if name == "verdict_of":
        return import_module(".verdict", __name__).verdict
    return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
