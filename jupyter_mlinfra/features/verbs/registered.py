"""The verbs about what the registry holds beside views: services, saved training sets, entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...core.errors import NotFound
from ...core.records import Page, page_of
from ...core.refs import named
from .. import searching
from ..pages import entity_record, saved_record, service_record, words_of
from ..snippets import service_code
from ..spec import Entity, SavedSet, Service, ServiceDetail, ViewDetail
from .base import similar
from .browsing import BrowsingVerbs


class RegisteredVerbs(BrowsingVerbs):
    """Services, saved training sets and entities; a base of `Features`."""

    def services(
        self,
        *,
        query: str | None = None,
        tag: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Service]:
        """Feature services by name, those that match every word of `query`. tag: with all of
        these, see `search`.
        """
        found = self._registered()
        matching = [
            item for item in _matching(query, found.services) if searching.tagged(item.tags, tag)
        ]
        page = page_of(matching, limit=limit, cursor=cursor)
        items = [service_record(item, found) for item in page.items]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)

    def service(self, name: str) -> ServiceDetail:
        """The page of a service. Raises NotFound."""
        service = self._service(name)
        record = service_record(service, self._registered())
        # What no view has any more, or only Feast can join, is told by `problem`.
        known = [] if record.problem else self.selected(service.features).items
        return ServiceDetail(service=record, features=known, code=service_code(service))

    def saved_sets(
        self, *, query: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[SavedSet]:
        """Training sets that Feast saved, by name, those that match every word of `query`."""
        page = page_of(_matching(query, self._registered().saved), limit=limit, cursor=cursor)
        items = [saved_record(item) for item in page.items]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)

    def saved_set(self, name: str) -> SavedSet:
        """One training set that Feast saved. Raises NotFound."""
        saved = self._registered().saved
        return saved_record(_named(saved, named(name, "saved"), "saved training set", "saved"))

    def entities(
        self, *, query: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Entity]:
        """Entities by name, those that match every word of `query`."""
        found = self._registered()
        page = page_of(_matching(query, found.entities), limit=limit, cursor=cursor)
        items = [entity_record(item, found) for item in page.items]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)

    def entity(self, name: str) -> Entity:
        """One entity. Raises NotFound."""
        found = self._registered()
        return entity_record(
            _named(found.entities, named(name, "entity"), "entity", "entities"), found
        )

    def find(self, name: str) -> ViewDetail | ServiceDetail | SavedSet | Entity:
        """The page of a view (`view@v2` for a version), else of a service, a saved training set or
        an entity of that name; `service:NAME` and the like name one of a kind. Raises NotFound.
        """
        found = self._registered()
        for kind, parts, page in (
            ("service", found.services, self.service),
            ("saved", found.saved, self.saved_set),
            ("entity", found.entities, self.entity),
        ):
            if name.startswith(f"{kind}:") or (name in parts and name not in found.views):
                return page(name)
        return self.show(name)


def _matching(query: str | None, parts: Mapping[str, Any]) -> list[Any]:
    words = (query or "").lower().split()
    return [item for item in parts.values() if all(word in _text(item) for word in words)]


def _text(item: Any) -> str:
    names: Iterable[str] = getattr(item, "features", ())
    owner = getattr(item, "owner", "")
    text = f"{item.name} {item.description} {owner} {words_of(item.tags)} {' '.join(names)}"
    return text.lower()


def _named(parts: Mapping[str, Any], name: str, what: str, verb: str) -> Any:
    if name not in parts:
        raise NotFound(
            f"There is no {what} {name}.",
            similar(name, parts),
            f"mlinfra features {verb} shows what there is.",
        )
    return parts[name]
