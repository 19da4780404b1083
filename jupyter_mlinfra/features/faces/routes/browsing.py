"""Routes that list and show views and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....faces.handler import Handler, access
from ....faces.parameters import Cursor, Limit, Name, Text, Values, values

if TYPE_CHECKING:
    from ....core.records import Page
    from ...spec import Feature, View, ViewDetail

read, _, _ = access("features")


class ViewList(Handler):
    @read
    def get(
        self,
        *,
        query: Text | None = None,
        owner: Values = "",
        tag: Values = "",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[View]:
        """Feature views by name that match every word of the query, of one of the owners, with all
        of the tags; commas between them, and a comma inside one as %2C.
        """
        return self.bench.features.views(
            query=query, owner=values(owner), tag=values(tag), limit=limit, cursor=cursor
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
            owner=values(owner),
            tag=values(tag),
            limit=limit,
            cursor=cursor,
        )


ROUTES = {
    "features/views": ViewList,
    "features/views/{name}": ViewPage,
    "features/features": FeatureList,
}
