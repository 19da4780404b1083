"""What feature_store.yaml may say of the store."""

from __future__ import annotations

from typing import Literal

from feast.repo_config import FeastConfigBaseModel

from ..join import Engine, Strategy


class PolarsOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast is not type-checked
    """Options under `offline_store` in feature_store.yaml."""

    type: Literal[
        "jupyter_mlinfra.features.PolarsOfflineStore",
        "jupyter_mlinfra.features.offline.PolarsOfflineStore",
    ] = "jupyter_mlinfra.features.PolarsOfflineStore"

    strategy: Strategy = "auto"
    """`asof` sorts, `hash` pairs rows by key, `auto` counts the pairs and chooses."""

    engine: Engine = "streaming"
    """Polars engine: `streaming` uses less memory."""
