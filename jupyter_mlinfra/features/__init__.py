"""The feature store: Feast with a correct offline store, ttl enforced online, search, and panels
that do not wait for Feast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "AppliedViews",
    "DatasetSource",
    "Feature",
    "Features",
    "Freshness",
    "Materialized",
    "OnlineRow",
    "OnlineStatus",
    "PolarsOfflineStore",
    "PolarsOfflineStoreConfig",
    "View",
    "ViewDetail",
]

# The other names are in .spec.
_HOME = {
    "DatasetSource": ".dataset_source",
    "Features": ".service",
    "PolarsOfflineStore": ".offline",
    "PolarsOfflineStoreConfig": ".offline",
}

if TYPE_CHECKING:
    from .dataset_source import DatasetSource
    from .offline import PolarsOfflineStore, PolarsOfflineStoreConfig
    from .service import Features
    from .spec import (
        AppliedViews,
        Feature,
        Freshness,
        Materialized,
        OnlineRow,
        OnlineStatus,
        View,
        ViewDetail,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
