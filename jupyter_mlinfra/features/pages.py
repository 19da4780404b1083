"""Views and features as every interface shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..core.refs import reference
from .definitions import Column, Definition
from .spec import Feature, View
from .state import freshness, online_at
from .store import Materialization

if TYPE_CHECKING:
    from ..core.project import Project
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
) -> View:
    """A view in a list; `at` is the moment to which its ttl applies."""
    return View(
        ref=reference("view", view.name),
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
        problem=figures.problem,
    )


def uses(project: Project) -> Mapping[str, Sequence[str]]:
    """By feature, as `feature:view:name`: what lineage says was made from it, newest first."""
    uses_of: dict[str, dict[str, None]] = {}
    for edge in reversed(project.lineage.edges()):
        if edge.input.startswith("feature:"):
            uses_of.setdefault(edge.input, {})[edge.output] = None
    return {ref: tuple(outputs) for ref, outputs in uses_of.items()}


def feature_records(
    view: Definition, figures: Statistics, used: Mapping[str, Sequence[str]]
) -> list[Feature]:
    """The features of a view, in the order of its definition. used: see `uses`."""
    return [
        Feature(
            ref=reference("feature", view.name, column.name),
            name=column.name,
            view=view.name,
            type=short_type(column.type),
            description=column.description,
            fill=figures.fill(column.name),
            used_by=used.get(reference("feature", view.name, column.name), ()),
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
