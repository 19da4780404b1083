"""`PolarsOfflineStore`: Feast's offline store on Polars. Importing this module imports Feast, which
finds both classes here.

Feast's default store loses rows (feast#6787) and its DuckDB store neither keeps the order of the
entity rows nor takes a ttl that is not whole days. This one follows the rule in `join.py`, and
reads datasets of the catalog as well as Parquet files.
"""

from __future__ import annotations

from .store import PolarsOfflineStore, PolarsOfflineStoreConfig

__all__ = ["PolarsOfflineStore", "PolarsOfflineStoreConfig"]
