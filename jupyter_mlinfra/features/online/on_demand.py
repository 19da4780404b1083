"""Features that are computed when they are asked for: from stored ones, and from the request.

The function is called as Feast calls it, but a stored value that is past its ttl is null for it, as
in a training set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import Conflict, MLInfraError
from ..definitions import Definition
from ..feast_errors import told
from ..spec import OnlineStatus
from ..store import Materialization
from .keys import keys_of, request_value, shown
from .reading import Judged, OnlineReader, judged

if TYPE_CHECKING:
    from feast import FeatureStore
    from feast.on_demand_feature_view import OnDemandFeatureView

    Columns = Mapping[str, Sequence[Any]]
    Read = Callable[[Mapping[str, Sequence[str]]], Mapping[str, Judged]]

_GAPS = (OnlineStatus.NOT_FOUND, OnlineStatus.EXPIRED)


def columns(
    reader: OnlineReader,
    feast: Callable[[], FeatureStore],
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    materializations: Callable[[], Mapping[str, Materialization]],
    entities: Sequence[Mapping[str, Any]],
    at: datetime,
    *,
    telling: bool,
) -> dict[str, Judged]:
    """As `OnlineReader.columns`, with features of on-demand views. feast: Feast's own object, which
    is loaded for these. views: all there are. telling: see `computed`.
    """

    def read(part: Mapping[str, Sequence[str]]) -> dict[str, Judged]:
        return reader.columns(part, views, materializations, entities, at)

    found: dict[str, Judged] = {}
    for name, features in requested.items():
        if views[name].kind != "on_demand":
            found |= read({name: features})
            continue
        code = feast().get_on_demand_feature_view(views[name].view)
        if code.write_to_online_store:
            given = _written(reader, views[name], features, entities, at)
        else:
            given = computed(code, features, views, entities, read, telling=telling)
        found |= {f"{name}:{feature}": column for feature, column in given.items()}
    return found


def _written(
    reader: OnlineReader,
    view: Definition,
    features: Sequence[str],
    entities: Sequence[Mapping[str, Any]],
    at: datetime,
) -> dict[str, Judged]:
    """Features that Feast computed when they were written: as they are stored, by the view's own
    entities.
    """
    found = reader.stored(view, features, entities)
    return {name: judged(column, view, at) for name, column in found.items()}


def computed(
    code: OnDemandFeatureView,
    features: Sequence[str],
    views: Mapping[str, Definition],
    entities: Sequence[Mapping[str, Any]],
    read: Read,
    *,
    telling: bool,
) -> dict[str, Judged]:
    """Features of an on-demand view, one value for each entity. Runs its code.

    An entity has the keys of the views that it is computed from, and the columns of the request.
    read: reads stored features, see `OnlineReader.columns`. A value that is None is NOT_FOUND or
    EXPIRED if a stored one that it is computed from is; its event time is the oldest of these.
    telling: whether an error of the code may be told, which may quote values. Raises BadRequest for
    an entity that lacks a column, Conflict for a view that only Feast computes, Unprocessable if
    the code fails.
    """
    _require_computable(code)
    stored: dict[str, Judged] = {}
    inputs: dict[str, Sequence[Any]] = {}
    for part in code.source_feature_view_projections.values():
        for name, column in read({part.name: [item.name for item in part.features]}).items():
            stored[name.replace(":", "__", 1)] = column
        view = views[part.name]
        names, keyed = keys_of(view, entities).types, [shown([view], item) for item in entities]
        inputs |= {name: [item[name] for item in keyed] for name in names}
    inputs |= {name: column.values for name, column in stored.items()}
    for name, kind in code.get_request_data_schema().items():
        inputs[name] = [request_value(code.name, name, kind.name, item) for item in entities]
    gaps = [_gap([item.statuses[n] for item in stored.values()]) for n in range(len(entities))]
    times = [_oldest([item.event_at[n] for item in stored.values()]) for n in range(len(entities))]
    values = _values(code, features, inputs, gaps, telling)
    return {name: _judged(column, gaps, times) for name, column in values.items()}


def _require_computable(code: OnDemandFeatureView) -> None:
    why = ""
    if code.aggregations:
        why = "It aggregates what a request has."
    elif any(part.join_key_map for part in code.source_feature_view_projections.values()):
        why = "It renames keys of a view that it is computed from."
    if why:
        fix = "Use Features.feast().get_online_features."
        raise Conflict(f"{code.name} is not computed here.", why, fix)


def _values(
    code: OnDemandFeatureView,
    features: Sequence[str],
    inputs: Columns,
    gaps: Sequence[OnlineStatus | None],
    telling: bool,
) -> dict[str, list[Any]]:
    """What the code gives, for all entities at once. If it fails where stored values are missing,
    the others are computed without these.
    """
    try:
        return _called(code, features, inputs)
    except BaseException as error:  # noqa: BLE001  # of code that anybody wrote
        _require_failure(error)
        whole = [place for place, gap in enumerate(gaps) if gap is None]
        if len(whole) == len(gaps):
            raise _failed(code.name, error, telling) from (error if telling else None)
    if not whole:
        return {name: [None] * len(gaps) for name in features}
    try:
        found = _called(
            code, features, {name: [row[place] for place in whole] for name, row in inputs.items()}
        )
    except BaseException as error:  # noqa: BLE001  # as above
        _require_failure(error)
        raise _failed(code.name, error, telling) from (error if telling else None)
    answers: dict[str, list[Any]] = {name: [None] * len(gaps) for name in features}
    for name, column in found.items():
        for place, value in zip(whole, column, strict=True):
            answers[name][place] = value
    return answers


def _require_failure(error: BaseException) -> None:
    """Raise what is no failure of the code, such as an interrupt. That Polars panics, or that code
    ends the process, is one.
    """
    panic = type(error).__name__ == "PanicException"
    if not (panic or isinstance(error, Exception | SystemExit)):
        raise error


def _called(
    code: OnDemandFeatureView, features: Sequence[str], inputs: Columns
) -> dict[str, list[Any]]:
    """The values of Feast's types, as a stored feature has them."""
    from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values

    size = len(next(iter(inputs.values()), ()))
    if not size:
        return {name: [] for name in features}
    types = {field.name: field.dtype.to_value_type() for field in code.schema}
    # Feast's `transform_dict` and `transform_arrow` lose a feature that is called as one of these.
    short = {
        feature.name: inputs[f"{part.name}__{feature.name}"]
        for part in code.source_feature_view_projections.values()
        for feature in part.features
    }
    run = _in_python if code.mode == "python" else _in_arrow
    given = run(code, {**inputs, **short}, size)
    found: dict[str, list[Any]] = {}
    for name in features:
        column = _column(given, name, size)
        protos = python_values_to_proto_values(column, types[name])
        found[name] = [feast_value_type_to_python_type(item, types[name]) for item in protos]
    return found


