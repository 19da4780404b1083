"""The verbs that list, show and find views and features, without Feast."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence

from ...core.errors import MLInfraError, NotFound
from ...core.records import Number, Page, page_of
from ...core.refs import reference
from ...core.search import HitPage, Part
from .. import searching, statistics
from ..definitions import Definition, Registered, asked_keys
from ..kinds import ViewKind
from ..knowing.uses import Uses, uses_of
from ..pages import feature_records, left_out_record, matches, view_record
from ..repo import folder
from ..snippets import view_code
from ..sources import state_of
from ..spec import Feature, Unapplied, View, ViewDetail
from .base import FeatureVerbs


class BrowsingVerbs(FeatureVerbs):
    """What views and features there are; a base of `Features`."""

    def views(
        self,
        *,
        query: str | None = None,
        kind: ViewKind | None = None,
        owner: Sequence[str] = (),
        tag: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[View]:
        """Views by name, those that match every word of `query`; also those that `apply` left out.

        kind: batch, stream, on_demand or label. owner: of one of these; tag: with all of these, see
        `search`.
        """
        views, left_out = self._views(), self._left_out()
        found: list[Definition | Unapplied] = [
            view
            for view in views.values()
            if kind in (None, view.kind)
            and (not owner or view.owner in owner)
            and searching.has_tags(view, None, tag)
            and matches(query, view)
        ]
        if kind is None and not (owner or tag):
            words = (query or "").lower().split()
            found += [
                item
                for item in left_out.values()
                if item.name not in views and all(word in item.name.lower() for word in words)
            ]
        page = page_of(sorted(found, key=lambda item: item.name), limit=limit, cursor=cursor)
        written, at = self._store.materializations(), self._now()
        items = [
            left_out_record(item)
            if isinstance(item, Unapplied)
            else view_record(item, statistics.current(self._project, item), written, at, left_out)
            for item in page.items
        ]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)

    def show(self, view: str) -> ViewDetail:
        """A view's page, or that of an earlier version (`view@v2`). Raises NotFound, Unprocessable
        for a view that was never applied.
        """
        definition, found = self._view(view), self._registered()
        figures = statistics.current(self._project, definition)
        kept = [item for item in found.versions.values() if item.view == definition.view]
        keys = asked_keys(definition, found.views)
        return ViewDetail(
            view=view_record(
                definition, figures, self._store.materializations(), self._now(), self._left_out()
            ),
            features=feature_records(definition, figures, self._uses()),
            join_keys=[key.name for key in keys],
            asks=[column.name for column in definition.asks],
            timestamp_column=definition.source.time if definition.source else "",
            created_column=definition.source.created if definition.source else None,
            rows=Number(value=figures.rows),
            code=view_code(definition, keys),
            versions=[
                item.name for item in sorted(kept, key=lambda item: item.version or 0, reverse=True)
            ],
            uses=definition.uses,
            services=_services_of(definition, found),
            push=definition.push,
            windows=definition.windows,
            labels=definition.labels,
        )

    def selected(self, features: Sequence[str]) -> Page[Feature]:
        """The features that are named (`view:feature`, `view:*`, `service:NAME`), in that order.
        Raises NotFound, BadRequest without any.
        """
        used, records = self._uses(), []
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

    def fingerprint(self, view: str) -> str | None:
        """Content id of a view: its definition and the state of its source. None if there is no
        such view or source.
        """
        try:
            definition = self._view(view)
        except MLInfraError:
            return None
        try:
            state = state_of(definition.source, folder(self._project)) if definition.source else ""
        except NotFound:
            return None
        return hashlib.sha256(f"{definition.digest} {state}".encode()).hexdigest()[:16]

    def search(
        self,
        words: str,
        *,
        owner: Sequence[str] = (),
        tag: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> HitPage:
        """Views, features and services whose name, description, tags or owner hold every word.

        owner: of one of these; tag: with all of these, each by its name, its value or as
        `name=value`; then the words may be empty.
        """
        self._project.index.follow("features", self)
        return self._project.index.search(
            words,
            kinds=("view", "feature", "service"),
            facets=searching.narrowing(self._labels() if tag else (), owner=owner, tag=tag),
            limit=limit,
            cursor=cursor,
        )

    def search_fingerprint(self) -> str:
        """Changes with every definition."""
        found = self._registered()
        if self._indexed is None or self._indexed[0] is not found:
            parts = repr(self.search_parts()).encode(errors="replace")
            self._indexed = found, hashlib.sha256(parts).hexdigest()
        return self._indexed[1]

    def _labels(self) -> Collection[str]:
        """What all tags are called; told once for each state of the registry."""
        found = self._registered()
        if self._tags is None or self._tags[0] is not found:
            self._tags = found, searching.all_labels(found.views.values())
        return self._tags[1]

    def search_parts(self) -> Mapping[str, str]:
        """The digest of each view, and the words of each service."""
        found = self._registered()
        services = {f"service:{item.name}": repr(item) for item in found.services.values()}
        return {view.name: view.digest for view in found.views.values()} | services

    def search_documents_of(self, parts: Sequence[str]) -> Iterator[Part]:
        """Each view with its features, and each service."""
        return searching.parts(self._registered(), parts)

    def _uses(self) -> Uses:
        """What was made from every feature; told once for each state of the lineage."""
        edges = self._project.lineage.edges()
        if self._told is None or self._told[0] is not edges:
            self._told = edges, uses_of(edges)
        return self._told[1]

    # Last in the class: after it, the name `list` means this method.
    def list(
        self,
        *,
        view: str | None = None,
        query: str | None = None,
        kind: ViewKind | None = None,
        owner: Sequence[str] = (),
        tag: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Feature]:
        """Features by view and name, those that match every word of `query`.

        kind: of their view: batch, stream, on_demand or label. owner: of one of these; tag: with
        all of these, see `search`.
        """
        views = [self._view(view)] if view else [*self._views().values()]
        matching = [
            (item, column.name)
            for item in views
            if kind in (None, item.kind) and (not owner or item.owner in owner)
            for column in item.features
            if searching.has_tags(item, column, tag) and matches(query, item, column)
        ]
        page = page_of(matching, limit=limit, cursor=cursor)
        views_shown, used = {item.name: item for item, _ in page.items}, self._uses()
        records = {
            feature.ref: feature
            for item in views_shown.values()
            for feature in feature_records(item, statistics.current(self._project, item), used)
        }
        items = [records[reference("feature", item.name, name)] for item, name in page.items]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)


def _services_of(view: Definition, found: Registered) -> list[str]:
    """Names of the services that have features of a view."""
    return [
        service.name
        for service in found.services.values()
        if any(feature.partition(":")[0] == view.name for feature in service.features)
    ]
