"""Views and features as every interface shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from ..core.refs import reference
from .definitions import (
    Column,
    Definition,
    EntitySpec,
    Registered,
    SavedSpec,
    ServiceSpec,
    split_version,
)
from .spec import Entity, Feature, Freshness, SavedSet, Service, Unapplied, View
from .state import freshness, online_at
from .store import Materialization

if TYPE_CHECKING:
    from .knowing.uses import Uses
    from .statistics import Statistics

_SHORT = {
    "INT32": "i32",
    "INT64": "i64",
    "FLOAT": "f32",
    "DOUBLE": "f64",
    "STRING": "str",
    "BOOL": "bool",
    "BYTES": "bytes",
    "UNIX_TIMESTAMP": "ts",
}


def view_record(
    view: Definition,
    figures: Statistics,
    materializations: Mapping[str, Materialization],
    at: datetime,
    left_out: Mapping[str, Unapplied],
) -> View:
    """A view in a list. at: the moment to which its ttl applies. left_out: what the last `apply`
    left out, by name.
    """
    left = left_out.get(view.name)
    return View(
        ref=view_ref(view.name),
        name=view.name,
        entities=view.entities,
        features=len(view.features),
        ttl_seconds=view.ttl_seconds,
        dataset=view.source.dataset if view.source else None,
        owner=view.owner,
        tags=view.tags,
        description=view.description,
        online=view.online,
        freshness=freshness(view, materializations.get(view.name), at),
        online_at=online_at(view, materializations.get(view.name)),
        source_at=figures.newest,
        problem=_told(left) if left else view.problem or figures.problem,
        fix=left.fix if left else figures.fix,
        kind=view.kind,
        version=view.version,
        deprecated=view.deprecated,
    )


def left_out_record(left: Unapplied) -> View:
    """A view that no `apply` has brought into the registry yet."""
    return View(
        ref=reference("view", left.name),
        name=left.name,
        entities=(),
        features=0,
        ttl_seconds=None,
        dataset=None,
        owner="",
        tags={},
        description="",
        online=False,
        freshness=Freshness.NEVER,
        online_at=None,
        problem=_told(left),
        fix=left.fix,
    )


def _told(left: Unapplied) -> str:
    what = "Its new definition is" if left.registered else "It is"
    return f"{what} not applied. {left.what} {left.why}".strip()


def view_ref(name: str) -> str:
    """The reference of a view, or of the version of one: `view:NAME@v2`."""
    view, version = split_version(name)
    return reference("view", view, at=None if version is None else f"v{version}")


def service_record(service: ServiceSpec, found: Registered) -> Service:
    """A feature service in a list."""
    known = {
        f"{view.name}:{column.name}"
        for name in {feature.partition(":")[0] for feature in service.features}
        if (view := found.views.get(name) or found.versions.get(name)) is not None
        for column in view.features
    }
    problem = ""
    if gone := [feature for feature in service.features if feature not in known]:
        problem = f"No view has {', '.join(gone[:5])} any more."
    elif service.renamed:
        problem = f"It renames {', '.join(service.renamed)}: only Feast itself can join it."
    return Service(
        ref=reference("service", service.name),
        name=service.name,
        features=service.features,
        owner=service.owner,
        tags=service.tags,
        description=service.description,
        precomputed=service.precomputed,
        logs=service.logs,
        problem=problem,
    )


def saved_record(saved: SavedSpec) -> SavedSet:
    """A saved training set in a list."""
    return SavedSet(ref=reference("saved", saved.name), **asdict(saved))


def entity_record(entity: EntitySpec, found: Registered) -> Entity:
    """An entity in a list."""
    views = [view.name for view in found.views.values() if entity.name in view.entities]
    facts = asdict(entity) | {"type": short_type(entity.type)}
    return Entity(ref=reference("entity", entity.name), views=views, **facts)


def feature_records(view: Definition, figures: Statistics, used: Uses) -> list[Feature]:
    """The features of a view, in the order of its definition."""
    return [
        Feature(
            ref=reference("feature", view.name, column.name),
            name=column.name,
            view=view.name,
            type=short_type(column.type),
            description=column.description,
            fill=figures.fill(column.name),
            used_by=used.of(reference("feature", view.view, column.name)),
        )
        for column in view.features
    ]


def matches(query: str | None, view: Definition, column: Column | None = None) -> bool:
    """Whether every word of `query` is in the texts of the view, or of one of its features."""
    columns = [column] if column else view.features
    fields = [f"{item.name} {item.description} {words_of(item.tags)}" for item in columns]
    text = " ".join(
        [view.name, view.description, view.owner, words_of(view.tags), *view.entities, *fields]
    ).lower()
    return all(word in text for word in (query or "").lower().split())


def words_of(tags: Mapping[str, str]) -> str:
    """Names and values of tags, as text to search."""
    return " ".join(f"{name} {value}" for name, value in tags.items())


def short_type(feast_type: str) -> str:
    """Feast's type in the catalog's spelling: INT64 is i64, INT64_LIST is list[i64]."""
    if feast_type.endswith("_LIST") and feast_type != "VALUE_LIST":
        return f"list[{short_type(feast_type.removesuffix('_LIST'))}]"
    return _SHORT.get(feast_type, feast_type.lower())
