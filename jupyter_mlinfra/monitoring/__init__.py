"""Live requests compared with the training data: reference profiles, drift, rules and alerts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "Alert",
    "AlertState",
    "Alerts",
    "FeatureDrift",
    "Judgement",
    "Monitor",
    "MonitorStatus",
    "Monitoring",
    "Point",
    "RuleKind",
]

if TYPE_CHECKING:
    from .alerts.service import Alerts
    from .hours.points import Point
    from .rules.kinds import RuleKind
    from .rules.spec import Judgement
    from .service import Monitoring
    from .spec import Alert, AlertState, FeatureDrift, Monitor, MonitorStatus

_HOME = {
    "Alerts": ".alerts.service",
    "Judgement": ".rules.spec",
    "Monitoring": ".service",
    "Point": ".hours.points",
    "RuleKind": ".rules.kinds",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
