"""What runs inside a job: progress, and training that leaves a run and a model behind."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {"Trained": "boosting", "report": "progress", "train_xgboost": "boosting"}
__all__ = ["Trained", "report", "train_xgboost"]

if TYPE_CHECKING:
    from .boosting import Trained, train_xgboost
    from .progress import report


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
