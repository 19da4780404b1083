"""Push: rows of a stream into the online store, the offline source, or both."""

from __future__ import annotations

from .running import To, push

__all__ = ["To", "push"]
