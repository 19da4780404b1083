"""Rows and cards of the records of the catalog: a module for each room."""

from __future__ import annotations

from . import ingest, looking, reading, time

__all__ = ["ingest", "looking", "reading", "time"]
