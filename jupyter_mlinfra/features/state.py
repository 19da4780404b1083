"""How fresh a view's online values are; decided only here."""

from __future__ import annotations

from datetime import datetime

from .definitions import Definition
from .spec import Freshness
from .store import Materialization


def online_at(view: Definition, last: Materialization | None) -> datetime | None:
    """Newest event time online, written or pushed; if only Feast knows of a materialization, the
    end of that.
    """
    known = [at for at in (last.newest, last.pushed) if at] if last else []
    return max(known, default=view.materialized_until)


def freshness(view: Definition, last: Materialization | None, at: datetime) -> Freshness:
    """The freshness at `at`; a view without ttl never expires once it is materialized."""
    return aged(view, online_at(view, last), at)


def aged(view: Definition, newest: datetime | None, at: datetime) -> Freshness:
    """The freshness at `at` of values whose newest event time is `newest`."""
    if newest is None:
        return Freshness.NEVER
    return Freshness.EXPIRED if view.ttl and at - newest > view.ttl else Freshness.FRESH
