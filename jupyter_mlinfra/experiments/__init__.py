"""Experiments: tracked runs, their comparison, and the registry of models, on MLflow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "Comparison",
    "Curve",
    "Experiment",
    "Experiments",
    "Model",
    "ModelDetail",
    "Run",
    "Version",
    "evaluation",
    "with_store",
]

if TYPE_CHECKING:
    from . import evaluation
    from .ambient import with_store
    from .service import Experiments
    from .spec import Comparison, Curve, Experiment, Model, ModelDetail, Run, Version


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "evaluation":
        return import_module(".evaluation", __name__)
    home = {"Experiments": ".service", "with_store": ".ambient"}.get(name, ".spec")
    return getattr(import_module(home, __name__), name)
