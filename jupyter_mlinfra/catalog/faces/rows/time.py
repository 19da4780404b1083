"""Snapshots, how two differ, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ....core.refs import reference
from ....faces.cards import Card, card, said
from ....faces.rows import Row, row
from ....faces.words import NONE, beginning, counted, moment, number, plain, size, stored
from ...spec import Snapshot
from ...time.spec import Diff, ExpiringSnapshot, ExpiryPlan, Restored, SchemaDiff


@row(Snapshot)
def snapshot(item: Snapshot) -> Row:
    return {
        "snapshot": item.id,
        "at": moment(item.at),
        "operation": item.operation if item.restored_from is None else "restore",
        "rows": number(item.rows),
        "added": plain(item.added),
        "updated": plain(item.updated),
        "removed": plain(item.removed),
        "written by": plain(item.written_by),
        "tags": plain(list(item.refs)),
    }


@card(Diff)
def _diff(item: Diff) -> Card:
    facts = {
        "added": plain(item.added),
        "removed": plain(item.removed),
        "changed": plain(item.changed) if item.changed is not None else "known with a key",
        "columns": "; ".join(_columns(item.schema)) or NONE,
        "read": counted(item.files_read, "file"),
        **{
            f"{name}: {figure}": " → ".join(map(_datum, values))
            for name, figures in item.statistics.items()
            for figure, values in figures.items()
        },
        "figures alike": counted(item.alike, "column") if item.alike else NONE,
    }
    return Card(
        title=f"{item.dataset}: {item.before} → {item.after}",
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        rows=[*_rows(item)],
        note=item.note,
    )


def _columns(schema: SchemaDiff) -> list[str]:
    return [
        *(f"{name}: new, {kind}" for name, kind in schema.added.items()),
        *(f"{name}: {kind} → gone" for name, kind in schema.removed.items()),
        *(f"{old} is called {new}" for old, new in schema.renamed.items()),
        *(f"{name}: {' → '.join(types)}" for name, types in schema.retyped.items()),
    ]


def _rows(item: Diff) -> Iterator[Row]:
    """The examples; a changed cell as its two values."""
    shown = item.examples
    for what, rows in (("added", shown.added), ("removed", shown.removed)):
        for values in zip(*rows.data, strict=True):
            yield _line(what, rows.columns, [_datum(value) for value in values])
    changed = shown.changed
    for new, old in zip(
        zip(*changed.data, strict=True), zip(*changed.before, strict=True), strict=True
    ):
        cells = [
            _datum(after) if before == after else f"{_datum(before)} → {_datum(after)}"
            for before, after in zip(old, new, strict=True)
        ]
        yield _line("changed", changed.columns, cells)


def _line(what: str, columns: Sequence[str], cells: Sequence[str]) -> Row:
    return {"row": what, **dict(zip(columns, cells, strict=True))}


def _datum(value: Any) -> str:
    return beginning(stored(value), 40)


@row(Restored)
def _restored(item: Restored) -> Row:
    return {
        "dataset": item.dataset,
        "snapshot": item.snapshot,
        "as of": item.restored_from,
        "rows": plain(item.rows),
        "undo": plain(item.undo),
        "note": plain(item.note),
    }


@row(ExpiringSnapshot)
def _expiring(item: ExpiringSnapshot) -> Row:
    return {
        "snapshot": item.id,
        "at": moment(item.at),
        "operation": item.operation,
        "rows": number(item.rows),
        "tags": plain(list(item.refs)),
        "stays": item.kept_because or "expires",
    }


@card(ExpiryPlan)
def _expiry(item: ExpiryPlan) -> Card:
    word = "have expired" if item.done else "would expire"
    rest = item.total - item.shown
    facts = {
        "snapshots": f"{item.expires:,} of {item.total:,} {word}",
        "files": plain(item.files),
        "size": size(item.bytes),
        "lost": " ".join(item.lost) or NONE,
    }
    return Card(
        title=item.dataset,
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        rows=[_expiring(line) for line in item.snapshots],
        note=f"{item.note} {f'{rest:,} older ones are not shown.' if rest else ''}".strip(),
    )
