"""From where a batch of new rows goes on, and how far a target has got with a source afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Conflict, NotFound
from .spec import BatchTask, table_of

if TYPE_CHECKING:
    import polars as pl

    from ...catalog import Catalog, Position


class OvertakenError(Conflict):
    """The target is no longer as it was when the batch of new rows was submitted."""


def new_rows(catalog: Catalog, pinned: str, into: str) -> tuple[str, int] | None:
    """The snapshot of the source up to which the target has its predictions, and how many rows came
    since; None if the target never had any. Raises Conflict if that is not certain.
    """
    source = table_of(pinned)
    if source == pinned:
        raise BadRequest(
            f"{source} has no snapshots.",
            "So nobody knows which of its rows are new.",
            "Score all of it, without --new.",
        )
    position = catalog.position(into, source)
    if not position.at:
        return None
    if not position.kept:
        raise _cut(source, into)
    try:
        since = catalog.grown_from(pinned, {position.at}) or ""
        return since, count(catalog.appended(pinned, since))
    except Conflict as error:
        raise Conflict(error.what, error.why, _all_of_it(into)) from error


def check_unmoved(catalog: Catalog, task: BatchTask) -> None:
    """Raise Conflict before any row is scored if a batch of new rows cannot be committed."""
    moved(catalog, task, catalog.position(task.into, table_of(task.source)))
    if task.since:
        catalog.grown_from(task.source, {task.since})


def moved(catalog: Catalog, task: BatchTask, position: Position) -> str | None:
    """How far the target has got when it has the rows of this batch; None if no further than
    before. position: before it. Raises OvertakenError if a batch of new rows would leave some out,
    or add some twice.
    """
    if task.new:
        _check_unmoved(task, position)
    elif task.mode == "append" and _older(catalog, task, position.at):
        return None
    return task.snapshot


def count(rows: pl.LazyFrame) -> int:
    """How many rows there are."""
    import polars as pl

    return int(rows.select(pl.len()).collect().item())


def _check_unmoved(task: BatchTask, position: Position) -> None:
    source = table_of(task.source)
    if not position.kept:
        raise _cut(source, task.into)
    if position.at != task.since:
        was, now = (f"up to snapshot {at}" if at else "none" for at in (task.since, position.at))
        raise OvertakenError(
            f"{task.into} has got other rows of {source} meanwhile.",
            f"It had {was} when this batch was submitted, and has {now} now.",
            "Run the batch again: it scores what is left.",
        )


def _older(catalog: Catalog, task: BatchTask, at: str) -> bool:
    """Whether the batch has the rows of an older snapshot than the target; also if that cannot be
    known, because that snapshot is gone.
    """
    if not at or at == task.snapshot:
        return False
    try:
        return bool(catalog.grown_from(f"{table_of(task.source)}@{at}", {task.snapshot}))
    except NotFound:
        return True
    except Conflict:  # the source was rewritten in between
        return False


def _cut(source: str, into: str) -> OvertakenError:
    return OvertakenError(
        f"It is not certain which rows of {source} are in {into}.",
        "It had predictions for them, but its history is cut: rows were replaced or deleted, or"
        " snapshots have expired.",
        _all_of_it(into),
    )


def _all_of_it(into: str) -> str:
    return f"Score all of it, with --replace in place of --new, or into another than {into}."
