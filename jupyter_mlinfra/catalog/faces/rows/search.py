"""Namespaces."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import plain
from ...spec import Namespace


@row(Namespace)
def namespace(item: Namespace) -> Row:
    return {"namespace": item.name, "datasets": plain(item.datasets)}
