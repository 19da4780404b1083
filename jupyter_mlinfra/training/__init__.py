"""What runs inside a job: progress, checkpoints, and trainings that survive interruption and leave
curves, parameters and a model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "PreemptionCheckpoint",
    "Trained",
    "XGBoostProgress",
    "device",
    "fit",
    "latest",
    "report",
    "resumed_run",
    "train_from_files",
    "train_xgboost",
]

if TYPE_CHECKING:
    from ..jobs import report
    from .boosting import Trained, train_xgboost
    from .checkpoints import latest
    from .curves import XGBoostProgress
    from .devices import device
    from .external_memory import train_from_files
    from .lightning import PreemptionCheckpoint, fit
    from .trainings import resumed_run
else:
    _HOME = {
        "PreemptionCheckpoint": ".lightning",
        "Trained": ".boosting",
        "XGBoostProgress": ".curves",
        "device": ".devices",
        "fit": ".lightning",
        "latest": ".checkpoints",
        "report": "..jobs",
        "resumed_run": ".trainings",
        "train_from_files": ".external_memory",
        "train_xgboost": ".boosting",
    }

    def __getattr__(name: str):
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name], __name__), name)
