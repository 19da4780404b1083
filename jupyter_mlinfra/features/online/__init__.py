"""Online values: which keys can be looked up, and the look-up itself."""

from __future__ import annotations

from .keys import require_online_keys
from .reading import MAX_ENTITIES, OnlineReader, opened_store

__all__ = ["MAX_ENTITIES", "OnlineReader", "opened_store", "require_online_keys"]
