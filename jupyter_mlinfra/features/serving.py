"""What a serving process must know to read features online: definitions and store, as plain JSON.

The definitions are copied as they are now, so that what serves is what was tested. A pickled
function of an on-demand view is copied as bytes; nothing is unpickled here.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest
from .definitions import Column, Definition
from .online import require_online_keys
from .repo import configuration, feast_config, folder, require_one_table, require_online_store
from .settings import FeatureSettings

if TYPE_CHECKING:
    from feast import FeatureStore

    from ..core.project import Project

_EXTRAS = {
    "redis": "redis",
    "postgres": "postgres",
    "dynamodb": "aws",
    "datastore": "gcp",
    "bigtable": "gcp",
    "mysql": "mysql",
    "cassandra": "cassandra",
    "snowflake.online": "snowflake",
}
"""What Feast's package needs beside itself, by the type of the online store."""


def definitions_of(
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    feast: FeatureStore | None,
) -> dict[str, Any]:
    """{"views": [{name, keys, features, ttl_seconds}], "on_demand": [{name, proto, features,
    sources, request}]}: those that are requested, and the stored ones that on-demand views read.
    keys, features, request: [{name, type}] with Feast's types. sources: features by view. proto:
    base64.

    feast: needed for on-demand views. Raises BadRequest for a view that is not online, Conflict for
    a key that Feast cannot look up.
    """
    on_demand = [
        _on_demand(views[name], feast) for name in requested if views[name].kind == "on_demand"
    ]
    wanted = {name: list(names) for name, names in requested.items()}
    for item in on_demand:
        for name, names in item["sources"].items():
            wanted.setdefault(name, []).extend(names)
    stored = [
        _stored(views[name], set(names))
        for name, names in wanted.items()
        if views[name].kind != "on_demand"
    ]
    return {"views": stored, "on_demand": on_demand}


def _stored(view: Definition, wanted: Collection[str]) -> dict[str, Any]:
    if not view.online:
        raise BadRequest(
            f"{view.name} is not served online.",
            "Its definition says so.",
            "Set online=True, then apply and materialize.",
        )
    require_online_keys(view)
    return {
        "name": view.view,
        "keys": [_typed(key) for key in view.keys],
        "features": [_typed(column) for column in view.features if column.name in wanted],
        "ttl_seconds": view.ttl_seconds,
    }


def _typed(column: Column) -> dict[str, str]:
    return {"name": column.name, "type": column.type}


def _on_demand(view: Definition, feast: FeatureStore | None) -> dict[str, Any]:
    from feast.protos.feast.core.OnDemandFeatureView_pb2 import OnDemandFeatureView
    from feast.value_type import ValueType

    assert feast is not None
    proto = OnDemandFeatureView()
    proto.CopyFrom(
        next(
            item
            for item in feast.registry.proto().on_demand_feature_views
            if item.spec.name == view.name and item.spec.project == feast.project
        )
    )
    sources: dict[str, list[str]] = {}
    request: list[dict[str, str]] = []
    for source in proto.spec.sources.values():
        kind = source.WhichOneof("source")
        if kind == "request_data_source":
            request += [
                {"name": field.name, "type": ValueType(field.value_type).name}
                for field in source.request_data_source.request_data_options.schema
            ]
        elif kind == "feature_view_projection":
            # Of a class that a serving environment does not have.
            source.feature_view_projection.ClearField("batch_source")
            name = source.feature_view_projection.feature_view_name
            columns = source.feature_view_projection.feature_columns
            sources[name] = [column.name for column in columns]
        else:
            raise BadRequest(
                f"{view.name} cannot be served.",
                f"A source of it is a {kind}; features of views and data of the request can be.",
                "Apply the definitions again with this version of Feast.",
            )
    if proto.spec.aggregations or proto.spec.mode not in ("pandas", "python", ""):
        raise BadRequest(
            f"{view.name} cannot be served.",
            f"It is computed by {proto.spec.mode or 'aggregations'}; pandas and python can be.",
            'Write it with mode="pandas" or mode="python".',
        )
    return {
        "name": view.name,
        "proto": base64.b64encode(proto.SerializeToString(deterministic=True)).decode(),
        "features": [_typed(column) for column in view.features],
        "sources": sources,
        "request": request,
    }


def store_of(project: Project) -> dict[str, Any]:
    """The online store for a serving process: {"config": Feast's settings, "repo": the folder that
    relative paths in it start from, "as_of": when the ttl counts, None for the clock}. It may hold
    passwords. Raises Conflict without an online store or with one table for each version,
    Unprocessable for settings that Feast does not accept.
    """
    require_online_store(feast_config(project))
    require_one_table(project)
    kept = ("project", "provider", "online_store", "entity_key_serialization_version")
    settings = configuration(project)
    config = {name: settings[name] for name in kept if name in settings}
    config["registry"] = {"path": "not-read.db"}  # it is never opened there
    as_of = project.settings.of(FeatureSettings).as_of
    return {
        "config": config,
        "repo": str(folder(project)),
        "as_of": as_of.isoformat() if as_of else None,
    }


def requirements_of(project: Project) -> list[str]:
    """What a serving environment needs to read the online store: this Feast, with what the type of
    the store needs.
    """
    store = configuration(project).get("online_store")
    kind = str(store.get("type", "")) if isinstance(store, Mapping) else str(store)
    extra = _EXTRAS.get(kind)
    return [f"feast[{extra}]=={version('feast')}" if extra else f"feast=={version('feast')}"]
