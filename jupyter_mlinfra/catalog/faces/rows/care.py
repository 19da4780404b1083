"""Where datasets are kept, what a clean-up finds, and what is in the trash."""

from __future__ import annotations

from ....core.refs import reference
from ....faces.cards import Card, card, said
from ....faces.rows import Row, row
from ....faces.words import NONE, counted, moment, plain, size
from ...care.spec import (
    Care,
    CarePlan,
    Deleted,
    Duplicate,
    Moved,
    Orphan,
    Suggestion,
    Trashed,
)


@row(Orphan)
def orphan(item: Orphan) -> Row:
    return {
        "file": item.file.rpartition("/")[2],
        "size": size(item.bytes),
        "age": f"{item.age_hours:g} h",
        "why": item.why,
    }


@row(Trashed)
def trashed(item: Trashed) -> Row:
    return {
        "number": plain(item.id),
        "dataset": item.name,
        "rows": plain(item.rows),
        "size": size(item.bytes),
        "deleted": moment(item.at),
        "by": item.user,
        "kept until": moment(item.until),
    }


@card(Trashed)
def _trashed(item: Trashed) -> Card:
    """What came back; a list of the trash has rows."""
    facts = {"rows": plain(item.rows), "size": size(item.bytes), "deleted": moment(item.at)}
    return Card(
        title=f"{item.name} is restored", ref=reference("dataset", item.name), facts=said(facts)
    )


@row(Duplicate)
def duplicate(item: Duplicate) -> Row:
    return {"dataset": item.dataset, "equal files": plain(item.files)}


@row(Suggestion)
def suggestion(item: Suggestion) -> Row:
    return {"why": item.why, "command": item.command}


@row(CarePlan)
def plan(item: CarePlan) -> Row:
    files = f"{item.files_before:,} → {item.files_after:,}"
    return {
        "dataset": item.dataset,
        "data files": plain(item.files_before) if item.files_before == item.files_after else files,
        "bytes": size(item.bytes),
        "not needed": plain(item.orphans_total or None),
        "kept": plain(item.kept_total or None),
        "done": plain(item.done),
        "note": item.note or NONE,
    }


@card(CarePlan)
def _plan(item: CarePlan) -> Card:
    facts = {key: text for key, text in plan(item).items() if key not in ("dataset", "note")}
    nothing = not (item.done or item.bytes or item.orphans_total)
    planned = f"{item.dataset}: {'nothing to do' if nothing else 'what would be done'}"
    return Card(
        title=item.dataset if item.done else planned,
        ref=reference("dataset", item.dataset),
        facts=said({**facts, "snapshot": plain(item.snapshot)}),
        rows=[orphan(found) for found in (*item.orphans, *item.kept)],
        note=item.note or ("" if item.done or nothing else "With --yes it is done."),
    )


@row(Moved)
def moved(item: Moved) -> Row:
    return {
        "dataset": item.dataset,
        "tier": item.tier,
        "snapshots": plain(item.snapshots),
        "done": plain(item.done),
        "note": item.note or NONE,
    }


@card(Moved)
def _moved(item: Moved) -> Card:
    facts = {
        "tier": item.tier,
        "copied": f"{counted(item.files, 'file')}, {size(item.bytes)}",
        "snapshots": plain(item.snapshots),
        "location": item.location,
        "snapshot": plain(item.snapshot),
        "undo": item.undo or NONE,
    }
    return Card(
        title=item.dataset,
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        note=item.note,
    )


@card(Deleted)
def _deleted(item: Deleted) -> Card:
    facts = {
        "files": item.files,
        "kept until": moment(item.until),
        "undo": item.undo or NONE,
    }
    return Card(title=f"{item.deleted} is deleted", facts=said(facts))


@card(Care)
def _care(item: Care) -> Card:
    facts = {
        "tier": item.tier,
        "files": f"{counted(item.files, 'file')}, {size(item.bytes)}",
        "small": plain(item.small or None),
        "with deleted rows": plain(item.deletes or None),
        "with earlier snapshots": f"{counted(item.all_files, 'file')}, {size(item.all_bytes)}",
        "snapshots": plain(item.snapshots),
        "read": f"on {counted(item.reads, 'day')} of the last 30",
        "last read": str(item.read_at.date()) if item.read_at else NONE,
        "location": item.location,
    }
    found = item.suggestion
    return Card(
        title=item.dataset,
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        rows=[duplicate(other) for other in item.duplicates],
        note=f"{found.why} {found.command}" if found else "",
    )
