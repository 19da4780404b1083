"""The messages of Feast's registry as plain records. Nothing that is pickled in them is loaded."""

from __future__ import annotations

import contextlib
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ..core.errors import Unprocessable
from ..core.refs import reference
from .definitions import (
    Column,
    Definition,
    EntitySpec,
    LabelSpec,
    SavedSpec,
    ServiceSpec,
    WindowSpec,
)
from .kinds import ViewKind
from .labels import priorities_of
from .windows.plan import DEFAULT_HOP, TAG, window_spec, windows_in

_DUMMY = "__dummy"  # how Feast marks "no entity"


def message_of(field: str) -> Any:
    """An empty message of a view, as that list of the registry has them."""
    from feast.protos.feast.core.FeatureView_pb2 import FeatureView
    from feast.protos.feast.core.OnDemandFeatureView_pb2 import OnDemandFeatureView
    from feast.protos.feast.core.StreamFeatureView_pb2 import StreamFeatureView

    if field == "feature_views":
        return FeatureView()
    return StreamFeatureView() if field == "stream_feature_views" else OnDemandFeatureView()


def definition(view: Any, field: str, *, version: int | None = None) -> Definition:
    """A view. field: the list of the registry that has such views. version: of an earlier one."""
    spec, kind = view.spec, _kind(field)
    current = _current_version(view)
    keys = [_column(column) for column in spec.entity_columns if not column.name.startswith(_DUMMY)]
    windows, problem = ([], "") if kind == "on_demand" else _windows(spec)
    names = {key.name for key in keys}  # Feast has them among the features of stream views, too
    return Definition(
        name=spec.name if version is None else f"{spec.name}@v{version}",
        kind=kind,
        computed=kind == "on_demand" or _transforms(spec) or bool(windows or problem),
        aggregated=bool(windows) and not _transforms(spec),
        entities=[name for name in spec.entities if name != _DUMMY],
        keys=keys,
        features=[_column(feature) for feature in spec.features if feature.name not in names],
        ttl_seconds=(
            (spec.ttl.ToTimedelta().total_seconds() or None) if _has(spec, "ttl") else None
        ),
        source=_source(spec),
        online=_is_online(spec, kind),
        digest=_digest(spec),
        materialized_until=_materialized_until(view),
        version=current if version is None else version,
        uses=_uses(spec),
        asks=_asks(spec),
        push=_pushed(spec),
        windows=windows,
        problem=problem,
        labels=_labels(spec) if kind == "label" else None,
        code=_code(spec),
        **_words(spec),
    )


def _kind(field: str) -> ViewKind:
    kinds: dict[str, ViewKind] = {
        "feature_views": "batch",
        "stream_feature_views": "stream",
        "on_demand_feature_views": "on_demand",
        "label_views": "label",
    }
    return kinds[field]


def _words(spec: Any) -> dict[str, Any]:
    return {
        "owner": getattr(spec, "owner", ""),
        "tags": {name: text for name, text in spec.tags.items() if name != TAG},
        "description": spec.description,
    }


def _has_field(message: Any, name: str) -> bool:
    return name in message.DESCRIPTOR.fields_by_name


def _has(message: Any, name: str) -> bool:
    return _has_field(message, name) and message.HasField(name)


def _transforms(spec: Any) -> bool:
    return any(
        _has(spec, name) for name in ("feature_transformation", "user_defined_function")
    ) or bool(getattr(spec, "source_views", ()))


def _code(spec: Any) -> str:
    """The text of the function that transforms rows; the pickled function itself is not loaded."""
    if _has(spec, "feature_transformation"):
        spec = spec.feature_transformation
    if not _has(spec, "user_defined_function"):
        return ""
    return str(spec.user_defined_function.body_text)


def _is_online(spec: Any, kind: ViewKind) -> bool:
    return kind != "on_demand" and spec.online and not getattr(spec, "disabled", False)


def _source(spec: Any) -> Any:
    """The source that has the history of a view."""
    from feast.protos.feast.core.DataSource_pb2 import DataSource

    from .dataset_source import spec_of

    for name in ("batch_source", "source"):
        if not _has(spec, name):
            continue
        found = getattr(spec, name)
        # Rows are pushed to it; their history is in another source.
        if found.type == DataSource.PUSH_SOURCE and found.HasField("batch_source"):
            found = found.batch_source
        return spec_of(found)
    return None


def _pushed(spec: Any) -> str:
    """The source by which rows come step by step; a label view has it where others have that of
    their history.
    """
    from feast.protos.feast.core.DataSource_pb2 import DataSource

    if _has(spec, "stream_source"):
        return str(spec.stream_source.name)
    if _has(spec, "source") and spec.source.type == DataSource.PUSH_SOURCE:
        return str(spec.source.name)
    return ""


def _sources(spec: Any) -> list[Any]:
    """Those of an on-demand view, by name: Feast keeps them in no order."""
    sources = getattr(spec, "sources", {})
    return [sources[name] for name in sorted(sources)]


