"""The views of the registry as plain records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from .sources import SourceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A feature or a join key. type: Feast's name for its type."""

    name: str
    type: str
    description: str = ""
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One view of the registry.

    kind: batch, derived (Feast computes its values) or on_demand. digest: changes with the
    definition. materialized_until: end of the last materialization that Feast recorded. push: name
    of the source whose rows are pushed to it.
    """

    name: str
    kind: str
    entities: Sequence[str]
    keys: Sequence[Column]
    features: Sequence[Column]
    ttl_seconds: float | None
    source: SourceSpec | None
    online: bool
    owner: str
    tags: Mapping[str, str]
    description: str
    digest: str
    materialized_until: datetime | None
    push: str = ""

    @property
    def ttl(self) -> timedelta | None:
        """None: values never expire."""
        return timedelta(seconds=self.ttl_seconds) if self.ttl_seconds else None


def definition_of(item: dict[str, Any]) -> Definition:
    """A view from its JSON form."""
    until = item["materialized_until"]
    found = Definition(
        **item
        | {
            "keys": [Column(**column) for column in item["keys"]],
            "features": [Column(**column) for column in item["features"]],
            "source": SourceSpec(**item["source"]) if item["source"] else None,
        }
    )
    return replace(found, materialized_until=datetime.fromisoformat(until) if until else None)
