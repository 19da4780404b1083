"""Live requests compared with the training data: reference profiles, drift, rules and alerts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "Alert",
    "AlertState",
    "Alerts",
    "FeatureDrift",
    "Monitor",
    "MonitorStatus",
    "Monitoring",
]

if TYPE_CHECKING:
    from .alerts.service import Alerts
    from .service import Monitoring
    from .spec import Alert, AlertState, FeatureDrift, Monitor, MonitorStatus


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"Alerts": ".alerts.service", "Monitoring": ".service"}.get(name, ".spec")
    return getattr(import_module(home, __name__), name)