def _uses(spec: Any) -> list[str]:
    """The views that a view is computed from."""
    used = [item.spec.name for item in getattr(spec, "source_views", ())]
    for source in _sources(spec):
        if source.HasField("feature_view_projection"):
            used.append(source.feature_view_projection.feature_view_name)
        elif source.HasField("feature_view"):
            used.append(source.feature_view.spec.name)
    return used


def _asks(spec: Any) -> list[Column]:
    """The columns of a request that a view is computed from."""
    return [
        _column(field)
        for source in _sources(spec)
        if source.HasField("request_data_source")
        for field in source.request_data_source.request_data_options.schema
    ]


def _windows(spec: Any) -> tuple[list[WindowSpec], str]:
    """The aggregations of a view, or why they cannot be told."""
    hop = _duration(spec, "tiling_hop_size") if getattr(spec, "enable_tiling", False) else None
    windows = [
        window_spec(
            item.column,
            item.function,
            window=_duration(item, "time_window"),
            slide=_duration(item, "slide_interval"),
            name=item.name,
            hop=hop or (DEFAULT_HOP if getattr(spec, "enable_tiling", False) else None),
        )
        for item in getattr(spec, "aggregations", ())
    ]
    try:
        return windows or windows_in(spec.tags), ""
    except Unprocessable as error:
        return [], str(error)


def _duration(message: Any, name: str) -> timedelta | None:
    if not _has(message, name):
        return None
    found: timedelta = getattr(message, name).ToTimedelta()
    return found


def _labels(spec: Any) -> LabelSpec:
    from feast.protos.feast.core.LabelView_pb2 import ConflictResolutionPolicy

    return LabelSpec(
        policy=ConflictResolutionPolicy.Name(spec.conflict_policy).lower(),
        labeler=spec.labeler_field or "labeler",
        priorities=priorities_of(spec.tags),
        about=spec.reference_feature_view,
    )


def service(spec: Any) -> ServiceSpec:
    """A feature service."""
    features: list[str] = []
    renamed: list[str] = []
    for part in spec.features:
        view = part.feature_view_name + (
            f"@v{part.version_tag}" if _has(part, "version_tag") else ""
        )
        features += [f"{view}:{column.name}" for column in part.feature_columns]
        if part.join_key_map or part.feature_view_name_alias:
            renamed.append(part.feature_view_name)
    logged = spec.logging_config if _has(spec, "logging_config") else None
    return ServiceSpec(
        name=spec.name,
        features=features,
        precomputed=spec.precompute_online,
        renamed=renamed,
        logs=logged.file_destination.path if logged and _has(logged, "file_destination") else "",
        **_words(spec),
    )


def saved(item: Any) -> SavedSpec:
    """A saved training set."""
    spec, meta = item.spec, item.meta
    return SavedSpec(
        name=spec.name,
        features=list(spec.features),
        keys=list(spec.join_keys),
        service=spec.feature_service_name,
        stored=_stored(spec.storage),
        tags=dict(spec.tags),
        description=getattr(spec, "description", ""),
        created_at=_time(meta, "created_timestamp"),
        first=_time(meta, "min_event_timestamp"),
        last=_time(meta, "max_event_timestamp"),
    )


def entity(spec: Any) -> EntitySpec:
    """An entity."""
    from feast.value_type import ValueType

    return EntitySpec(
        name=spec.name, key=spec.join_key, type=ValueType(spec.value_type).name, **_words(spec)
    )


def _stored(storage: Any) -> str:
    """Where a saved training set is: a reference of a dataset, a path, or the kind of the store."""
    kind = storage.WhichOneof("kind") or ""
    found: Any = getattr(storage, kind, None)
    if kind == "custom_storage":
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return reference("dataset", json.loads(found.configuration)["dataset"])
    return str(getattr(found, "uri", "")) or kind.removesuffix("_storage")


def _time(message: Any, name: str) -> datetime | None:
    return getattr(message, name).ToDatetime(UTC) if message.HasField(name) else None


def _materialized_until(view: Any) -> datetime | None:
    intervals = getattr(view.meta, "materialization_intervals", ())
    return max((interval.end_time.ToDatetime(UTC) for interval in intervals), default=None)


def _current_version(view: Any) -> int | None:
    return (
        view.meta.current_version_number if hasattr(view.meta, "current_version_number") else None
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
    for name in ("batch_source", "stream_source", "source"):
        if _has(copy, name):
            source = getattr(copy, name)
            source.ClearField("meta")
            if source.HasField("batch_source"):  # of a source to which rows are pushed
                source.batch_source.ClearField("meta")
    if _has_field(copy, "tiling_hop_size"):  # of a stream view, whose features Feast keeps as a set
        ordered = sorted(copy.features, key=lambda feature: feature.name)
        copy.ClearField("features")
        copy.features.extend(ordered)
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).hexdigest()[:16]
