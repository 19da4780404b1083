"""The verbs of the online store: what is written to it, and what a request gets from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...core.errors import BadRequest, Conflict, Forbidden, NotFound
from ...core.frames import polars_frame
from ...core.records import MASK, to_json
from ...core.refs import named
from ...core.viewer import Reveal
from .. import statistics
from ..definitions import Definition, Registered, read_for
from ..knowing import compared
from ..masking import hidden, hidden_of
from ..online import MAX_ENTITIES
from ..online.keys import shown
from ..online.reading import Judged, rows_of
from ..repo import folder, has_tables_of_versions
from ..settings import FeatureSettings
from ..spec import Materialized, OnlineBatch, OnlineRow, OnlineStatus, Pushed, SkewReport
from ..worker import call
from .base import Asked, FeatureVerbs

if TYPE_CHECKING:
    from ...core.frames import Frame


class OnlineVerbs(FeatureVerbs):
    """The newest values, for requests; a base of `Features`."""

    def materialize(
        self,
        view: str | Sequence[str] | None = None,
        *,
        start: datetime | timedelta | None = None,
        end: datetime | None = None,
        every: timedelta | None = None,
        full: bool = False,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> list[Materialized]:
        """Copy the newest row of each entity to the online store, for one view or all; incremental,
        unless `start` sets the first event time or everything is wanted again (`full`).

        start: an event time, or how long before `end`. Such a backfill never replaces a newer
        value. end: `features.as_of` by default, else the clock; later rows are not copied. every:
        length of a part of the range. Each part counts once it is written, and an equal call after
        an interrupted one goes on with the next. on_progress: called with (view, rows done, rows to
        do); these are rows of the source if there are several parts.

        Runs in a process of its own. Raises NotFound, Conflict for a view that is not online,
        BadRequest for a range that is none.
        """
        names = [view] if isinstance(view, str) else list(view or ())
        until = end or self._now()
        if every is not None and every <= timedelta(0):
            raise BadRequest(f"A part of {every} has no length.", fix="For example one day.")
        request = {
            "views": [named(name, "view") for name in names],
            "start": to_json(_before(until, start) if isinstance(start, timedelta) else start),
            "end": to_json(until),
            "every": every.total_seconds() if every else None,
            "full": full,
        }
        results = call(self._project, "materialize", request, progress=on_progress)
        return [
            Materialized(
                **(item | {name: datetime.fromisoformat(item[name]) for name in ("start", "end")})
            )
            for item in results
        ]

    def push(
        self,
        name: str,
        rows: Frame | Sequence[Mapping[str, Any]],
        *,
        to: Literal["online", "offline", "both"] = "online",
    ) -> Pushed:
        """Write rows of a stream to the views that a push source feeds, or to one view.

        name: of the source or the view. rows: a Polars or pandas frame, or a list of mappings, with
        the keys, all features and the event time of the views; a created time that is left out is
        now. to: `online` replaces what is older there; `offline` appends to the source of the view.

        A row whose values are not of their types, or that would be online before its time, goes
        nowhere, and the answer names it. Raises
        NotFound, BadRequest for a column that is missing, Unprocessable if no row can be taken,
        Conflict for a view that cannot be written.
        """
        from ..pushing import push
        from ..pushing.columns import columns_of

        if to not in ("online", "offline", "both"):
            raise BadRequest(f"Nothing can be pushed to {to!r}.", fix="online, offline or both.")
        columns, count = columns_of(rows)

        def append(view: Definition, file: Path, note: Path) -> None:
            request = {"view": view.name, "file": str(file), "note": str(note)}
            call(self._project, "append", request)

        return push(
            self._project,
            name,
            self._views(),
            columns,
            count,
            to=to,
            until=self._now(),
            append=append,
        )

    def due(self, name: str) -> datetime | None:
        """Newest event time of a view's source that may be online: not after the setting
        `features.as_of`, else not after now.

        None if the source has no such row or cannot be read.
        """
        return statistics.newest_until(self._project, self._view(name), self._now())

    def online(
        self,
        features: Sequence[str],
        entities: Sequence[Mapping[str, Any]],
        *,
        telling: bool = True,
    ) -> list[OnlineRow]:
        """The newest values of some entities, in their order; a value past its ttl is EXPIRED and
        None.

        features: `view:feature` or `view:*`. entities: the join keys of each, and the columns of
        the request that on-demand views need; their code is run in this process. The ttl applies at
        the setting `features.as_of`, else now. telling: whether an error of that code may quote
        values. Raises NotFound for an unknown feature, BadRequest for a missing key, Conflict for a
        view never materialized, Unprocessable if the code fails.
        """
        found = self._columns(*self._served(features), entities, telling=telling)
        return rows_of(entities, found)

    def _columns(
        self,
        requested: Mapping[str, Sequence[str]],
        views: Mapping[str, Definition],
        entities: Sequence[Mapping[str, Any]],
        *,
        telling: bool,
    ) -> dict[str, Judged]:
        """By `view:feature`; see `online`."""
        if not isinstance(entities, Sequence) or not all(
            issubclass(kind, Mapping) for kind in set(map(type, entities))
        ):
            raise BadRequest(
                "These are no entities.",
                "A look-up takes a list, with the keys of each entity by name.",
                'For example [{"user_id": 7}].',
            )
        if not any(view.kind == "on_demand" for view in views.values()):
            return self._online.columns(
                requested, views, self._store.materializations, entities, self._now()
            )
        from ..online.on_demand import columns

        return columns(
            self._online,
            self.feast,
            requested,
            {**self._copy().views, **views},
            self._store.materializations,
            entities,
            self._now(),
            telling=telling,
        )

    def looked_up(
        self,
        features: Sequence[str],
        entities: Sequence[Mapping[str, Any]],
        *,
        reveal: Reveal = False,
        code: Literal["here", "apart", "never"] = "here",
    ) -> list[OnlineRow]:
        """As `online`, for people: values of features whose column is tagged `pii` are masked, and
        each entity has its keys, and what it gives for a request, in their types.
        reveal: who sees them too, which is recorded. code: where the code of on-demand views may
        run: in this process, in one of its own, or not at all, which raises Forbidden.
        """
        requested, views = self._served(features)
        every = {**self._copy().views, **views}  # those that others are computed from too
        masked = hidden(self._project, requested, every, reveal, verb="features online")
        computed = [view.name for view in views.values() if view.kind == "on_demand"]
        if computed and code == "never":
            raise Forbidden(
                f"{', '.join(computed)} cannot be looked up.",
                "It is computed by code, which you may not run here.",
                "Ask whoever runs the server for the right to execute mlinfra:features.",
            )
        if computed and code == "apart":
            rows = self._online_apart(features, entities, telling=not masked)
        else:
            rows = self.online(features, entities, telling=not masked)
        asked = [every[name] for name in read_for(requested, every)]
        return [
            replace(
                row,
                entity=shown(asked, entity),
                values={
                    name: MASK if name in masked and value is not None else value
                    for name, value in row.values.items()
                },
            )
            for entity, row in zip(entities, rows, strict=True)
        ]

    def _online_apart(
        self,
        features: Sequence[str],
        entities: Sequence[Mapping[str, Any]],
        *,
        telling: bool,
    ) -> list[OnlineRow]:
        """As `online`, in a process of its own; values are as JSON has them."""
        asked = {"features": list(features), "entities": to_json(entities), "telling": telling}
        return [
            OnlineRow(
                entity=row["entity"],
                values=row["values"],
                status={name: OnlineStatus(status) for name, status in row["status"].items()},
                event_at={
                    name: datetime.fromisoformat(at) if at else None
                    for name, at in row["event_at"].items()
                },
            )
            for row in call(self._project, "online", asked, telling=telling)
        ]

    def online_batch(
        self, features: Sequence[str], entities: Frame | Sequence[Mapping[str, Any]]
    ) -> OnlineBatch:
        """As `online`, by feature instead of by entity, which is quicker for many entities.

        entities: also a Polars or pandas frame with the join keys.
        """
        requested, views = self._served(features)
        rows = (
            entities
            if isinstance(entities, list | tuple)
            else polars_frame(entities, "These are no entities.").to_dicts()  # type: ignore[arg-type]
        )
        found = self._columns(requested, views, rows, telling=True)
        return OnlineBatch(
            values={name: column.values for name, column in found.items()},
            status={name: column.statuses for name, column in found.items()},
            event_at={name: column.event_at for name, column in found.items()},
        )

    def _served(
        self, features: Sequence[str]
    ) -> tuple[Mapping[str, Sequence[str]], Mapping[str, Definition]]:
        """Features by view, and these views. Raises NotFound, BadRequest for one that is not
        online.
        """
        found, settings = self._copy(), self._online.settings()
        if (known := self._asked) and known.same(found, settings, features):
            return known.requested, known.views
        try:
            requested = self._requested(features, found)
        except NotFound:  # unless it is newer than the copy
            requested = self._requested(features, found := self._registered())
        views = {name: self._view(name, found) for name in requested}
        versions = has_tables_of_versions(settings)
        for name in requested:
            if not versions or views[name].kind == "on_demand":
                self._check_version(views[name], found)
            if gone := [used for used in views[name].uses if used not in found.views]:
                raise Conflict(
                    f"{name} cannot be computed.",
                    f"It is computed from {', '.join(gone)}, which the registry has no more.",
                    "Define it again, or correct the sources of the view; then apply.",
                )
            if not views[name].online and views[name].kind != "on_demand":
                raise BadRequest(
                    f"{name} is not served online.",
                    "Its definition says so.",
                    "Set online=True and apply.",
                )
        self._asked = Asked(found, settings, tuple(features), requested, views)
        return requested, views

    def check(self, view: str, *, sample: int | None = None, reveal: Reveal = False) -> SkewReport:
        """Compare online values with what training reads from the source, on a sample of keys.

        sample: number of keys; the setting `features.skew_sample` by default. reveal: who sees
        values that are tagged `pii` in the examples, which is recorded. Raises NotFound,
        Conflict for a view that was never materialized or has no source.
        """
        from .. import skew

        found = self._view(view)
        last = self._store.materializations().get(found.name)
        until = last.until if last and last.newest else found.materialized_until
        if until is None:
            raise Conflict(
                f"The online store has no values of {found.name}.",
                "It was never materialized.",
                f"mlinfra features materialize {found.name}",
            )
        settings = self._project.settings.of(FeatureSettings)
        views = self._views()
        report = skew.check(
            found,
            self._online,
            folder(self._project),
            until=until,
            masked=hidden_of(self._project, found, views, reveal, verb="features check"),
            size=min(sample or settings.skew_sample, MAX_ENTITIES),
        )
        personal = hidden_of(self._project, found, views, False, verb="") if reveal else ()
        compared.keep(self._project, found, report, personal)
        return report

    def _check_version(self, view: Definition, found: Registered) -> None:
        """Raise Conflict for a version that is not the view as it is now."""
        if view.pinned in (None, self._view(view.view, found).version):
            return
        raise Conflict(
            f"{view.name} is not online.",
            f"Look-ups run the code of {view.view} as it is now."
            if view.kind == "on_demand"
            else f"Look-ups read the table of {view.view} as it is now.",
            f"Name {view.view}, or define these columns as a view of another name, then apply and"
            " materialize.",
        )

    def serving(self, features: Sequence[str]) -> dict[str, Any]:
        """What a serving process needs to read these features online: {"requested": features by
        view, "views", "on_demand"} (see `serving.definitions_of`) and "requirements" of its
        environment.

        features: `view:feature` or `view:*`. Raises NotFound for an unknown feature, BadRequest for
        a view that is not online, Conflict for a version that is not the view as it is now.
        """
        from .. import serving

        found = self._registered()
        requested: dict[str, list[str]] = {}
        for name, chosen in self._requested(features, found).items():
            self._check_version(view := self._view(name, found), found)
            wanted = requested.setdefault(view.view, [])
            wanted += [feature for feature in chosen if feature not in wanted]
        views = found.views
        computed = any(views[name].kind == "on_demand" for name in requested)
        plan = serving.definitions_of(requested, views, self.feast() if computed else None)
        return {
            "requested": requested,
            **plan,
            "requirements": serving.requirements_of(self._project),
        }

    def serving_store(self) -> dict[str, Any]:
        """The online store for a serving process, with its passwords; see `serving.store_of`."""
        from ..serving import store_of

        return store_of(self._project)

    def warm(self) -> None:
        """Start to load what `online` needs (Feast takes seconds) in a thread. Returns at once."""
        self._online.warm()


def _before(until: datetime, span: timedelta) -> datetime:
    """So long before. Raises BadRequest for a time before the year 1."""
    try:
        return until - span
    except OverflowError:
        raise BadRequest(
            f"{span} before {until} is no time.", "It is before the year 1.", "For example 30 days."
        ) from None
