"""One view: each part of its range is recorded as soon as it is online."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.events import telling
from ...core.frames import exactly
from ...core.lineage import TOLD
from ...core.processes import failpoint
from ...core.refs import reference
from ..definitions import Definition, source_columns
from ..feast_telling import told_of_materialization
from ..join import moment, utc
from ..knowing.masked import masked_features
from ..labels import resolution_of
from ..online import opened_store
from ..online.writing import OnlineWriter, make_local_tables, rows_of, writing
from ..pulling import counting, times_of, with_keys, within
from ..repo import folder
from ..sources import SourceSpec, one_snapshot, readable, scan, state_of
from ..spec import Materialized
from ..store import Backfill, FeatureFiles, Materialization
from .windows import Part, Window, parts_of, window_of
from .wish import Progress, Wish

if TYPE_CHECKING:
    import polars as pl
    from feast import FeatureStore

    from ...core.feast_online.feast_stores import Store
    from ...core.project import Project
    from .vectors import Vectors


class ViewRun:
    """One view. wish: with times in UTC."""

    def __init__(
        self,
        project: Project,
        feast: FeatureStore,
        view: Definition,
        wish: Wish,
        progress: Progress,
        vectors: Vectors,
    ) -> None:
        assert view.source is not None  # running._select returns only views with a source
        assert wish.end is not None
        self._project, self._feast, self._view = project, feast, view
        self._wish, self._until, self._progress = wish, wish.end, progress
        self._vectors = vectors
        self._source: SourceSpec = view.source
        self._repo, self._files = folder(project), FeatureFiles(project)
        self._last = self._files.materializations().get(view.name)
        self._pushes = self._last.pushes if self._last else 0
        self._stored: Store | None = None
        table = feast.registry.get_any_feature_view(view.name, feast.project)
        make_local_tables(feast.config, [table])
        self._table = table
        self._writer = OnlineWriter(
            feast.config, view, table, masked=lambda: masked_features(view, self._repo, {})
        )
        # Old labels and events count beside new ones.
        self._whole = resolution_of(view.labels) is not None or view.aggregated
        self._rows = 0

    def run(self) -> Materialized:
        with told_of_materialization(
            self._feast, self._table, self._wish.start, self._until
        ) as finish:
            return self._run(finish)

    def _run(self, finish: Callable[[int], Sequence[str]]) -> Materialized:
        """finish: tells that it is done; see `told_of_materialization`."""
        started, first = time.monotonic(), None
        with one_snapshot():
            with readable(self._source):
                state = state_of(self._source, self._repo)
                parts = self._parts(self._window(state))
            for number, part in enumerate(parts):
                with readable(self._source):
                    found = _newest(self._view, self._source, part.window, self._repo)
                begin = part.window.after or _event_time(found, self._source, "min")
                first = first or begin
                self._write(found, parts, number)
                failpoint("features-written")
                self._record(found, begin or self._until, parts, number, state)
                failpoint("features-part")
        self._announce(state, finish(self._rows))
        return Materialized(
            view=self._view.name,
            rows=self._rows,
            start=first or self._until,
            end=self._until,
            parts=len(parts),
            seconds=round(time.monotonic() - started, 3),
        )

    def _is_careful(self) -> bool:
        """Whether something newer than what is written may be online. A label that counts may be
        older than one that counts no longer: where it is resolved up to the end of the last run, it
        is written whatever is there.
        """
        last = self._last
        if self._left_pushed(self._files.materializations().get(self._view.name)):
            return True
        if self._view.push and not self._whole and not self._wish.full:
            return True  # Feast's SDK and server push too, and leave no note
        known = self._whole and (last is None or self._until >= last.until)
        return self._wish.start is not None and not known

    def _window(self, state: str | None) -> Window:
        last, start, until = self._last, self._wish.start, self._until
        if start and not self._whole:
            begun = last.backfill if last and last.digest == self._view.digest else None
            if begun and begun.start == start and begun.mark == state and begun.until < until:
                return Window(after=begun.until, until=until, open=True)
            return Window(after=start, until=until)
        if self._wish.full and not self._whole:
            return Window(after=None, until=until)
        window = window_of(self._view, last, self._source, state, until, self._repo)
        if window.after is None or self._whole or self._is_there(window.after):
            return window
        return Window(after=None, until=until)

    def _is_there(self, newest: datetime) -> bool:
        """Whether the online store still has a key that the last run wrote last. It has not where
        it is another store now, or was emptied or made anew. Keys that Redis lets go by itself say
        nothing.
        """
        if getattr(self._feast.config.online_store, "key_ttl_seconds", None):
            return True
        names = [column.name for column in self._view.keys]
        end = newest + timedelta(microseconds=1)
        rows = within(scan(self._source, self._repo), self._source, newest, end)
        columns = _columns(self._view, self._source)
        found = with_keys(rows, names).select(columns).head(1).collect(engine="streaming")
        self._stored = self._stored or opened_store(self._project)
        return bool(found.height) and self._writer.has(
            rows_of(found, self._view, self._source), self._stored
        )

    def _parts(self, window: Window) -> list[Part]:
        """One, unless parts are wanted and take no value back in time, as they would where newer
        ones are online or where all labels are needed to know which count.
        """
        back = window.after is None and self._last is not None and self._last.newest is not None
        if self._wish.every is None or back or self._whole:
            return [Part(window=window, rows=0)]
        found = parts_of(self._source, self._repo, window, self._wish.every)
        return found or [Part(window=window, rows=0)]

    @contextmanager
    def _guard(self) -> Iterator[Store | None]:
        """See `writing.Guard`."""
        with writing(self._project, self._view.name):
            if not self._is_careful():
                yield None
                return
            self._stored = self._stored or opened_store(self._project)
            yield self._stored

    def _left_pushed(self, stored: Materialization | None) -> datetime | None:
        """Latest event time that came by a push, unless a full run is to replace it: it leaves what
        is pushed after it began.
        """
        if stored is None or (self._wish.full and stored.pushes == self._pushes):
            return None
        return max(filter(None, (stored.pushed, stored.pushing)), default=None)

    def _write(self, found: pl.DataFrame, parts: Sequence[Part], number: int) -> None:
        name, alone = self._view.name, len(parts) == 1
        sizes = [part.rows for part in parts]
        if alone:
            self._progress(name, 0, found.height)
        if found.height:
            self._vectors.outdate(name)
        self._rows += self._writer.write(
            rows_of(found, self._view, self._source),
            guard=self._guard,
            progress=lambda done: self._progress(name, done, found.height) if alone else None,
        )
        if not alone:
            self._progress(name, sum(sizes[: number + 1]), sum(sizes))

    def _record(
        self,
        rows: pl.DataFrame,
        begin: datetime,
        parts: Sequence[Part],
        number: int,
        state: str | None,
    ) -> None:
        """Write down that a part is online, for us and for Feast."""
        last, start = self._last, self._wish.start
        same = last is not None and last.digest == self._view.digest
        ended = number + 1 == len(parts)
        until = self._until if ended else parts[number].window.until
        newest, mark = _event_time(rows, self._source, "max"), state
        if last is not None:
            newest = newest or last.newest
            if start:
                # Rows outside the range are as they were, so the next run looks at all of them.
                mark = last.mark if same else None
                newest = max(filter(None, (newest, last.newest)), default=None)
                until = max(until, last.until)
        written = Materialization(
            digest=self._view.digest,
            mark=mark,
            newest=newest,
            until=until,
            rows=self._rows,
            backfill=(
                None
                if start is None or ended
                else Backfill(start=start, until=parts[number].window.until, mark=state)
            ),
        )
        if self._view.kind != "label":  # Feast records none for labels
            registry, project = self._feast.registry, self._feast.project
            end = parts[number].window.until
            with self._files.materializing(self._view.name, end):
                registry.apply_materialization(
                    registry.get_any_feature_view(self._view.name, project), project, begin, end
                )
        self._last = self._files.record_materialization(
            self._view.name, lambda stored: self._with_pushes(written, stored, ended=ended)
        )

    def _with_pushes(
        self, written: Materialization, stored: Materialization | None, *, ended: bool
    ) -> Materialization:
        """With what is known of pushes, which may have come meanwhile."""
        if stored is None:
            return written
        if ended and self._left_pushed(stored) is None:
            return replace(written, pushes=stored.pushes)
        return replace(written, pushed=stored.pushed, pushes=stored.pushes, pushing=stored.pushing)

    def _announce(self, state: str | None, told: Sequence[str]) -> None:
        """Record lineage and event. told: endpoints that Feast has told of it."""
        ref, project = reference("view", self._view.name), self._project
        source = self._source.ref
        if self._source.kind in ("dataset", "delta", "iceberg") and state:
            source = f"{source}@{state}"
        with telling(f"{ref} is materialized"):
            project.lineage.record(
                "features.materialize",
                inputs=[source],
                outputs=[ref],
                facts={"rows": self._rows, **({TOLD: told} if told else {})},
                columns={
                    feature: [(source, column)]
                    for feature, column in source_columns(self._view).items()
                },
            )
            online_at = self._last.newest if self._last else None
            project.events.emit(
                "view",
                ref,
                {"change": "materialized", "rows": self._rows, "online_at": online_at},
            )


def _newest(view: Definition, source: SourceSpec, window: Window, repo: Path) -> pl.DataFrame:
    """One row per entity: keys, features, event time and created time."""
    rows = within(scan(source, repo), source, window.after, window.until)
    if window.open and window.after:
        rows = rows.filter(
            exactly(source.time) > moment(window.after, rows.collect_schema()[source.time])
        )
    found = counting(rows, view, source, window.until, repo).select(_columns(view, source))
    return found.collect(engine="streaming")


def _columns(view: Definition, source: SourceSpec) -> list[pl.Expr]:
    """Keys, features, event time and created time."""
    names = [column.name for column in (*view.keys, *view.features)]
    return [exactly(name) for name in dict.fromkeys([*names, *times_of(source)])]


def _event_time(rows: pl.DataFrame, source: SourceSpec, method: str) -> datetime | None:
    value = getattr(rows.select(utc(source.time, rows.schema[source.time]))[source.time], method)()
    return value if isinstance(value, datetime) else None
