"""What runs inside a job: progress, and training that leaves curves, parameters and a model behind."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["Trained", "XGBoostProgress", "report", "train_xgboost"]

if TYPE_CHECKING:
    from ..jobs.report import report
    from .boosting import Trained, train_xgboost
    from .curves import XGBoostProgress
else:
    _HOME = {"Trained": ".boosting", "train_xgboost": ".boosting", "XGBoostProgress": ".curves", "report": "..jobs.report"}

    def __getattr__(name: str):
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name], __name__), name)
