"""The verbs of the feature store. Browsing reads a copy of the registry; Feast is loaded only to
read values.
"""

from __future__ import annotations

import difflib
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, NotFound
from ..core.records import Number, Page, now, page_of, to_json
from ..core.refs import decoded, named, reference
from ..core.search import Document, Hit
from . import statistics
from .online import OnlineReader
from .pages import feature_records, matches, short_type, uses, view_record, words_of
from .repo import folder
from .settings import FeatureSettings
from .snippets import training_code, view_code
from .sources import state_of
from .spec import AppliedViews, Feature, Materialized, OnlineRow, View, ViewDetail
from .store import Definition, FeatureFiles
from .worker import call

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from feast import FeatureStore

    from ..core.frames import Frame
    from ..core.project import Project


class Features:
    """The feature store of one project: Feast over its repository; thread-safe."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._store = FeatureFiles(project)
        self._online = OnlineReader(project)
        self._lock = threading.Lock()  # one read of the registry at a time
        self._opening = threading.Lock()  # separate: a panel must not wait for Feast to load
        self._feast: tuple[str, FeatureStore] | None = None

    @property
    def folder(self) -> Path:
        """Where the definitions are; it need not exist."""
        return folder(self._project)

    def apply(self) -> AppliedViews:
        """Make the registry match the definition files. The files run in a process of their own,
        never in this one.

        Raises NotFound without definitions, Unprocessable (file and line) if one is broken; the
        registry is then unchanged.
        """
        return AppliedViews(**call(self._project, "apply"))

    def materialize(
        self,
        view: str | Sequence[str] | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> list[Materialized]:
        """Copy the newest row of each entity to the online store, for one view or all; incremental,
        unless `start` sets the first event time.

        start, end: event times; `end` defaults to the setting `features.as_of`, else the clock;
        later rows are not copied. on_progress: called with (view, rows written, rows to write).
        Runs in a process of its own. Raises NotFound, Conflict for a view that is not online.
        """
        names = [view] if isinstance(view, str) else list(view or ())
        request = {
            "views": [named(name, "view") for name in names],
            "start": to_json(start),
            "end": to_json(end or self._now()),
        }
        results = call(self._project, "materialize", request, progress=on_progress)
        return [
            Materialized(
                **(item | {name: datetime.fromisoformat(item[name]) for name in ("start", "end")})
            )
            for item in results
        ]

    def views(
        self, *, query: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[View]:
        """Views by name, those that match every word of `query`."""
        matching = [view for view in self._views().values() if matches(query, view)]
        page = page_of(matching, limit=limit, cursor=cursor)
        written, at = self._store.materializations(), self._now()
        items = [
            view_record(item, statistics.current(self._project, item), written, at)
            for item in page.items
        ]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)

    def show(self, view: str) -> ViewDetail:
        """A view's page. Raises NotFound."""
        definition = self._view(view)
        figures = statistics.current(self._project, definition)
        return ViewDetail(
            view=view_record(definition, figures, self._store.materializations(), self._now()),
            features=feature_records(definition, figures, uses(self._project)),
            join_keys=[column.name for column in definition.keys],
            timestamp_column=definition.source.time if definition.source else "",
            created_column=definition.source.created if definition.source else None,
            rows=Number(value=figures.rows),
            code=view_code(definition),
        )

    def selected(self, features: Sequence[str]) -> Page[Feature]:
        """The features that are named (`view:feature`, `view:*`), in that order. Raises NotFound,
        BadRequest without any.
        """
        used, records = uses(self._project), []
        for view, names in self._requested(features).items():
            definition = self._view(view)
            by_name = {
                item.name: item
                for item in feature_records(
                    definition, statistics.current(self._project, definition), used
                )
            }
            records += [by_name[name] for name in names]
        return Page(items=records, shown=len(records), total=len(records))

    def online(
        self, features: Sequence[str], entities: Sequence[Mapping[str, Any]]
    ) -> list[OnlineRow]:
        """The newest values of some entities, in their order; a value past its ttl is `expired` and
        None.

        features: `view:feature` or `view:*`. entities: the join keys of each. The ttl applies at
        the setting `features.as_of`, else now. Raises NotFound for an unknown feature, BadRequest
        for a missing key, Conflict for a view never materialized.
        """
        requested, views = self._requested(features), self._views()
        for name in requested:
            if not views[name].online:
                why = (
                    "Feast computes it from the request."
                    if views[name].kind == "on_demand"
                    else "Its definition says so."
                )
                raise BadRequest(
                    f"{name} is not served online.",
                    why,
                    "Use Features.feast().get_online_features, or set online=True and apply.",
                )
        return self._online.read(
            requested, views, self._store.materializations(), entities, self._now()
        )

    def serving(self, features: Sequence[str]) -> dict[str, Any]:
        """What a serving process needs to read these features online: {"requested": features by
        view, "views", "on_demand"} (see `serving.definitions_of`) and "requirements" of its
        environment.

        features: `view:feature` or `view:*`. Raises NotFound for an unknown feature, BadRequest for
        a view that is not online.
        """
        from . import serving

        requested, views = self._requested(features), self._views()
        computed = any(views[name].kind == "on_demand" for name in requested)
        found = serving.definitions_of(requested, views, self.feast() if computed else None)
        return {
            "requested": requested,
            **found,
            "requirements": serving.requirements_of(self._project),
        }

    def serving_store(self) -> dict[str, Any]:
        """The online store for a serving process, with its passwords; see `serving.store_of`."""
        from .serving import store_of

        return store_of(self._project)

    def warm(self) -> None:
        """Start to load what `online` needs (Feast takes seconds) in a thread. Returns at once."""
        self._online.warm()

    def training_set(
        self,
        features: Sequence[str],
        entities: Frame,
        *,
        at: str = "event_timestamp",
        full_names: bool = False,
    ) -> pl.DataFrame:
        """`entities` as a Polars frame, and for each row the features as they were known at its
        time: rows, order and columns are kept.

        features: `view:feature` or `view:*`. at: time or date column; without a zone it is UTC.
        full_names: call them `view__feature`. The rule of the join is stated in `join.py`. Every
        dataset is read at one snapshot, which lineage records. Raises NotFound for an unknown
        feature, BadRequest if a column is missing, has a wrong type, or would appear twice.
        """
        from .training import training_set

        return training_set(
            self._project,
            self.feast(),
            self._requested(features),
            self._views(),
            entities,
            at=at,
            full_names=full_names,
        )

    def known_values(
        self,
        features: Sequence[str],
        entities: pl.DataFrame,
        *,
        at: str,
        snapshots: dict[str, str | None],
    ) -> pl.DataFrame:
        """What stored views have of each entity row at its time, by the same rule as training sets:
        columns `view:feature`, and `view:` for the time of the row that was found, null for none.

        at: see `training_set`. snapshots: those at which datasets are read, to which new ones are
        added, so that a later call reads the same. Raises as `training_set`, and BadRequest for a
        view whose values Feast computes.
        """
        from .training import known_values

        requested, views = self._requested(features), self._views()
        for name in requested:
            if views[name].kind != "batch" or views[name].source is None:
                raise BadRequest(
                    f"{name} has no stored history.",
                    "Feast computes its values.",
                    f"Write them into a dataset, and let {name} read that.",
                )
        return known_values(self._project, requested, views, entities, at=at, snapshots=snapshots)

    def examples(self, features: Sequence[str], count: int = 5) -> pl.DataFrame:
        """Some entity rows to try a training set with: the newest keys of each view, at the newest
        time of all views. Not a random sample.
        """
        from .training import examples

        views = self._views()
        return examples(
            [views[name] for name in self._requested(features)], folder(self._project), count
        )

    def use(self, features: Sequence[str]) -> str:
        """Python code for a training set of these features. Raises NotFound."""
        return training_code(
            list(features), [self._views()[name] for name in self._requested(features)]
        )

    def fingerprint(self, view: str) -> str | None:
        """Content id of a view: its definition and the state of its source. None if there is no
        such view or source.
        """
        definition = self._views().get(named(view, "view"))
        if definition is None:
            return None
        try:
            state = state_of(definition.source, folder(self._project)) if definition.source else ""
        except NotFound:
            return None
        return hashlib.sha256(f"{definition.digest} {state}".encode()).hexdigest()[:16]

    def feast(self) -> FeatureStore:
        """Feast's own object for this repository, up to date with the registry."""
        from .repo import open_store, reaching_registry

        with self._opening:
            state = self._store.current_mark()
            with reaching_registry("The feature store cannot be opened."):
                if self._feast is None:
                    opened = open_store(self._project)
                    _ = opened.registry  # opens it here
                    self._feast = state, opened
                elif self._feast[0] != state:
                    self._feast[1].refresh_registry()
                    self._feast = state, self._feast[1]
            return self._feast[1]

    def due(self, name: str) -> datetime | None:
        """Newest event time of a view's source that may be online: not after the setting
        `features.as_of`, else not after now.

        None if the source has no such row or cannot be read.
        """
        return statistics.newest_until(self._project, self._view(name), self._now())

    def search(self, words: str, *, limit: int = 50) -> Page[Hit]:
        """Views and features whose name, description, tags or owner hold every word."""
        self._project.index.refresh("features", self.search_fingerprint(), self.search_documents)
        return self._project.index.search(words, kinds=("view", "feature"), limit=limit)

    def search_fingerprint(self) -> str:
        """Changes with every definition."""
        return hashlib.sha256(
            " ".join(view.digest for view in self._views().values()).encode()
        ).hexdigest()[:16]

    def search_documents(self) -> Iterator[Document]:
        """Every view and feature."""
        for view in self._views().values():
            notes = (
                f"{' '.join(view.entities)} {view.owner} {view.description} {words_of(view.tags)}"
                f" {view.source.name if view.source else ''}"
            )
            names = " ".join(column.name for column in view.features)
            detail = f"{len(view.features)} features" + (
                f" of {', '.join(view.entities)}" if view.entities else ""
            )
            yield Document(
                ref=reference("view", view.name),
                kind="view",
                name=view.name,
                text=f"{names} {notes}",
                detail=detail,
            )
            for column in view.features:
                text = f"{view.name} {column.description} {words_of(column.tags)} {notes}"
                ref = reference("feature", view.name, column.name)
                yield Document(
                    ref=ref,
                    kind="feature",
                    name=column.name,
                    text=text,
                    detail=f"{view.name}, {short_type(column.type)}",
                )

    def _views(self) -> dict[str, Definition]:
        with self._lock:
            return self._store.definitions(lambda: call(self._project, "index"))

    def _view(self, name: str) -> Definition:
        name, views = named(name, "view"), self._views()
        if name not in views:
            raise NotFound(
                f"There is no view {name}.",
                _similar(name, views),
                "mlinfra features list shows what there is; apply brings definitions in.",
            )
        return views[name]

    def _requested(self, refs: Sequence[str]) -> dict[str, list[str]]:
        """Requested features by view, in the order of the request."""
        if not refs:
            raise BadRequest(
                "No features were named.",
                fix="Name some as view:feature, or all of a view as view:*.",
            )
        requested: dict[str, list[str]] = {}
        for ref in refs:
            view, _, feature = ref.removeprefix("feature:").partition(":")
            if ref.startswith("feature:"):
                view, feature = decoded(view), decoded(feature)
            elif view == "view" and view not in self._views():
                view, feature = decoded(feature), "*"
            names = [column.name for column in self._view(view).features]
            if feature not in ("*", *names):
                raise NotFound(
                    f"{view} has no feature {feature or '(none named)'}.",
                    _similar(feature, names),
                    f"Name one as {view}:feature, or all as {view}:*.",
                )
            chosen = requested.setdefault(view, [])
            chosen += [
                name for name in (names if feature == "*" else [feature]) if name not in chosen
            ]
        return requested

    def _now(self) -> datetime:
        at = self._project.settings.of(FeatureSettings).as_of or now()
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    # Last in the class: after it, the name `list` means this method.
    def list(
        self,
        *,
        view: str | None = None,
        query: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Feature]:
        """Features by view and name, those that match every word of `query`."""
        views = [self._view(view)] if view else [*self._views().values()]
        matching = [
            (item, column.name)
            for item in views
            for column in item.features
            if matches(query, item, column)
        ]
        page = page_of(matching, limit=limit, cursor=cursor)
        views_shown, used = {item.name: item for item, _ in page.items}, uses(self._project)
        records = {
            feature.ref: feature
            for item in views_shown.values()
            for feature in feature_records(item, statistics.current(self._project, item), used)
        }
        items = [records[reference("feature", item.name, name)] for item, name in page.items]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)


def _similar(name: str, names: Mapping[str, Any] | Sequence[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=3)
    return (
        f"Close to it: {', '.join(close)}."
        if close
        else f"There are {', '.join(list(names)[:10]) or 'none'}."
    )