def _column(given: Columns, name: str, size: int) -> Sequence[Any]:
    column: Any = given.get(name)
    if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__len__"):
        column = [column] if column is not None and size == 1 else []
    if len(column) != size:
        raise ValueError(f"It gave no {name} for each of {size} rows, as a list")
    found: Sequence[Any] = column
    return found


def _in_python(code: OnDemandFeatureView, inputs: Columns, size: int) -> Columns:
    made = code.feature_transformation
    if not code.singleton:
        found: Columns = made.transform({name: list(row) for name, row in inputs.items()})
        return found
    rows = [
        made.transform_singleton({name: [column[place]] for name, column in inputs.items()})
        for place in range(size)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _in_arrow(code: OnDemandFeatureView, inputs: Columns, size: int) -> Columns:
    import pyarrow as pa

    del size  # the table has it
    table = pa.table({name: list(row) for name, row in inputs.items()})
    found = code.feature_transformation.transform_arrow(table, code.features)
    return {name: found[name].to_numpy() for name in found.column_names}


def _judged(
    values: list[Any], gaps: Sequence[OnlineStatus | None], times: list[datetime | None]
) -> Judged:
    statuses = [
        OnlineStatus.PRESENT if value is not None else gap or OnlineStatus.NULL
        for value, gap in zip(values, gaps, strict=True)
    ]
    return Judged(values, statuses, times)


def _gap(statuses: Sequence[OnlineStatus]) -> OnlineStatus | None:
    return next((status for status in _GAPS if status in statuses), None)


def _oldest(times: Sequence[datetime | None]) -> datetime | None:
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def _failed(name: str, error: BaseException, telling: bool) -> MLInfraError:
    fix = "Correct the function of the view, then apply."
    return told(f"The code of {name} failed.", error, fix, telling=telling)
