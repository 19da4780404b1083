"""Catalog: datasets as Iceberg tables, ingested whole or not at all; search, previews, profiles,
lineage.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "Advance",
    "Catalog",
    "ColumnProfile",
    "Dataset",
    "DatasetDetail",
    "DatasetName",
    "Explorer",
    "IngestProgress",
    "IngestReport",
    "Inspection",
    "Mode",
    "Position",
    "Profile",
    "Reading",
    "ReadingOptions",
    "RowBlock",
    "Snapshot",
    "Table",
    "Verification",
    "WriteMode",
    "deleted_columns",
    "explorer_of",
    "note_made",
    "personal_columns",
    "plain_rows",
    "profile_of",
    "storage_options",
    "with_region",
    "without_values",
]
_HOME = {
    "Advance": ".positions",
    "Catalog": ".service",
    "DatasetName": ".names",
    "Explorer": ".grid.explorer",
    "IngestProgress": ".progress",
    "Mode": ".change",
    "Position": ".positions",
    "Reading": ".reading",
    "ReadingOptions": ".reading",
    "Table": ".table",
    "WriteMode": ".change",
    "deleted_columns": ".personal",
    "note_made": ".scanned",
    "personal_columns": ".personal",
    "plain_rows": ".querying.answers",
    "profile_of": ".looking.frames",
    "explorer_of": ".grid.frames",
    "storage_options": ".rows",
    "with_region": ".drivers",
    "without_values": ".looking.describing",
}

if TYPE_CHECKING:
    from .change import Mode, WriteMode
    from .drivers import with_region
    from .grid.explorer import Explorer
    from .grid.frames import explorer_of
    from .looking.describing import without_values
    from .looking.frames import profile_of
    from .names import DatasetName
    from .personal import deleted_columns, personal_columns
    from .positions import Advance, Position
    from .progress import IngestProgress
    from .querying.answers import plain_rows
    from .reading import Reading, ReadingOptions
    from .rows import storage_options
    from .scanned import note_made
    from .service import Catalog
    from .spec import (
        ColumnProfile,
        Dataset,
        DatasetDetail,
        IngestReport,
        Inspection,
        Profile,
        RowBlock,
        Snapshot,
        Verification,
    )
    from .table import Table


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, ".spec"), __name__), name)
