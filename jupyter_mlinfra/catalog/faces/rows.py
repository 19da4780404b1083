"""One row of a list, for each record."""

from __future__ import annotations

from ...faces.rows import Row, row
from ...faces.words import beginning, datum, moment, number, plain, share, size
from ..spec import Column, ColumnProfile, Dataset, Snapshot


@row(Column)
def column(item: Column) -> Row:
    return {
        "column": item.name,
        "type": item.type,
        "required": plain(item.required),
        "used by": plain(item.used_by),
        "note": beginning(item.doc),
    }


@row(ColumnProfile)
def column_profile(item: ColumnProfile) -> Row:
    return {
        "column": item.name,
        "type": item.type,
        "missing": share(item.missing),
        "distinct": number(item.distinct),
        "min": beginning(datum(item.min), 24),
        "mean": beginning(number(item.mean), 24),
        "max": beginning(datum(item.max), 24),
        "top": beginning(number(item.top), 24),
    }


@row(Dataset)
def dataset(item: Dataset) -> Row:
    return {
        "dataset": item.name,
        "rows": number(item.rows),
        "columns": plain(item.columns),
        "size": size(item.bytes),
        "updated": moment(item.updated_at),
        "owner": plain(item.owner),
        "tags": plain(item.tags),
        "kept by": plain(item.domain or None),
        "description": beginning(item.description),
    }


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
