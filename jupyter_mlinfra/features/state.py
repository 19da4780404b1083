"""How fresh a view's online values are; decided only here."""

from __future__ import annotations

from datetime import datetime

from .spec import Freshness
from .store import Definition, Fed


def online_at(view: Definition, fed: Fed | None) -> datetime | None:
    """Newest event time online; if only Feast knows of a materialization, the end of that."""
    return fed.newest if fed and fed.newest else view.fed_until


def freshness(view: Definition, fed: Fed | None, at: datetime) -> Freshness:
    """The freshness at `at`; a view without ttl never expires once it is materialized."""
    newest = online_at(view, fed)
    if newest is None:
        return Freshness.NEVER
    return Freshness.EXPIRED if view.ttl and at - newest > view.ttl else Freshness.FRESH
