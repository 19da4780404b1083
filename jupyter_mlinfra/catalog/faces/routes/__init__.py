"""Routes of the catalog: a module for each room."""

from __future__ import annotations

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

ROUTES = {
    **reading.ROUTES,
    **looking.ROUTES,
    **grid.ROUTES,
    **time.ROUTES,
    **quality.ROUTES,
    **tracing.ROUTES,
    **labels.ROUTES,
    **care.ROUTES,
    **search.ROUTES,
    **ingest.ROUTES,
    **access.ROUTES,
    **registering.ROUTES,
    **querying.ROUTES,
}
