"""Which rows of a source have to be written to the online store, and in which parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from ...core.errors import BadRequest
from ...core.frames import exactly
from ..definitions import Definition
from ..join import moment, utc
from ..labels import resolution_of
from ..pulling import label_start, within
from ..sources import SourceSpec, scan
from ..store import Materialization

_MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows to write: event time in [after, until], or (after, until] if `open`. after: None = from
    the beginning.
    """

    after: datetime | None
    until: datetime
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a window, and how many rows of the source are in it."""

    window: Window
    rows: int


def parts_of(source: SourceSpec, repo: Path, window: Window, every: timedelta) -> list[Part]:
    """A window in parts of this length, the oldest first; those without rows are left out. `after`
    None: from the oldest row. Raises BadRequest if they are too many.
    """
    import polars as pl

    rows = within(scan(source, repo), source, window.after, window.until)
    dtype = rows.collect_schema()[source.time]
    unit: Literal["us", "ns"] = "ns" if getattr(dtype, "time_unit", "") == "ns" else "us"
    times = rows.select(utc(source.time, dtype, unit).alias("at"))
    first = window.after or times.select(pl.col("at").min()).collect(engine="streaming").item()
    if first is None:
        return []
    length = pl.lit(every, pl.Duration(unit)).to_physical()
    since = (pl.col("at") - pl.lit(first, pl.Datetime(unit, "UTC"))).to_physical()
    found = (
        times.group_by(((since - 1) // length).clip(0).alias("part"))
        .len()
        .sort("part")
        .collect(engine="streaming")
    )
    if found.height > _MOST_PARTS:
        raise BadRequest(
            f"{source.name} would be read in {found.height:,} parts.",
            f"At most {_MOST_PARTS:,}.",
            "Make the parts longer.",
        )
    return [
        Part(
            window=Window(
                after=first + number * every,
                until=min(first + (number + 1) * every, window.until),
                open=window.open if number == 0 else True,
            ),
            rows=count,
        )
        for number, count in found.iter_rows()
    ]


def window_of(
    view: Definition,
    last: Materialization | None,
    source: SourceSpec,
    state: str | None,
    until: datetime,
    repo: Path,
) -> Window:
    """What an incremental run has to read. last: of the view. state: of the source now."""
    if view.aggregated:
        return Window(after=None, until=until)
    if resolution_of(view.labels):  # an old label may count beside a new one
        return Window(after=label_start(view, until), until=until)
    if last is None or last.newest is None or last.digest != view.digest or until < last.newest:
        return Window(after=None, until=until)
    if state is not None and state == last.mark:
        return Window(after=last.newest, until=until, open=True)
    if _only_newer(view, source, last, state, repo):
        return Window(after=last.newest, until=until)
    return Window(after=None, until=until)


def _only_newer(
    view: Definition, source: SourceSpec, last: Materialization, state: str | None, repo: Path
) -> bool:
    """Whether the source only got rows at least as new as the newest one online:

    every snapshot since then appended, none has late rows, and the view's columns are unchanged.
    """
    if source.kind != "dataset" or not state or not last.mark:
        return False
    from ..sources.datasets import catalog_of

    catalog = catalog_of(source, repo)
    snapshots = {item.id: item for item in catalog.snapshots(source.name, limit=500).items}
    snapshot: str | None = _snapshot(state)
    while snapshot != _snapshot(last.mark):
        if snapshot not in snapshots or snapshots[snapshot].operation != "append":
            return False
        snapshot = snapshots[snapshot].parent
    old_ids, new_ids = (
        catalog.column_ids(f"{source.name}@{snapshot_id}") for snapshot_id in (last.mark, state)
    )
    unchanged = all(old_ids.get(name) == new_ids.get(name) for name in _columns(view, source))
    return unchanged and _count_older(source, last, repo, state) == _count_older(
        source, last, repo, last.mark
    )


def _snapshot(state: str) -> str:
    """The snapshot in a dataset's state, which may also name columns (`ID.COLUMNS`)."""
    return state.partition(".")[0]


def _columns(view: Definition, source: SourceSpec) -> list[str]:
    """The columns that the view reads, under the names of its source."""
    source_name = {name: column for column, name in source.mapping.items()}
    names = [column.name for column in [*view.keys, *view.features]] + [
        source.time,
        *([source.created] if source.created else []),
    ]
    return [source_name.get(name, name) for name in names]


def _count_older(source: SourceSpec, last: Materialization, repo: Path, snapshot: str) -> int:
    import polars as pl

    frame = scan(source, repo, snapshot=snapshot)
    assert last.newest is not None  # window_of checked it
    bound = moment(last.newest, frame.collect_schema()[source.time])
    return int(
        frame.filter(exactly(source.time) < bound)
        .select(pl.len())
        .collect(engine="streaming")
        .item()
    )
