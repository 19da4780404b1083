"""Rows and cards of the records of the catalog: a module for each room."""

from __future__ import annotations

from . import access, care, grid, ingest, labels, looking, quality, querying, reading, search, time

__all__ = [
    "access",
    "care",
    "grid",
    "ingest",
    "labels",
    "looking",
    "quality",
    "querying",
    "reading",
    "search",
    "time",
]
