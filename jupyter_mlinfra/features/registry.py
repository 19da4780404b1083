"""What the registry holds as plain records, read from its bytes; no user code and no pickled
transformation is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .definitions import Definition, Registered
from .protos import definition, entity, message_of, saved, service
from .store import FeatureFiles

if TYPE_CHECKING:
    from feast import FeatureStore

    from ..core.project import Project

_VERSIONED = {
    "feature_view": "feature_views",
    "stream_feature_view": "stream_feature_views",
    "on_demand_feature_view": "on_demand_feature_views",
}
"""By the type of a recorded version: the list of the registry that has such views."""


def rebuild_index(project: Project) -> list[Definition]:
    """Copy the registry into the index and return its views."""
    from .repo import open_registry

    feast = open_registry(project)
    _ = feast.registry  # creates the tables of a new registry, which must not count as a change
    store = FeatureFiles(project)
    mark = store.current_mark()
    found = registered(feast)
    store.save(found, mark)
    return list(found.views.values())


def definitions(feast: FeatureStore) -> list[Definition]:
    """Every view of the project, by name."""
    return list(_views(feast.registry.proto(), feast.project).values())


def registered(feast: FeatureStore) -> Registered:
    """All that the registry holds for the project."""
    registry, project = feast.registry.proto(), feast.project

    def mine(items: Iterable[Any]) -> Iterator[Any]:
        return (item.spec for item in items if item.spec.project == project)

    return Registered(
        views=_views(registry, project),
        versions=_versions(feast, registry),
        services=_by_name(service(spec) for spec in mine(registry.feature_services)),
        saved=_by_name(
            saved(item) for item in registry.saved_datasets if item.spec.project == project
        ),
        entities=_by_name(
            entity(spec)
            for spec in mine(registry.entities)
            if not spec.name.startswith("__dummy")  # how Feast marks "no entity"
        ),
    )


def _views(registry: Any, project: str) -> dict[str, Definition]:
    return _by_name(
        definition(view, kind)
        for kind in (*_VERSIONED.values(), "label_views")
        for view in getattr(registry, kind)
        if view.spec.project == project
    )


def _by_name(items: Iterable[Any]) -> dict[str, Any]:
    return {item.name: item for item in sorted(items, key=lambda item: item.name)}


def _versions(feast: FeatureStore, registry: Any) -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for kind, body, number in _history(feast, registry):
        if (field := _VERSIONED.get(kind)) is None:
            continue
        message = message_of(field)
        message.ParseFromString(body)
        view = definition(message, field, version=number)
        found[view.name] = view
    return dict(sorted(found.items()))


def _history(feast: FeatureStore, registry: Any) -> Iterator[tuple[str, bytes, int]]:
    """Type, bytes and number of every version that the registry recorded. A SQL registry has them
    in a table, any other one in its message.
    """
    engine = getattr(feast.registry, "read_engine", None)
    if engine is None:
        for record in registry.feature_view_version_history.records:
            if record.project_id == feast.project:
                yield record.feature_view_type, record.feature_view_proto, record.version_number
        return
    from feast.infra.registry.sql import feature_view_version_history as table
    from sqlalchemy import select

    columns = (table.c.feature_view_type, table.c.feature_view_proto, table.c.version_number)
    with engine.connect() as connection:
        yield from connection.execute(select(*columns).where(table.c.project_id == feast.project))
