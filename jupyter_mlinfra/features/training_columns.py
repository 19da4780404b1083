"""The columns of a training set: what the entity rows must have, and the names and types of the
features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.errors import BadRequest
from .definitions import Definition, read_for
from .join import JoinView, check_entities
from .repo import OFFLINE_STORES, configuration, folder
from .sources import readable, scan

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project


def column_name(view: str, feature: str, full_names: bool) -> str:
    """What a feature is called in a training set."""
    return f"{view}__{feature}" if full_names else feature


def check(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    schema: Mapping[str, pl.DataType],
    at: str,
    full_names: bool,
) -> None:
    """Reject entity rows that cannot be joined, by their columns; nothing is read. views: also
    those that the requested ones are computed from.
    """
    join_views, taken_names = [], set(schema)
    for name in read_for(requested, views):
        view, features = views[name], requested.get(name, ())
        if missing := [column.name for column in view.asks if column.name not in schema]:
            raise BadRequest(
                f"{name} needs {_columns(missing)}.",
                "It is computed from values of the request, which the entity rows have to give.",
                f"Add {', '.join(missing)} to the entity rows, beside {', '.join(schema)}.",
            )
        source = view.source
        if source is None or source.kind == "other":  # Feast or the other store checks the rest
            if clashes := [
                feature for feature in features if feature in taken_names and not full_names
            ]:
                raise BadRequest(
                    f"{clashes[0]} would appear twice.",
                    f"It is a feature of {name} and a column already.",
                    "Ask with full_names=True.",
                )
            continue
        prefix = f"{name}__" if full_names else ""
        with readable(source):
            frame = scan(source, folder(project))
            frame.collect_schema()
        join_views.append(
            JoinView(
                name=name,
                frame=frame,
                keys={key.name: key.name for key in view.keys},
                features={feature: prefix + feature for feature in features},
                time=source.time,
                windows=view.windows,
            )
        )
    check_entities(schema, join_views, at=at)


def _columns(names: Sequence[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(names)}"


def feature_types(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    full_names: bool,
) -> dict[str, pl.DataType] | None:
    """The types of the features, by the name of their column; None if only the rows tell them,
    because Feast computes some, or another store joins.
    """
    types: dict[str, pl.DataType] = {}
    store = configuration(project)["offline_store"]
    if (store.get("type") if isinstance(store, dict) else store) not in OFFLINE_STORES:
        return None
    for name, features in requested.items():
        view = views[name]
        if not view.stored or view.source is None:
            return None
        schema = scan(view.source, folder(project)).collect_schema()
        types |= {column_name(name, feature, full_names): schema[feature] for feature in features}
    return types


def declared_types(
    requested: Mapping[str, Sequence[str]], views: Mapping[str, Definition], full_names: bool
) -> dict[str, pl.DataType]:
    """The types of the features as they are declared, by the name of their column; null for lists
    and the like.
    """
    import polars as pl

    types = {
        "BOOL": pl.Boolean(),
        "BYTES": pl.Binary(),
        "DOUBLE": pl.Float64(),
        "FLOAT": pl.Float32(),
        "INT32": pl.Int32(),
        "INT64": pl.Int64(),
        "STRING": pl.String(),
        "UNIX_TIMESTAMP": pl.Datetime("us", "UTC"),
    }
    return {
        column_name(name, column.name, full_names): types.get(column.type, pl.Null())
        for name, features in requested.items()
        for column in views[name].features
        if column.name in features
    }
