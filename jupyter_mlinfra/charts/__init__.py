"""One Altair chart per function, over plain Polars frames: the same chart in a panel, a notebook
and a report.

Every chart is small (at most 4,000 rows; larger data is reduced first, and the chart says how),
needs no network, and combines with others by Altair's own `|`, `&` and `+`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "bars",
    "calibration",
    "distribution",
    "enable",
    "heat_map",
    "histogram",
    "metric_curves",
    "precision_recall",
    "psi_bars",
    "rates",
    "register",
    "roc",
]

_HOME = {
    "bars": "columns",
    "calibration": "scores",
    "distribution": "drift",
    "enable": "style",
    "heat_map": "columns",
    "histogram": "columns",
    "metric_curves": "curves",
    "precision_recall": "scores",
    "psi_bars": "drift",
    "rates": "binning",
    "register": "style",
    "roc": "scores",
}

if TYPE_CHECKING:
    from .binning import rates
    from .columns import bars, heat_map, histogram
    from .curves import metric_curves
    from .drift import distribution, psi_bars
    from .scores import calibration, precision_recall, roc
    from .style import enable, register


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
