"""Materialize: copy the newest row of every entity from the source to the online store.

Runs in a process of its own (`worker.py`). Incremental by default: rows older than the newest one
online are not read again. If the definition changed, or the source got anything but newer rows,
everything is written again, so that no late row is missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, NotFound
from ..core.events import telling
from ..core.files import file_lock
from ..core.frames import exactly
from ..core.records import now
from ..core.refs import reference
from .definitions import Definition
from .online import require_online_keys
from .registry import definitions, rebuild_index
from .repo import folder, open_store, require_online_store
from .sources import SourceSpec, one_snapshot, readable, scan, state_of
from .spec import Materialized
from .store import FeatureFiles, Materialization

if TYPE_CHECKING:
    import polars as pl
    from feast import FeatureStore, FeatureView

    from ..core.project import Project

BATCH_ROWS = 2_000

Progress = Callable[[str, int, int], None]
"""Called with the view, the rows written and the number of rows to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows to write: event time in [after, until], or (after, until] if `open`. after: None = from
    the beginning.
    """

    after: datetime | None
    until: datetime
    open: bool = False


def materialize(
    project: Project,
    names: Sequence[str],
    *,
    start: datetime | None,
    end: datetime | None,
    progress: Progress,
) -> list[Materialized]:
    """Write the named views, or all that are served online, one after the other. Among all, a view
    that cannot be served does not hold up the others.

    start, end: event times; end defaults to now. Raises NotFound, Conflict for a view that is not
    online, BadRequest if start > end.
    """
    until = _utc(end) if end else now()
    if start and _utc(start) > until:
        raise BadRequest(f"start {start} is after end {until}.", fix="Swap them.")
    with file_lock(project.folder("features") / "lock"):
        feast = open_store(project)
        require_online_store(feast.config)
        views = {item.name: item for item in definitions(feast)}
        chosen = _select(views, names)
        errors = {view.name: error for view in chosen if (error := _key_error(view)) is not None}
        if errors and names:
            raise next(iter(errors.values()))
        results = [
            _materialize(project, feast, view, _utc(start) if start else None, until, progress)
            for view in chosen
            if view.name not in errors
        ]
        rebuild_index(project)
    if errors:
        first_error = next(iter(errors.values()))
        raise Conflict(
            first_error.what, f"{first_error.why} All other views are online.", first_error.fix
        )
    return results


def _key_error(view: Definition) -> Conflict | None:
    try:
        require_online_keys(view)
    except Conflict as error:
        return error
    return None


def _select(views: dict[str, Definition], names: Sequence[str]) -> list[Definition]:
    if not names:
        return [
            view for view in views.values() if view.online and view.source and view.kind == "batch"
        ]
    for name in names:
        if name not in views:
            raise NotFound(
                f"There is no view {name}.",
                f"The registry has {', '.join(views) or 'none'}.",
                "mlinfra features apply brings definitions in.",
            )
        if views[name].kind == "derived":
            fix = (
                "Run feast.FeatureStore.materialize for it, or write what it computes to a dataset"
                f" and let {name} read that."
            )
            raise Conflict(
                f"{name} computes its values.",
                "This verb copies values from a source; a transformation would be left out.",
                fix,
            )
        if not views[name].online or views[name].source is None:
            raise Conflict(
                f"{name} is not served online.",
                "Its definition says online=False, or it has no source.",
                "Set online=True and apply.",
            )
    return [views[name] for name in names]


def _materialize(
    project: Project,
    feast: FeatureStore,
    view: Definition,
    start: datetime | None,
    until: datetime,
    progress: Progress,
) -> Materialized:
    source, started = view.source, time.monotonic()
    assert source is not None  # _chosen returns only views with a source
    repo, store = folder(project), FeatureFiles(project)
    last = store.materializations().get(view.name)
    with one_snapshot(), readable(source):
        state = state_of(source, repo)
        window = (
            Window(after=start, until=until)
            if start
            else _window(view, last, source, state, until, repo)
        )
        rows = _newest(view, source, window, repo)
    oldest, newest = _event_time(rows, source, "min"), _event_time(rows, source, "max")
    window_start = window.after or oldest or until
    _write(feast, view.name, rows, source, progress)
    feast.registry.apply_materialization(
        feast.get_feature_view(view.name), feast.project, window_start, until
    )
    pinned = source.kind in ("dataset", "delta", "iceberg") and state
    written = Materialization(
        digest=view.digest,
        mark=state,
        newest=newest or (last.newest if last else None),
        until=until,
        rows=rows.height,
    )
    store.set_materializations({view.name: written})
    _announce(project, view, f"{source.ref}@{state}" if pinned else source.ref, written)
    return Materialized(
        view=view.name,
        rows=rows.height,
        start=window_start,
        end=until,
        seconds=round(time.monotonic() - started, 3),
    )


def _announce(project: Project, view: Definition, source: str, written: Materialization) -> None:
    """Record lineage and event of a materialization."""
    ref = reference("view", view.name)
    with telling(f"{ref} is materialized"):
        project.lineage.record(
            "features.materialize", inputs=[source], outputs=[ref], facts={"rows": written.rows}
        )
        project.events.emit(
            "view",
            ref,
            {"change": "materialized", "rows": written.rows, "online_at": written.newest},
        )


def _window(
    view: Definition,
    last: Materialization | None,
    source: SourceSpec,
    state: str | None,
    until: datetime,
    repo: Path,
) -> Window:
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
    from .sources.datasets import catalog_of

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

    from .join import moment

    frame = scan(source, repo, snapshot=snapshot)
    assert last.newest is not None  # _window checked it
    bound = moment(last.newest, frame.collect_schema()[source.time])
    return int(
        frame.filter(exactly(source.time) < bound)
        .select(pl.len())
        .collect(engine="streaming")
        .item()
    )


def _newest(view: Definition, source: SourceSpec, window: Window, repo: Path) -> pl.DataFrame:
    """One row per entity: keys, features, event time and created time."""
    from .join import moment, require_time
    from .pulling import latest, within

    all_rows = scan(source, repo)
    require_time(all_rows.collect_schema(), source.time, f"The rows of {source.name}")
    rows = within(all_rows, source, window.after, window.until)
    if window.open and window.after:
        rows = rows.filter(
            exactly(source.time) > moment(window.after, rows.collect_schema()[source.time])
        )
    keys, features = (
        [column.name for column in view.keys],
        [column.name for column in view.features],
    )
    columns = dict.fromkeys(
        [*keys, *features, source.time, *([source.created] if source.created else [])]
    )
    return latest(rows, source, keys).select(*map(exactly, columns)).collect(engine="streaming")


def _event_time(rows: pl.DataFrame, source: SourceSpec, method: str) -> datetime | None:
    from .join import utc

    value = getattr(rows.select(utc(source.time, rows.schema[source.time]))[source.time], method)()
    return value if isinstance(value, datetime) else None


def _write(
    feast: FeatureStore, name: str, rows: pl.DataFrame, source: SourceSpec, progress: Progress
) -> None:
    view = feast.get_feature_view(name)
    progress(name, 0, rows.height)
    for start in range(0, rows.height, BATCH_ROWS):
        part = rows[start : start + BATCH_ROWS]
        feast.provider.online_write_batch(
            feast.config, view, list(_protos(view, part, source)), None
        )
        progress(name, start + part.height, rows.height)


def _protos(
    view: FeatureView, rows: pl.DataFrame, source: SourceSpec
) -> Iterator[tuple[Any, dict[str, Any], datetime, datetime | None]]:
    """Rows in the form that Feast's online stores take: (entity key, values by feature, event time,
    created time).
    """
    from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.type_map import python_values_to_proto_values

    from .join import utc

    def column(field: Any) -> list[Any]:
        python_values = (
            [DUMMY_ENTITY_VAL] * rows.height
            if field.name == DUMMY_ENTITY_ID
            else _with_times(rows[field.name]).to_list()
        )
        values: list[Any] = python_values_to_proto_values(
            python_values, field.dtype.to_value_type()
        )
        return values

    times = rows.select(
        utc(name, rows.schema[name]) for name in (source.time, source.created) if name
    )
    created = times[source.created].to_list() if source.created else [None] * rows.height
    names = [field.name for field in view.entity_columns]
    keys = zip(*(column(field) for field in view.entity_columns), strict=True)
    features = [field.name for field in view.features]
    values = zip(*(column(field) for field in view.features), strict=True)
    for key, value, event_at, created_at in zip(
        keys, values, times[source.time].to_list(), created, strict=True
    ):
        yield (
            EntityKey(join_keys=names, entity_values=key),
            dict(zip(features, value, strict=True)),
            event_at,
            created_at,
        )


def _with_times(column: pl.Series) -> pl.Series:
    """Dates as midnights, which Feast stores instead, also inside lists."""
    import polars as pl

    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us", "UTC"))
    return (
        column.cast(pl.List(pl.Datetime("us", "UTC")))
        if column.dtype == pl.List(pl.Date)
        else column
    )


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
