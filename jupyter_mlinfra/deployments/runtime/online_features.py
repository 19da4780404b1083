"""Requests with entity keys: the model's other inputs are read from the online store.

The plan is in `bundle.json`, as of the deploy (`features`):

    inputs     what a request carries: keys, data for on-demand views, inputs that are no features
    missing    `error`, `null` or `default`: what a value that is absent or past its ttl becomes
    defaults   by input of the model
    views      [{name, keys, features, ttl_seconds, columns}]   keys, features: [{name, type}]
    on_demand  [{name, proto, sources, columns}]   sources: features by view; proto: base64
               columns: the model's inputs by feature

The payload log has the model's inputs as they were read, then the keys and the event time of each
view.
"""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .contract import Batch, Column, Contract
from .feast_keys import typed
from .feast_stores import Keys
from .feast_values import SIMPLE
from .on_demand import OnDemandView
from .online_store import OnlineStore, Stored
from .refusal import RequestRefused, show
from .table import TableContract
from .values import NUMBERS

MISSING = 422
_ABSENT = object()


def featured(plan: Mapping[str, Any], model: Contract) -> FeaturedContract:
    """The contract of a model that is asked by keys. model: of all its inputs. Raises RuntimeError
    if the process does not know the online store.
    """
    file = os.environ.get("MLINFRA_ONLINE_STORE", "")
    if not file or not Path(file).is_file():
        raise RuntimeError("MLINFRA_ONLINE_STORE names no file: deploy the version again.")
    simple = all(item["type"] in SIMPLE for view in plan["views"] for item in view["features"])
    store = OnlineStore(Path(file), feast=bool(plan["on_demand"]) or not simple)
    return FeaturedContract(plan, model, store)


@dataclass(frozen=True, slots=True)
class View:
    """A view whose values are stored. keys, features: Feast's types by name. columns: the model's
    inputs by feature.
    """

    name: str
    keys: Mapping[str, str]
    features: Mapping[str, str]
    ttl: timedelta | None
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a view has of one row. values: None if it has none that count; why: then the reason."""

    values: Mapping[str, Any] | None
    at: datetime | None
    why: str = ""


class FeaturedContract(TableContract):
    """What a request carries; a batch has the model's inputs."""

    def __init__(self, plan: Mapping[str, Any], model: Contract, store: OnlineStore) -> None:
        super().__init__([_column(item) for item in plan["inputs"]])
        self._model, self._store = model, store
        self._missing, self._defaults = plan["missing"], plan["defaults"]
        self._views = [_view(item) for item in plan["views"]]
        self._on_demand = [
            (OnDemandView(base64.b64decode(item["proto"])), item) for item in plan["on_demand"]
        ]
        known = {column.name for column in model.columns}
        self._own = [column for column in self.columns if column.name not in known]
        self._provider = {
            column: item["name"]
            for item in [*plan["views"], *plan["on_demand"]]
            for column in item["columns"].values()
        }

    @property
    def logged_columns(self) -> Sequence[Column]:
        """The model's inputs, what the request had beside them, and the views' event times."""
        times = [Column(f"{view.name}.event_timestamp", "datetime") for view in self._views]
        return [*self._model.columns, *self._own, *times]

    def from_rows(self, rows: Any, names: Any = None) -> Batch:
        """See `Contract`. Raises RequestRefused also for values that are missing (422) and a store
        that does not answer (503).
        """
        ordered = self._ordered(rows, names)
        asked = super().from_rows([list(row) for row in ordered])
        assert asked.columns is not None
        columns = asked.columns
        found = self._store.within_limit(lambda: self._look_up(columns, asked.size))
        given = [dict(zip(self.names, row, strict=True)) for row in ordered]
        complete = [self._row(given[number], found, number) for number in range(asked.size)]
        batch = self._model.from_rows(complete)
        return replace(batch, logged=self._logged(batch, asked.logged_rows(), found))

    def _look_up(self, columns: Mapping[str, Sequence[Any]], size: int) -> dict[str, list[Found]]:
        """What each view has of each row."""
        at = self._store.now()
        found: dict[str, list[Found]] = {}
        for view in self._views:
            stored = self._store.read(view.name, _keys(view, columns, size), view.features)
            found[view.name] = [_counted(view, item, at) for item in stored]
        for computed, item in self._on_demand:
            found[item["name"]] = _computed(computed, item, columns, found, size)
        return found

    def _row(
        self, given: Mapping[str, Any], found: Mapping[str, Sequence[Found]], number: int
    ) -> list[Any]:
        """One row of the model's inputs."""
        values = []
        for column in self._model.columns:
            name = self._provider.get(column.name)
            if name is None:
                values.append(given.get(column.name))
                continue
            item = found[name][number]
            value = _ABSENT if item.values is None else item.values[column.name]
            if value is _ABSENT or (value is None and not column.optional):
                why = item.why or f"The stored value of {column.name} is null."
                value = self._instead(column, name, why, given, number)
            values.append(_plain(value, column))
        return values

    def _instead(
        self, column: Column, view: str, why: str, given: Mapping[str, Any], number: int
    ) -> Any:
        """The value for one that is missing. Raises RequestRefused if there is none."""
        if self._missing == "default" and column.name in self._defaults:
            return self._defaults[column.name]
        if self._missing != "error" and column.optional:
            return None
        keys = next((item.keys for item in self._views if item.name == view), given)
        entity = ", ".join(f"{key}={show(given[key])}" for key in keys if key in given)
        raise RequestRefused(
            f"{view} has no value of {column.name} in row {number + 1}.",
            f"{entity}: {why}" if entity else why,
            "Materialize the view, or deploy with --missing null or --default COLUMN=VALUE.",
            status=MISSING,
        )

    def _logged(
        self, batch: Batch, asked: Sequence[Sequence[Any]], found: Mapping[str, Sequence[Found]]
    ) -> list[list[Any]]:
        rows = batch.logged_rows() if batch.matrix is None else batch.matrix.tolist()
        places = [self.names.index(column.name) for column in self._own]
        moments = [found[view.name] for view in self._views]
        return [
            [
                *row,
                *(asked[number][place] for place in places),
                *(_moment(items[number].at) for items in moments),
            ]
            for number, row in enumerate(rows)
        ]


