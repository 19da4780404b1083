"""Routes of the catalog: a module for each room."""

from __future__ import annotations

from . import (
    access,
    care,
    grid,
    ingest,
    labels,
    looking,
    mending,
    quality,
    querying,
    reading,
    registering,
    search,
    time,
    tracing,
    verifying,
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
    **mending.ROUTES,
    **verifying.ROUTES,
    **access.ROUTES,
    **registering.ROUTES,
    **querying.ROUTES,
}
