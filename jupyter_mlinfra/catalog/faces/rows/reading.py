"""Datasets, their columns and rows, and what a look at their files found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....core.refs import reference
from ....faces.cards import Card, card, said
from ....faces.rows import Row, row, rows_of
from ....faces.words import NONE, beginning, counted, first, moment, number, plain, size, stored
from ...spec import Column, Dataset, DatasetDetail, RowBlock, Verification, Verified


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


@row(Column)
def column(item: Column) -> Row:
    return {
        "column": item.name,
        "type": item.type,
        "required": plain(item.required),
        "tags": plain(item.tags),
        "used by": first(item.used_by),
        "note": beginning(item.doc),
    }


@card(DatasetDetail)
def _dataset_detail(item: DatasetDetail) -> Card:
    data = item.dataset
    facts = {
        "rows": number(data.rows),
        "size": size(data.bytes),
        "snapshot": plain(data.snapshot),
        "updated": moment(data.updated_at),
        "snapshots": plain(item.snapshots),
        "newer": plain(item.newer or None),
        "owner": plain(data.owner),
        "tags": plain(data.tags),
        "kept by": plain(data.domain or None),
        "description": beginning(data.description, 200),
    }
    return Card(title=data.name, ref=data.ref, facts=said(facts), rows=rows_of(item.schema))


@card(RowBlock)
def row_block(item: RowBlock) -> Card:
    names = [column.name for column in item.columns]
    rows = [
        dict(zip(names, (beginning(stored(value), 40) for value in values), strict=True))
        for values in zip(*item.data, strict=True)
    ]
    last = item.start + item.shown
    title = f"rows {item.start + 1:,}–{last:,} of {item.total:,}" if item.shown else "no rows"
    if 0 < item.shown < item.total:  # a terminal does not show the title of rows
        return Card(title="some rows", rows=rows, note=f"These are {title}.")
    return Card(title=title, rows=rows)


@card(Verified)
def _verified(item: Verified) -> Card:
    found = _verification(item.found) if item.found else Card(title=item.dataset)
    facts = {"verified": moment(item.at), "set aside now": _files(item.still_out)}
    return replace(found, facts={**said(facts), **found.facts})


def _files(files: Sequence[str]) -> str:
    names = ", ".join(file.rpartition("/")[2] for file in files)
    return f"{counted(len(files), 'file')}: {beginning(names, 200)}" if files else NONE


@card(Verification)
def _verification(item: Verification) -> Card:
    facts = {
        "snapshot": item.snapshot or NONE,
        "files": plain(item.files),
        "checked": plain(item.checked),
        "damaged": plain(len(item.damaged)),
        "not checked": plain(item.files - item.checked or None),
        "set aside": _files(item.set_aside),
        "rows left out": plain(item.rows_lost or None),
        "put back": _files(item.put_back),
        "still out": _files(item.still_out),
    }
    rows = [{"file": damage.file, "why": damage.why} for damage in item.damaged]
    return Card(
        title=item.dataset,
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        rows=rows,
        note=item.note,
    )
