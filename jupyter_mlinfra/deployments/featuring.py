"""Inputs that come from the online store: which they are, what a request carries instead, and
whether the store has what training would have.

A feature is an input of the model that has its name, or `view__name`, as training sets call it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import BadRequest, Conflict
from ..core.records import MASK, now
from ..features import OnlineRow
from .gates import ProofRows
from .logged import Input, default_value
from .packaging import Bundle
from .runtime.values import EXACT, RANGE
from .samples import SAMPLE_ROWS
from .spec import Gate

if TYPE_CHECKING:
    from ..features import Features

Missing = Literal["error", "null", "default"]

TOLERANCE = 1e-6
_TYPES = {
    "STRING": "string",
    "INT32": "integer",
    "INT64": "long",
    "FLOAT": "float",
    "DOUBLE": "double",
    "BOOL": "boolean",
    "UNIX_TIMESTAMP": "datetime",
}
"""Types of inputs by Feast's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureWish:
    """What a deploy asks for. views: `view` or `view:feature`. missing: what a value becomes that
    is absent or past its ttl: `error` refuses the request, `null` is for inputs that may be
    missing, `default` takes `defaults`, by input.
    """

    views: Sequence[str]
    missing: Missing = "error"
    defaults: Mapping[str, Any] = field(default_factory=dict)


def wish_of(
    views: Sequence[str] | None, missing: Missing | None, defaults: Mapping[str, Any] | None
) -> FeatureWish | None:
    """The wish of a verb; None without features. Raises BadRequest for parts that do not fit."""
    if not views:
        if missing or defaults:
            raise BadRequest(
                "No features are named.",
                "What missing values become is asked of features only.",
                "Name their views: --features VIEW",
            )
        return None
    if defaults and missing not in (None, "default"):
        raise BadRequest(
            f"Defaults do not go with missing={missing}.", "", "Leave one of the two out."
        )
    if missing == "default" and not defaults:
        raise BadRequest("There are no defaults.", "", "--default COLUMN=VALUE, for each of them")
    refs = [ref if ":" in ref.removeprefix("view:") else f"{ref}:*" for ref in views]
    return FeatureWish(
        views=sorted({ref.removeprefix("view:") for ref in refs}),
        missing=missing or ("default" if defaults else "error"),
        defaults=dict(defaults or {}),
    )


def plan_of(
    wish: FeatureWish, columns: Sequence[Input], sample: Mapping[str, Any], features: Features
) -> dict[str, Any]:
    """What is written into the bundle: `definitions_of`, and a sample of requests. columns, sample:
    of the model. Raises as `definitions_of`.
    """
    plan = definitions_of(wish, columns, features)
    inputs = [Input(**item) for item in plan["inputs"]]
    return {**plan, "sample": _sample(inputs, sample, plan["views"], features)}


def definitions_of(
    wish: FeatureWish, columns: Sequence[Input], features: Features
) -> dict[str, Any]:
    """What a model takes from views (see `runtime.online_features`), with `requirements` of its
    environment, and `views` as they were asked for in `asked`. columns: of the model.

    Raises BadRequest for a view that gives the model nothing or two views that give the same
    input, and for values that the policy leaves open; NotFound for an unknown view.
    """
    if any(column.type == "tensor" for column in columns):
        raise BadRequest(
            "A model of tensors has no features.",
            "Its inputs are not columns of a view.",
            "Log it with a signature of named columns.",
        )
    found = features.serving(wish.views)
    provided = _provided(found["requested"], columns)
    _check_policy(wish, columns, provided)
    views = [{**view, "columns": provided.get(view["name"], {})} for view in found["views"]]
    on_demand = [{**view, "columns": provided[view["name"]]} for view in found["on_demand"]]
    inputs = _inputs(columns, views, on_demand, provided)
    return {
        "asked": list(wish.views),
        "missing": wish.missing,
        "defaults": dict(wish.defaults),
        "inputs": [asdict(column) for column in inputs],
        "views": views,
        "on_demand": on_demand,
        "requirements": found["requirements"],
    }


