"""The feature store: Feast with a correct offline store, ttl enforced online, search, and panels
that do not wait for Feast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "AppliedViews",
    "DatasetLoggingDestination",
    "DatasetSource",
    "DatasetStorage",
    "Explained",
    "Feature",
    "Features",
    "Freshness",
    "Materialized",
    "OnlineBatch",
    "OnlineRow",
    "OnlineStatus",
    "PinnedIcebergSource",
    "PolarsOfflineStore",
    "PolarsOfflineStoreConfig",
    "Pushed",
    "Rebuilt",
    "SkewReport",
    "TrainingSet",
    "TrainingSnapshot",
    "Unapplied",
    "Use",
    "View",
    "ViewDetail",
    "ViewStatistics",
]

# The other names are in .spec.
_HOME = {
    "DatasetLoggingDestination": ".destinations",
    "DatasetSource": ".dataset_source",
    "DatasetStorage": ".destinations",
    "Explained": ".knowing.spec",
    "Features": ".service",
    "PinnedIcebergSource": ".iceberg_source",
    "PolarsOfflineStore": ".offline",
    "PolarsOfflineStoreConfig": ".offline",
    "Rebuilt": ".knowing.spec",
    "TrainingSet": ".lazily",
    "TrainingSnapshot": ".knowing.spec",
    "Use": ".knowing.uses",
    "ViewStatistics": ".knowing.spec",
}

if TYPE_CHECKING:
    from .dataset_source import DatasetSource
    from .destinations import DatasetLoggingDestination, DatasetStorage
    from .iceberg_source import PinnedIcebergSource
    from .knowing.spec import Explained, Rebuilt, TrainingSnapshot, ViewStatistics
    from .knowing.uses import Use
    from .lazily import TrainingSet
    from .offline import PolarsOfflineStore, PolarsOfflineStoreConfig
    from .service import Features
    from .spec import (
        AppliedViews,
        Feature,
        Freshness,
        Materialized,
        OnlineBatch,
        OnlineRow,
        OnlineStatus,
        Pushed,
        SkewReport,
        Unapplied,
        View,
        ViewDetail,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