def _column(item: Mapping[str, Any]) -> Column:
    return Column(**{**item, "categories": tuple(item.get("categories", ()))})


def _view(item: Mapping[str, Any]) -> View:
    return View(
        name=item["name"],
        keys={key["name"]: key["type"] for key in item["keys"]},
        features={feature["name"]: feature["type"] for feature in item["features"]},
        ttl=timedelta(seconds=item["ttl_seconds"]) if item["ttl_seconds"] else None,
        columns=item["columns"],
    )


def _counted(view: View, stored: Stored | None, at: datetime) -> Found:
    """What counts of it: values by the feature's name and by the model's input. A value that is
    past its ttl does not, which Feast itself forgets (feast#6821).
    """
    if stored is None:
        return Found(None, None, "The online store knows no such entity.")
    if view.ttl is not None and at - stored.at > view.ttl:
        why = f"Its values are of {stored.at:%Y-%m-%d %H:%M:%S} UTC, and count for {view.ttl}."
        return Found(None, stored.at, why)
    values = dict.fromkeys((*view.features, *view.columns.values()), _ABSENT)
    for feature, value in stored.values.items():
        values[feature] = value
    for feature, column in view.columns.items():
        values[column] = stored.values.get(feature, _ABSENT)
    absent = any(value is _ABSENT for value in values.values())
    why = "The online store has no value of it: it was never materialized." if absent else ""
    return Found(values, stored.at, why)


def _computed(
    view: OnDemandView,
    item: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]],
    found: Mapping[str, Sequence[Found]],
    size: int,
) -> list[Found]:
    """The values of an on-demand view for the rows whose sources are complete."""
    problems: dict[int, str] = {}
    for source, features in item["sources"].items():
        for number, part in enumerate(found[source]):
            if part.values is None:
                problems[number] = f"{source}: {part.why}"
            elif any(part.values[feature] is _ABSENT for feature in features):
                problems[number] = f"{source} has no value of one of {', '.join(features)}."
    rows = [number for number in range(size) if number not in problems]
    inputs = {name: [values[number] for number in rows] for name, values in columns.items()}
    for source, features in item["sources"].items():
        for feature in features:
            values = [(found[source][number].values or {})[feature] for number in rows]
            inputs[feature] = inputs[f"{source}__{feature}"] = values
    computed = view.compute(inputs) if rows else {}
    answers = [Found(None, None, problems.get(number, "")) for number in range(size)]
    for place, number in enumerate(rows):
        row = {column: computed[feature][place] for feature, column in item["columns"].items()}
        answers[number] = Found(row, None)
    return answers


def _keys(view: View, columns: Mapping[str, Sequence[Any]], size: int) -> Keys:
    if not view.keys:
        return Keys({}, [()] * size)
    try:
        parts = [
            [typed(_key(view, name, kind, value), kind) for value in columns[name]]
            for name, kind in view.keys.items()
        ]
    except (ValueError, TypeError) as error:
        raise RequestRefused(
            f"A value is not a key of {view.name}.",
            f"{error}."[:300],
            f"Send {', '.join(view.keys)} in the range of its type.",
        ) from None
    return Keys(view.keys, list(zip(*parts, strict=True)))


def _key(view: View, name: str, kind: str, value: Any) -> Any:
    """A key in its type. Raises RequestRefused for one that is missing or of another type."""
    if isinstance(value, int | float) and kind.startswith("INT") and float(value).is_integer():
        return int(value)
    if isinstance(value, datetime) and kind == "UNIX_TIMESTAMP":
        return value.replace(tzinfo=UTC)
    if kind == "STRING" and isinstance(value, str):
        return value
    raise RequestRefused(
        f"{name} is not a key of {view.name}.",
        f"{show(value)} is not of type {kind.lower()}.",
        f"Send a value of type {kind.lower()}.",
    )


def _plain(value: Any, column: Column) -> Any:
    """A feature as a request would give it."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, bool) and column.type in NUMBERS and column.type != "boolean":
        return int(value)
    if isinstance(value, float) and column.type in ("integer", "long") and value.is_integer():
        return int(value)
    return value


def _moment(at: datetime | None) -> str | None:
    if at is None:
        return None
    return (at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at).isoformat()
