"""Materialize: copy the newest row of every entity from the source to the online store.

Runs in a process of its own (`worker.py`). Incremental by default: rows older than the newest one
online are not read again. If the definition changed, or the source got anything but newer rows,
everything is written again, so that no late row is missed.
"""

from __future__ import annotations

from .running import materialize
from .wish import Progress, Wish

__all__ = ["Progress", "Wish", "materialize"]
