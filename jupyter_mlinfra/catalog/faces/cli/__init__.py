"""`mlinfra catalog …`: a module for each room of verbs."""

from __future__ import annotations

from . import (
    access,
    care,
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
from .noun import catalog

__all__ = [
    "access",
    "care",
    "catalog",
    "ingest",
    "labels",
    "looking",
    "quality",
    "querying",
    "reading",
    "registering",
    "search",
    "time",
    "tracing",
]
