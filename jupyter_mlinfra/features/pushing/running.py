"""The push itself: offline first, which is the truth, then online, where newer values stay."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from ...core.errors import Conflict, NotFound, Unprocessable
from ...core.events import telling
from ...core.frames import exactly
from ...core.processes import failpoint
from ...core.records import now
from ...core.refs import reference
from ..definitions import Definition
from ..labels import MAJORITY, priority_of, resolution_of
from ..online import opened_store, require_online_keys
from ..online.writing import OnlineWriter, Rows, rows_of, writing
from ..repo import feast_config, folder, require_online_store
from ..sources import one_snapshot, readable, scan
from ..spec import Pushed, Rejected
from ..store import FeatureFiles, Materialization
from .checking import Checked
from .fitting import require_fitting
from .once import noted

if TYPE_CHECKING:
    from ...core.project import Project

To = Literal["online", "offline", "both"]

MOST_NAMED = 100
"""Rejected rows that an answer names; it counts all of them."""


def push(
    project: Project,
    name: str,
    views: Mapping[str, Definition],
    columns: Mapping[str, Sequence[Any]],
    rows: int,
    *,
    to: To,
    until: datetime,
    append: Callable[[Definition, Path, Path], object],
) -> Pushed:
    """Write rows to all views that a source feeds, or to one view. name: of the source or the view.
    until: the present; later rows do not go online. append: writes a Parquet file to the source of
    a view, once for a note.

    An equal push after one that was killed or failed adds no row to a source again. A row that one
    of the views cannot take goes nowhere. Raises NotFound, BadRequest for a column that is missing,
    Unprocessable if no row can be taken or a window would hold a value that its feature does not
    take, Conflict for a view that cannot be written.
    """
    fed, at = views_of(name, views), now()
    for view in fed:
        _require_writable(view, to)
    if not rows and not columns:  # an empty list names none
        return _pushed(name, fed, to, Checked({}, 0), older=0)
    checked = _checked(name, fed, columns, rows, at, None if to == "offline" else until)
    kept = checked.kept()
    good = {
        name: [v for v, k in zip(c, kept, strict=True) if k] for name, c in checked.columns.items()
    }
    older = 0
    with nullcontext() if to == "online" else noted(project, name, columns) as note:
        for view in fed if any(kept) and note is not None and note.is_new else ():
            if view.aggregated:  # so that a row that spoils its windows is written nowhere
                require_fitting(project, view, good, until)
        for view in fed if any(kept) else ():
            if note is not None:
                _to_source(view, good, note.path, append)
            if to != "offline":
                older = max(older, _to_store(project, view, good, until, whole=note is not None))
    return _pushed(name, fed, to, checked, older=older)


def _pushed(
    name: str, fed: Sequence[Definition], to: To, checked: Checked, *, older: int
) -> Pushed:
    return Pushed(
        source=name,
        views=[view.name for view in fed],
        rows=sum(checked.kept()),
        to=to,
        older=older,
        rejected=_named(checked)[:MOST_NAMED],
        rejected_rows=len(checked.faults),
    )


def _checked(
    name: str,
    fed: Sequence[Definition],
    columns: Mapping[str, Sequence[Any]],
    rows: int,
    at: datetime,
    until: datetime | None,
) -> Checked:
    """The rows, checked for all views. Raises BadRequest, and Unprocessable if none is left."""
    checked = Checked(columns, rows)
    for view in fed:
        checked.check(view, at, until=until)
    if rows and not any(checked.kept()):
        first = _named(checked)[0]
        raise Unprocessable(
            f"None of the {rows:,} rows can be pushed to {name}.",
            f"Row {first.row}, {first.column}: {first.why}",
            "Correct the rows: each value of the type of its feature, no time in the future.",
        )
    return checked


def _named(checked: Checked) -> list[Rejected]:
    """What is wrong with rows, in their order."""
    return [checked.faults[number] for number in sorted(checked.faults)]


def views_of(name: str, views: Mapping[str, Definition]) -> list[Definition]:
    """The views that a source feeds, or the view of that name. Raises NotFound."""
    fed = [view for view in views.values() if view.push and view.push == name]
    if fed:
        return fed
    if name in views:
        return [views[name]]
    sources = sorted({view.push for view in views.values() if view.push})
    raise NotFound(
        f"There is no push source or view {name}.",
        f"There are the sources {', '.join(sources) or 'none'}, and the views"
        f" {', '.join(list(views)[:10]) or 'none'}.",
        "Define a PushSource in the feature repository, then mlinfra features apply.",
    )


def _require_writable(view: Definition, to: To) -> None:
    """Raise Conflict for a view that has no such store."""
    if view.kind == "on_demand":
        raise Conflict(
            f"{view.name} is computed from the request.",
            "It has no rows of its own.",
            "Push to the views that it reads.",
        )
    if to == "online" and view.aggregated:
        raise Conflict(
            f"{view.name} aggregates the rows of its source.",
            "A row that is only online would be in no window.",
            "Push with --to both, or --to offline and materialize.",
        )
    if to != "offline":
        if not view.online:
            raise Conflict(
                f"{view.name} is not served online.",
                "Its definition says so.",
                "Push with --to offline, or set online=True and apply.",
            )
        require_online_keys(view)
    if to != "online" and view.source is None:
        raise Conflict(
            f"{view.name} has no offline source.",
            "Its push source has no batch source.",
            "Push with --to online, or give the push source a batch_source and apply.",
        )


def _to_source(
    view: Definition,
    columns: Mapping[str, list[Any]],
    note: Path,
    append: Callable[[Definition, Path, Path], object],
) -> None:
    import polars as pl

    assert view.source is not None
    source_name = {name: column for column, name in view.source.mapping.items()}
    types = {column.name: column.type for column in (*view.keys, *view.features)}
    frame = pl.DataFrame(
        {
            source_name.get(name, name): _as_rows_have_it(values, types.get(name, ""))
            for name, values in columns.items()
        },
        strict=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        frame.write_parquet(file)
        append(view, file, note)


def _as_rows_have_it(values: list[Any], kind: str) -> list[Any]:
    """Values in the form of a source: sets as lists, UUIDs and JSON as text."""
    if kind == "JSON":
        return [
            value if value is None or isinstance(value, str) else json.dumps(value)
            for value in values
        ]
    if "UUID" in kind:
        return [
            str(value) if isinstance(value, UUID) else value and list(map(str, value))
            for value in values
        ]
    if kind.endswith("_SET"):
        return [value if value is None else list(value) for value in values]
    return values


def _to_store(
    project: Project,
    view: Definition,
    columns: Mapping[str, list[Any]],
    until: datetime,
    *,
    whole: bool,
) -> int:
    """Write the newest row of each key, or its windows as of `until`; returns how many rows are
    older than what is there. whole: the source has the rows, so that labels of a key are counted.
    """
    config = feast_config(project)
    require_online_store(config)
    labels = resolution_of(view.labels) if whole and view.source else None
    rows = (
        _of_source(project, view, columns, until)
        if view.aggregated or (labels is not None and labels.policy == MAJORITY)
        else _rows(view, columns)
    )
    if not rows.at:
        return 0
    newest = rows.only(_newest(rows, view))
    writer, stored = OnlineWriter(config, view), opened_store(project)
    files, at = FeatureFiles(project), max(rows.at)
    with writing(project, view.name):
        # A push that is killed may have written: from here on, a materialization looks.
        files.record_materialization(view.name, lambda last: _begun(view, last, at))
        failpoint("features-pushing")
        written = writer.write(newest, guard=lambda: nullcontext(stored))
        failpoint("features-pushed")
        done = files.record_materialization(view.name, lambda last: _done(view, last, at))
    pushed = done.pushed or at
    ref = reference("view", view.name)
    with telling(f"{written} rows are pushed to {ref}"):
        project.events.emit("view", ref, {"change": "pushed", "rows": written, "online_at": pushed})
    return len(newest.at) - written


def _rows(view: Definition, columns: Mapping[str, list[Any]]) -> Rows:
    source = view.source
    time, created = (source.time, source.created) if source else ("event_timestamp", None)
    return Rows(
        {item.name: columns[item.name] for item in (*view.keys, *view.features)},
        columns[time],
        columns[created] if created else [None] * len(columns[time]),
    )


def _of_source(
    project: Project, view: Definition, columns: Mapping[str, list[Any]], until: datetime
) -> Rows:
    """What counts of the keys that got rows, computed from their source: their windows that ended
    last, of which there are none before the first, or the majority of their labels.
    """
    import polars as pl

    from ..pulling import counting, label_start, within

    assert view.source is not None
    repo, keys = folder(project), [key.name for key in view.keys]
    with one_snapshot(), readable(view.source):
        rows = within(scan(view.source, repo), view.source, label_start(view, until), until)
        if keys:
            types = {name: rows.collect_schema()[name] for name in keys}
            touched = pl.LazyFrame({name: columns[name] for name in keys}, strict=False)
            same = [exactly(name) for name in keys]
            rows = rows.join(touched.cast(pl.Schema(types)).unique(), on=same, how="semi")
        found = counting(rows, view, view.source, until, repo).collect(engine="streaming")
    return rows_of(found, view, view.source)


def _newest(rows: Rows, view: Definition) -> list[bool]:
    """Whether a row is the winner of its key: by the strength of who labelled it, event time,
    created time, then place.
    """
    keys, priority = [key.name for key in view.keys], priority_of(view)
    entities = list(zip(*(rows.columns[key] for key in keys), strict=True)) if keys else []
    strengths = (
        priority.strengths(rows.columns[priority.labeler]) if priority else [0] * len(rows.at)
    )
    best: dict[Any, tuple[Any, int]] = {}
    for place, (at, made) in enumerate(zip(rows.at, rows.made, strict=True)):
        entity = entities[place] if keys else ()
        rank = (strengths[place], at, made is not None, made or at, place)
        if entity not in best or best[entity][0] <= rank:
            best[entity] = rank, place
    winners = {place for _, place in best.values()}
    return [place in winners for place in range(len(rows.at))]


def _begun(view: Definition, last: Materialization | None, at: datetime) -> Materialization:
    """What is known of the online values once a push of rows up to `at` may have changed them."""
    last = last or Materialization(digest=view.digest, mark=None, newest=None, until=at, rows=0)
    return replace(last, pushing=max(last.pushing or at, at), pushes=last.pushes + 1)


def _done(view: Definition, last: Materialization | None, at: datetime) -> Materialization:
    """The same when the rows are there."""
    last = last or _begun(view, None, at)
    pushed = max(last.pushed or at, last.pushing or at)
    return replace(last, pushed=pushed, pushing=None, pushes=last.pushes + 1)