def _provided(
    requested: Mapping[str, Sequence[str]], columns: Sequence[Input]
) -> dict[str, dict[str, str]]:
    """The model's inputs by view and feature."""
    names = {column.name for column in columns}
    provided: dict[str, dict[str, str]] = {}
    giver: dict[str, str] = {}
    for view, features in requested.items():
        for feature in features:
            full = f"{view}__{feature}"
            column = full if full in names else feature
            if column not in names:
                continue
            if column in giver:
                raise BadRequest(
                    f"Two views have a feature for the input {column}.",
                    f"They are {giver[column]} and {view}.",
                    f"Name the features that you mean: --features {view}:{feature}",
                )
            giver[column] = view
            provided.setdefault(view, {})[feature] = column
        if view not in provided:
            raise BadRequest(
                f"View {view} has no input of the model.",
                f"It has {', '.join(features)[:300]}; the model takes"
                f" {', '.join(sorted(names))[:300]}.",
                "Leave the view out, or train with its features.",
            )
    return provided


def _check_policy(
    wish: FeatureWish, columns: Sequence[Input], provided: Mapping[str, Mapping[str, str]]
) -> None:
    given = {column for names in provided.values() for column in names.values()}
    if unknown := sorted(set(wish.defaults) - given):
        raise BadRequest(
            f"There is no feature {unknown[0]} to give a default for.",
            f"Features are {', '.join(sorted(given))}.",
            "--default COLUMN=VALUE",
        )
    required = [
        column.name
        for column in columns
        if column.name in given and not column.optional and column.name not in wish.defaults
    ]
    if wish.missing != "error" and required:
        raise BadRequest(
            f"Input {required[0]} may not be missing.",
            "The model's signature says so: its training data had no gaps there.",
            f"Give it a default: --default {required[0]}=VALUE",
        )


def _inputs(
    columns: Sequence[Input],
    views: Sequence[Mapping[str, Any]],
    on_demand: Sequence[Mapping[str, Any]],
    provided: Mapping[str, Mapping[str, str]],
) -> list[Input]:
    """What a request carries: inputs that are no features, keys, and data for on-demand views."""
    given = {column for names in provided.values() for column in names.values()}
    inputs = {column.name: column for column in columns if column.name not in given}
    needed = [key for view in views for key in view["keys"]]
    needed += [item for view in on_demand for item in view["request"]]
    for item in needed:
        if item["type"] not in _TYPES:
            raise BadRequest(
                f"{item['name']} cannot be sent.",
                f"It is of Feast's type {item['type']}; a request carries"
                f" {', '.join(_TYPES).lower()}.",
                "Give it another type in the definition.",
            )
        if item["name"] in given:
            raise BadRequest(
                f"{item['name']} is a key and a feature.",
                "A request carries it, and the store has it.",
                "Name the features that you mean: --features VIEW:FEATURE",
            )
        inputs.setdefault(
            item["name"],
            Input(name=item["name"], type=_TYPES[item["type"]], optional=False),
        )
    return list(inputs.values())


def _sample(
    inputs: Sequence[Input],
    sample: Mapping[str, Any],
    views: Sequence[Mapping[str, Any]],
    features: Features,
) -> dict[str, Any]:
    """Rows that a request may carry: the newest entities of the views, those first of which the
    store has all values, beside the other inputs of the model's own sample.
    """
    refs = [f"{view['name']}:{item['name']}" for view in views for item in view["features"]]
    known = features.example_entities(refs, SAMPLE_ROWS, gaps=True) if refs else None
    entities = [] if known is None else known.to_dicts()
    places = {name: place for place, name in enumerate(sample["names"])}
    rows = []
    for number, entity in enumerate(entities or [{}]):
        logged = sample["ndarray"][number % len(sample["ndarray"])]
        rows.append(
            [
                _json(entity[item.name])
                if item.name in entity
                else logged[places[item.name]]
                if item.name in places
                else default_value(item)
                for item in inputs
            ]
        )
    names = [item.name for item in inputs]
    _check_range(inputs, rows, features.personal([view["name"] for view in views]))
    found = _online(features, refs, names, rows)
    order = sorted(range(len(rows)), key=lambda number: not (found and found[number].complete))
    return {"names": names, "ndarray": [rows[number] for number in order]}


