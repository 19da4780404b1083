"""Routes of the feature store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from ...faces.handler import Handler, access, elsewhere
from ...faces.parameters import Cursor, Len, Limit, Name, Text

if TYPE_CHECKING:
    from ...core.records import Page
    from ...jobs.spec import Job
    from ..spec import Feature, OnlineRow, View, ViewDetail

read, write, execute = access("features")


class ViewList(Handler):
    @read
    def get(
        self, *, query: Text | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[View]:
        """Feature views by name that match every word of the query."""
        return self.bench.features.views(query=query, limit=limit, cursor=cursor)


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
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Feature]:
        """Features by view and name that match every word of the query."""
        return self.bench.features.list(view=view, query=query, limit=limit, cursor=cursor)


class Online(Handler):
    @read
    def post(
        self,
        *,
        features: Annotated[list[Name], Len(1, 500)],
        entities: Annotated[list[dict[str, Any]], Len(1, 1000)],
    ) -> Sequence[OnlineRow]:
        """Online values of some entities; changes nothing."""
        return self.bench.features.online(features, entities)


class Apply(Handler):
    @execute(slow=elsewhere)
    def post(self) -> Job:
        """Apply the definitions of the feature repository to the registry: a job, because it runs
        their code.
        """
        return self.as_job("features apply", of="feature views")


class Materialize(Handler):
    @execute(slow=elsewhere)
    def post(self, name: str, *, start: datetime | None = None, end: datetime | None = None) -> Job:
        """Write a view's newest values to the online store: a job. Raises NotFound."""
        self.bench.features.show(name)
        times = {
            key: at.isoformat() if at else None for key, at in (("start", start), ("end", end))
        }
        return self.as_job("features materialize", name, of=name, **times)


ROUTES = {
    "features/views": ViewList,
    "features/views/{name}": ViewPage,
    "features/views/{name}/materialize": Materialize,
    "features/features": FeatureList,
    "features/online": Online,
    "features/apply": Apply,
}
