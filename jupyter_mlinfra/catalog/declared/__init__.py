"""What each room of the catalog declares for the interfaces."""

from __future__ import annotations

from ...core.domain import merged
from . import (
    access,
    care,
    grid,
    ingest,
    labels,
    looking,
    quality,
    querying,
    reading,
    registering,
    search,
    time,
    tracing,
)

ALL = merged(
    reading.PART,
    ingest.PART,
    registering.PART,
    search.PART,
    looking.PART,
    grid.PART,
    time.PART,
    quality.PART,
    tracing.PART,
    labels.PART,
    care.PART,
    querying.PART,
    access.PART,
)
