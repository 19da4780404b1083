"""Live requests against the training data: reference profiles, drift, rules and alerts."""

from .service import Monitoring
from .spec import Alert, AlertState, FeatureDrift, Monitor, MonitorStatus

__all__ = ["Alert", "AlertState", "FeatureDrift", "Monitor", "MonitorStatus", "Monitoring"]
