"""Where the rows of a view come from, and how they are read: datasets of the catalog, Parquet
files, Delta tables and Iceberg tables of other catalogs.

This needs no Feast, so panels and caches can read a source without loading it.
"""

from __future__ import annotations

from .pins import one_snapshot
from .reading import readable, scan, state_of
from .spec import SourceSpec

__all__ = ["SourceSpec", "one_snapshot", "readable", "scan", "state_of"]
