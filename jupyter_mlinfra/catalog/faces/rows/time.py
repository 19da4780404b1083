"""Snapshots."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import moment, number, plain
from ...spec import Snapshot


@row(Snapshot)
def snapshot(item: Snapshot) -> Row:
    return {
        "snapshot": item.id,
        "at": moment(item.at),
        "operation": item.operation,
        "rows": number(item.rows),
        "added": plain(item.added),
        "removed": plain(item.removed),
        "written by": plain(item.written_by),
    }
