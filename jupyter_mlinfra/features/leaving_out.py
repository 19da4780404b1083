"""What `apply` leaves out: views that cannot be applied now, and all that depends on them.

Feast deletes from the registry whatever the definitions do not hold. So what is left out is
replaced by what the registry has of it, and keeps its online values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError, Unprocessable
from .spec import Unapplied

if TYPE_CHECKING:
    from feast import FeatureStore
    from feast.repo_contents import RepoContents

_VIEWS = ("feature_views", "stream_feature_views", "on_demand_feature_views", "label_views")
"""The lists of views in the contents of a repository."""


@dataclass(slots=True)
class _Left:
    """views, services: name → why it is left out. stored: what the registry has of a view.
    entities: those that must stay as they are, because a stored view has them.
    """

    views: dict[str, MLInfraError]
    services: dict[str, MLInfraError] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    entities: dict[str, Any] = field(default_factory=dict)


def without(
    contents: RepoContents, feast: FeatureStore, broken: Mapping[str, MLInfraError]
) -> tuple[RepoContents, list[Unapplied]]:
    """The contents that can be applied, and what was left out. broken: view → what is wrong with
    it.
    """
    if not broken:
        return contents, []
    left = _Left(dict(broken))
    while _spread(contents, feast, left):
        pass
    services = {service.name: service for service in feast.list_feature_services()}
    kept_services = [item for item in contents.feature_services if item.name not in left.services]
    kept_services += [services[name] for name in left.services if name in services]
    changes: dict[str, Any] = {
        "feature_services": kept_services,
        "entities": [item for item in contents.entities if item.name not in left.entities]
        + list(left.entities.values()),
        "data_sources": _sources(contents, left),
    }
    for kind in _VIEWS:
        changes[kind] = [item for item in getattr(contents, kind) if item.name not in left.views]
    for view in left.stored.values():
        changes[_list_of(view)].append(view)
    told = [
        _left_out(name, "view", error, name in left.stored) for name, error in left.views.items()
    ]
    told += [
        _left_out(name, "service", error, name in services) for name, error in left.services.items()
    ]
    return contents._replace(**changes), sorted(told, key=lambda item: (item.kind, item.name))


def views_of(contents: RepoContents) -> list[Any]:
    """Every view that the definitions hold, of any kind."""
    return [view for kind in _VIEWS for view in getattr(contents, kind)]


def _spread(contents: RepoContents, feast: FeatureStore, left: _Left) -> bool:
    """Leave out what depends on what is left out. Returns whether that was anything new."""
    before = len(left.views) + len(left.services)
    for name in left.views:
        _hold(name, contents, feast, left)
    for view in views_of(contents):
        if view.name in left.views:
            continue
        if used := [name for name in _used_views(view) if name in left.views]:
            left.views[view.name] = _depends(view.name, used[0], left.views[used[0]])
        elif held := [name for name in getattr(view, "entities", ()) if name in left.entities]:
            left.views[view.name] = Unprocessable(
                f"{view.name} waits for entity {held[0]}.",
                f"A view that cannot be applied still has {held[0]} as it was.",
                "Correct that view, or take it out of the definitions.",
            )
    for service in contents.feature_services:
        used = [name for name in _views_of_service(service) if name in left.views]
        if used:
            left.services[service.name] = _depends(service.name, used[0], left.views[used[0]])
    return len(left.views) + len(left.services) > before


def _hold(name: str, contents: RepoContents, feast: FeatureStore, left: _Left) -> None:
    """Keep what the registry has of a view, and of the entities that it needs."""
    from feast.errors import FeastObjectNotFoundException

    if name in left.stored:
        return
    try:
        view = feast.registry.get_any_feature_view(name, feast.project)
    except (FeastObjectNotFoundException, UnicodeEncodeError):  # it was never applied
        return
    left.stored[name] = view
    defined = {entity.name: entity for entity in contents.entities}
    for entity in getattr(view, "entities", ()):
        try:
            stored = feast.registry.get_entity(entity, feast.project)
        except FeastObjectNotFoundException:
            continue
        new = defined.get(entity)
        if new is None or (new.join_key, new.value_type) != (stored.join_key, stored.value_type):
            left.entities[entity] = stored


def _used_views(view: Any) -> list[str]:
    """The views that a view is made of."""
    projections = getattr(view, "source_feature_view_projections", None) or {}
    sources = getattr(view, "source_views", None) or ()
    return [projection.name for projection in projections.values()] + [
        source.name for source in sources
    ]


def _views_of_service(service: Any) -> list[str]:
    """Names of the views of a service, also of those that it names as text: `view@v2:feature`."""
    return [
        item.partition(":")[0].partition("@")[0] if isinstance(item, str) else item.name
        for item in service._features
    ]


def _depends(name: str, used: str, error: MLInfraError) -> Unprocessable:
    return Unprocessable(f"{name} uses {used}, which cannot be applied.", error.what, error.fix)


def _sources(contents: RepoContents, left: _Left) -> list[Any]:
    """The data sources without those of what is left out, and with those that the registry has."""
    views = views_of(contents)
    needed = {
        source.name for view in views if view.name not in left.views for source in _sources_of(view)
    }
    dropped = {
        source.name for view in views if view.name in left.views for source in _sources_of(view)
    } - needed
    kept = {item.name: item for item in contents.data_sources if item.name not in dropped}
    for view in left.stored.values():
        for source in _sources_of(view):
            kept.setdefault(source.name, source)
    return list(kept.values())


def _sources_of(view: Any) -> list[Any]:
    found = [getattr(view, name, None) for name in ("batch_source", "stream_source")]
    return [source for source in found if source is not None]


def _list_of(view: Any) -> str:
    """In which list of the contents a view of the registry belongs."""
    from feast import OnDemandFeatureView, StreamFeatureView
    from feast.labeling import LabelView

    if isinstance(view, StreamFeatureView):
        return "stream_feature_views"
    if isinstance(view, OnDemandFeatureView):
        return "on_demand_feature_views"
    return "label_views" if isinstance(view, LabelView) else "feature_views"


def _left_out(name: str, kind: str, error: MLInfraError, registered: bool) -> Unapplied:
    return Unapplied(
        name=name, kind=kind, what=error.what, why=error.why, fix=error.fix, registered=registered
    )
