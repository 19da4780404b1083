"""Routes that list and show views and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....faces.handler import Handler, access
from ....faces.parameters import Cursor, Limit, Name, Text, Values, values
from ...kinds import ViewKind

if TYPE_CHECKING:
    from ....core.records import Page
    from ...spec import Entity, Feature, SavedSet, Service, ServiceDetail, View, ViewDetail

read, _, _ = access("features")


class ViewList(Handler):
    @read
    def get(
        self,
        *,
        query: Text | None = None,
        kind: ViewKind | None = None,
        owner: Values = "",
        tag: Values = "",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[View]:
        """Feature views by name that match every word of the query, those that
        were left out too; of one of the owners, with all
        of the tags; commas between them, and a comma inside one as %2C.
        """
        return self.bench.features.views(
            query=query,
            kind=kind,
            owner=values(owner),
            tag=values(tag),
            limit=limit,
            cursor=cursor,
        )


class ViewPage(Handler):
    @read
    def get(self, name: str) -> ViewDetail:
        """One view and its features."""
        detail = self.bench.features.show(name)
        if detail.view.online:  # whoever views it may look a key up next
            self.bench.features.warm()
        return detail


class FeatureList(Handler):
    @read
    def get(
        self,
        *,
        view: Name | None = None,
        query: Text | None = None,
        kind: ViewKind | None = None,
        owner: Values = "",
        tag: Values = "",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Feature]:
        """Features by view and name that match every word of the query, of one of the owners, with
        all of the tags; commas between them, and a comma inside one as %2C.
        """
        return self.bench.features.list(
            view=view,
            query=query,
            kind=kind,
            owner=values(owner),
            tag=values(tag),
            limit=limit,
            cursor=cursor,
        )


class ServiceList(Handler):
    @read
    def get(
        self,
        *,
        query: Text | None = None,
        tag: Values = "",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Service]:
        """Feature services by name that match every word of the query, with all of the tags."""
        return self.bench.features.services(
            query=query, tag=values(tag), limit=limit, cursor=cursor
        )


class ServicePage(Handler):
    @read
    def get(self, name: str) -> ServiceDetail:
        """One feature service and its features."""
        return self.bench.features.service(name)


class SavedList(Handler):
    @read
    def get(
        self, *, query: Text | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[SavedSet]:
        """Training sets that Feast saved, by name, that match every word of the query."""
        return self.bench.features.saved_sets(query=query, limit=limit, cursor=cursor)


class SavedPage(Handler):
    @read
    def get(self, name: str) -> SavedSet:
        """One training set that Feast saved."""
        return self.bench.features.saved_set(name)


class EntityList(Handler):
    @read
    def get(
        self, *, query: Text | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[Entity]:
        """Entities by name that match every word of the query."""
        return self.bench.features.entities(query=query, limit=limit, cursor=cursor)


class EntityPage(Handler):
    @read
    def get(self, name: str) -> Entity:
        """One entity."""
        return self.bench.features.entity(name)


ROUTES = {
    "features/views": ViewList,
    "features/views/{name}": ViewPage,
    "features/features": FeatureList,
    "features/services": ServiceList,
    "features/services/{name}": ServicePage,
    "features/saved": SavedList,
    "features/saved/{name}": SavedPage,
    "features/entities": EntityList,
    "features/entities/{name}": EntityPage,
}
