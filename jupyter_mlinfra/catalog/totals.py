"""The figures of rows and bytes in the summaries of snapshots, which are optional.

Writers add to the totals of the snapshot before; after one without a summary pyiceberg begins at 0,
so totals that follow one without them are not believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.records import Number

type _Snapshot = Mapping[str, Any]

_TOTAL = "total-records"


def summary_of(snapshot: _Snapshot | None) -> Mapping[str, str]:
    """What a snapshot says of itself; empty if it says nothing."""
    return (snapshot or {}).get("summary") or {}


def uncounted(oldest_first: Sequence[_Snapshot]) -> frozenset[int]:
    """The snapshots of a table whose totals nobody knows."""
    found = set[int]()
    for entry in oldest_first:
        if _TOTAL not in summary_of(entry) or entry.get("parent-snapshot-id") in found:
            found.add(entry["snapshot-id"])
    return frozenset(found)


def rows_at(snapshot: _Snapshot | None, unknown: frozenset[int]) -> Number:
    """The rows of a table at a snapshot; none before the first one."""
    if snapshot is None:
        return Number(value=0)
    if snapshot["snapshot-id"] in unknown:
        return Number(value=None)
    summary = summary_of(snapshot)
    deletes = int(summary.get("total-position-deletes", 0)) + int(
        summary.get("total-equality-deletes", 0)
    )
    # Delete files may name one row twice, or a row that is gone: the rest is an estimate.
    return Number(value=int(summary[_TOTAL]) - deletes, basis="est" if deletes else "exact")


def bytes_at(snapshot: _Snapshot | None, unknown: frozenset[int]) -> int | None:
    """The bytes of its data files."""
    if snapshot is not None and snapshot["snapshot-id"] in unknown:
        return None
    return int(summary_of(snapshot).get("total-files-size", 0))


def changed_by(snapshot: _Snapshot) -> tuple[int | None, int | None]:
    """The rows in data files that came and in those that went; None if the summary counts nothing
    at all, since what is 0 may be missing.
    """
    summary = summary_of(snapshot)
    if not any(key.startswith(("added-", "deleted-", "total-")) for key in summary):
        return None, None
    return int(summary.get("added-records", 0)), int(summary.get("deleted-records", 0))