def _check_range(
    inputs: Sequence[Input], rows: Sequence[Sequence[Any]], masked: Collection[str]
) -> None:
    """Raise BadRequest for keys that a request cannot carry exactly; of masked ones without one."""
    for place, item in enumerate(inputs):
        largest = max((abs(row[place] or 0) for row in rows if item.type == "long"), default=0)
        if largest > RANGE["long"]:
            such = "" if item.name in masked else f", such as {largest}"
            raise BadRequest(
                f"{item.name} has values that a request cannot carry{such}.",
                f"In requests {EXACT}.",
                f"Make {item.name} a STRING in the definition and in its source.",
            )


def _online(
    features: Features, refs: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[OnlineRow]:
    """What the workbench itself reads for these rows; nothing if a view was never materialized."""
    entities = [dict(zip(names, row, strict=True)) for row in rows]
    if not refs:
        return [OnlineRow(entity=entity, values={}, status={}, event_at={}) for entity in entities]
    try:
        return features.online(refs, entities)
    except Conflict:
        return []


def rows_of(bundle: Bundle, features: Features) -> ProofRows:
    """The sample of a bundle with all inputs as training would have them: each stored value as of
    its event time, by the join of training sets, and each computed one as of the newest of these.
    Rows of which the store lacks a value, or has one past its ttl, are left out.
    """
    names = list(bundle.asked["names"])
    rows = [list(row) for row in bundle.asked["ndarray"]]
    refs = [
        f"{view['name']}:{item['name']}"
        for view in bundle.features["views"]
        for item in view["features"]
    ]
    online = _online(features, refs, names, rows)
    whole = [number for number, item in enumerate(online) if item.complete]
    table = _Table(names, [rows[number] for number in whole], [online[number] for number in whole])
    compared, faults = _compare(bundle, table, features)
    gate = Gate(
        name="features",
        limit=f"online values are those of training, to {TOLERANCE:g}",
        measured=faults[0]
        if faults
        else f"{compared:,} values of {len(whole)} entities equal"
        if whole
        else f"the online store has all values of none of {len(rows)} entities: materialize first",
        passed=bool(whole) and not faults,
    )
    asked, complete = _complete(bundle, table, features) if whole and not faults else ([], [])
    return ProofRows(
        asked={"names": names, "ndarray": asked},
        complete={"names": [item.name for item in bundle.columns], "ndarray": complete},
        gate=gate,
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of requests, and what the store has for each."""

    names: Sequence[str]
    rows: Sequence[Sequence[Any]]
    online: Sequence[OnlineRow]

    def entities(self, keys: Mapping[str, str], times: Sequence[datetime]) -> Any:
        """A frame of these columns, and the time of each row. keys: Feast's type by name."""
        import polars as pl

        columns = {}
        for name, kind in keys.items():
            values = [row[self.names.index(name)] for row in self.rows]
            columns[name] = pl.Series(name, [_typed(value, kind) for value in values])
        return pl.DataFrame(
            [*columns.values(), pl.Series("event_timestamp", times, pl.Datetime("us", "UTC"))]
        )


def _compare(bundle: Bundle, table: _Table, features: Features) -> tuple[int, list[str]]:
    """How many stored values are those of training, and what differs."""
    count, faults = 0, []
    masked = features.personal([view["name"] for view in bundle.features["views"]])

    def told(name: str, value: Any) -> str:
        return MASK if name in masked else str(value)

    for view in bundle.features["views"] if table.rows else []:
        refs = [f"{view['name']}:{item['name']}" for item in view["features"]]
        times = [_within(item.event_at[refs[0]]) for item in table.online]
        keys = {key["name"]: key["type"] for key in view["keys"]}
        frame = features.training_set(refs, table.entities(keys, times), full_names=True)
        for ref in refs:
            offline = frame[ref.replace(":", "__")].to_list()
            for row, (right, item) in enumerate(zip(offline, table.online, strict=True)):
                if not _same(item.values[ref], right):
                    entity = ", ".join(
                        f"{name}={told(name, table.rows[row][table.names.index(name)])}"
                        for name in keys
                    )
                    feature = ref.partition(":")[2]
                    online = told(feature, f"{item.values[ref]!r:.40}")
                    faults.append(
                        f"{ref} of {entity} is {online} online and"
                        f" {told(feature, f'{right!r:.40}')} in training at"
                        f" {times[row]:%Y-%m-%d %H:%M:%S}"
                    )
                count += 1
    return count, faults


def _complete(
    bundle: Bundle, table: _Table, features: Features
) -> tuple[list[list[Any]], list[list[Any]]]:
    """Rows of requests, and the same with all inputs of the model. A row is left out if one of its
    views has got a newer value since, which an on-demand view would see.
    """
    count = len(table.rows)
    values: dict[str, list[Any]] = {
        item.name: [row[table.names.index(item.name)] for row in table.rows]
        for item in bundle.columns
        if item.name in table.names
    }
    for view in bundle.features["views"]:
        for feature, column in view["columns"].items():
            values[column] = [item.values[f"{view['name']}:{feature}"] for item in table.online]
    kept = set(range(count))
    for view in bundle.features["on_demand"]:
        computed, same = _computed(bundle, view, table, features)
        values |= computed
        kept &= same
    order = sorted(kept)
    complete = [[_json(values[item.name][number]) for item in bundle.columns] for number in order]
    return [list(table.rows[number]) for number in order], complete


def _computed(
    bundle: Bundle, view: Mapping[str, Any], table: _Table, features: Features
) -> tuple[dict[str, list[Any]], set[int]]:
    """The values of an on-demand view as a training set has them, and the rows in which it saw the
    values that are online.
    """
    times = [
        _within(max((time for time in item.event_at.values() if time), default=now()))
        for item in table.online
    ]
    keys = {key["name"]: key["type"] for item in bundle.features["views"] for key in item["keys"]}
    keys |= {item["name"]: item["type"] for item in view["request"]}
    stored = [f"{name}:{item}" for name, items in view["sources"].items() for item in items]
    refs = [f"{view['name']}:{feature}" for feature in view["columns"]]
    entities = table.entities(keys, times)
    frame = features.training_set([*refs, *stored], entities, full_names=True)
    same = {
        row
        for row, item in enumerate(table.online)
        if all(_same(item.values[ref], frame[ref.replace(":", "__")][row]) for ref in stored)
    }
    computed = {
        column: frame[f"{view['name']}__{feature}"].to_list()
        for feature, column in view["columns"].items()
    }
    return computed, same


def _within(time: datetime | None) -> datetime:
    """The end of the second of a time: some online stores keep no fractions."""
    assert time is not None
    return time if time.microsecond else time.replace(microsecond=999_999)


def _typed(value: Any, kind: str) -> Any:
    if kind == "UNIX_TIMESTAMP" and isinstance(value, str):
        time = datetime.fromisoformat(value)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return value


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _same(found: Any, right: Any) -> bool:
    numbers = list(_numbers(found, right))
    if len(numbers) == 2:
        left, other = numbers
        return math.isclose(left, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(found == right)


def _numbers(*values: Any) -> Iterator[float]:
    for value in values:
        if isinstance(value, int | float) and not (isinstance(value, float) and math.isnan(value)):
            yield float(value)
