"""The registry's views as plain records, read from its bytes; no user code and no pickled
transformation is loaded.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Any

from .definitions import Column, Definition
from .store import FeatureFiles

if TYPE_CHECKING:
    from feast import FeatureStore

    from ..core.project import Project

_DUMMY = "__dummy"  # how Feast marks "no entity"


def rebuild_index(project: Project) -> list[Definition]:
    """Copy the registry into the index and return its views."""
    from .repo import open_store

    feast = open_store(project)
    _ = feast.registry  # creates the tables of a new registry, which must not count as a change
    store = FeatureFiles(project)
    mark = store.current_mark()
    views = definitions(feast)
    store.save(views, mark)
    return views


def definitions(feast: FeatureStore) -> list[Definition]:
    """Every view of the project, by name."""
    registry = feast.registry.proto()
    views = [
        _stored(view)
        for view in [*registry.feature_views, *registry.stream_feature_views]
        if view.spec.project == feast.project
    ]
    views += [
        _on_demand(view)
        for view in registry.on_demand_feature_views
        if view.spec.project == feast.project
    ]
    return sorted(views, key=lambda item: item.name)


def _stored(view: Any) -> Definition:
    from .dataset_source import spec_of

    spec = view.spec
    computed = any(
        spec.HasField(name)
        for name in ("feature_transformation", "user_defined_function")
        if name in spec.DESCRIPTOR.fields_by_name
    )
    intervals = [
        interval.end_time.ToDatetime(UTC) for interval in view.meta.materialization_intervals
    ]
    return Definition(
        name=spec.name,
        kind="derived" if computed or spec.source_views else "batch",
        entities=[name for name in spec.entities if name != _DUMMY],
        keys=[
            _column(column) for column in spec.entity_columns if not column.name.startswith(_DUMMY)
        ],
        features=[_column(feature) for feature in spec.features],
        ttl_seconds=(
            (spec.ttl.ToTimedelta().total_seconds() or None) if spec.HasField("ttl") else None
        ),
        source=spec_of(spec.batch_source) if spec.HasField("batch_source") else None,
        online=spec.online and not spec.disabled,
        owner=spec.owner,
        tags=dict(spec.tags),
        description=spec.description,
        digest=_digest(spec),
        materialized_until=max(intervals, default=None),
        push=spec.stream_source.name if spec.HasField("stream_source") else "",
    )


def _on_demand(view: Any) -> Definition:
    spec = view.spec
    return Definition(
        name=spec.name,
        kind="on_demand",
        entities=[],
        keys=[],
        features=[_column(feature) for feature in spec.features],
        ttl_seconds=None,
        source=None,
        online=False,
        owner=spec.owner,
        tags=dict(spec.tags),
        description=spec.description,
        digest=_digest(spec),
        materialized_until=None,
    )


def _column(spec: Any) -> Column:
    from feast.value_type import ValueType

    return Column(
        name=spec.name,
        type=ValueType(spec.value_type).name,
        description=spec.description,
        tags=dict(spec.tags),
    )


def _digest(spec: Any) -> str:
    """A digest of everything that the user wrote, without what Feast adds."""
    copy = type(spec)()
    copy.CopyFrom(spec)
    for name in ("batch_source", "stream_source"):
        if name in copy.DESCRIPTOR.fields_by_name and copy.HasField(name):
            getattr(copy, name).ClearField("meta")
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).hexdigest()[:16]
