"""The text that a definition of a view over a dataset starts from: its columns with their types,
and a key and a time that are guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING

from ..core.errors import Unprocessable
from ..core.snippets import literal, text, variable

if TYPE_CHECKING:
    from ..catalog.spec import Column, Dataset
    from .spec import Entity

_TYPES = {
    "bool": "Bool",
    "i32": "Int32",
    "i64": "Int64",
    "f32": "Float32",
    "f64": "Float64",
    "str": "String",
    "bin": "Bytes",
    "date": "UnixTimestamp",
}
"""Feast's type of a feature, by the short type of its column; moments are UnixTimestamp too."""
_KEYS = {"str": "STRING", "i32": "INT32", "i64": "INT64"}
_MOMENT = re.compile(r"ts\b")
_WRITTEN = re.compile(r"(created|made|written|inserted|updated|loaded|ingested)(_|$)", re.I)
"""A time of writing, which is no time of an event."""
_ID = re.compile(r"(^|_)(id|key|uuid)$", re.I)
_MOST = 200
"""Columns that become features; the user has to see what is written."""

_TEXT = """\
from datetime import timedelta

from feast import Entity, FeatureView, Field
from feast.types import {types}
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

{entity}

{variable} = FeatureView(
    name={name},
    entities=[key],
    ttl=timedelta(0),  # how long a value may be used; 0 is for ever
    schema=[
{fields}
    ],
    source=DatasetSource(name={name}, dataset={dataset}, timestamp_field={moment}),
    owner={owner},
    tags={tags},
)
"""


def definition_from(
    dataset: Dataset, columns: Sequence[Column], entities: Sequence[Entity], taken: Collection[str]
) -> str:
    """The text of a definition file with one view of all columns that can be features.

    entities: those of the registry, whose keys are known by their names. taken: names that the view
    cannot have. Raises Unprocessable for a dataset that lacks what a view needs.
    """
    moment = _moment(columns)
    key = _key(columns, {entity.key for entity in entities})
    if moment is None or key is None:
        lacks = "moments (ts)" if moment is None else "text or integers, for a key"
        raise Unprocessable(
            f"{dataset.name} cannot be the source of a feature view.",
            f"It has no column of {lacks}.",
            "Ingest it with such a column, or choose another dataset.",
        )
    rest = [column for column in columns if column not in (key, moment)]
    features = [column for column in rest if _type(column)][:_MOST]
    if not features:
        raise Unprocessable(
            f"{dataset.name} cannot be the source of a feature view.",
            f"Beside the key {key.name} and the time {moment.name} it has no column that Feast has"
            " a type for.",
            "Choose another dataset.",
        )
    stem = variable(dataset.name)
    names = chain([stem], (f"{stem}_{number}" for number in count(2)))
    name = next(name for name in names if name not in (*taken, "key"))
    return _TEXT.format(
        types=", ".join(sorted({_type(column) for column in features})),
        entity=_entity(key, entities),
        variable=name,
        name=text(name),
        fields="\n".join([*map(_field, features), *_left_out(rest, features)]),
        dataset=text(dataset.name),
        moment=text(moment.name),
        owner=text(dataset.owner),
        tags=literal(dict.fromkeys(dataset.tags, "")),
    )


def _moment(columns: Sequence[Column]) -> Column | None:
    """The time of the event: the column with Feast's own name for it, else the first that does not
    sound like a time of writing.
    """
    found = [column for column in columns if _MOMENT.match(column.type)]
    found.sort(key=lambda it: (it.name != "event_timestamp", bool(_WRITTEN.match(it.name))))
    return next(iter(found), None)


def _key(columns: Sequence[Column], known: Collection[str]) -> Column | None:
    """The key of an entity that there is, else what is called an id, else the first text, else the
    first integer.
    """
    found = [column for column in columns if column.type in _KEYS]
    found.sort(key=lambda it: (it.name not in known, _ID.search(it.name) is None, it.type != "str"))
    return next(iter(found), None)


def _entity(key: Column, entities: Sequence[Entity]) -> str:
    """The definition of the key's entity, word for word that of the registry if it is there: it
    would be changed otherwise.
    """
    known = next((entity for entity in entities if entity.key == key.name), None)
    given = {
        "name": known.name if known else key.name,
        "join_keys": [key.name],
        "value_type": _KEYS.get(known.type if known else key.type),
        "description": known.description if known else "",
        "owner": known.owner if known else "",
        "tags": dict(known.tags) if known else {},
    }
    words = [
        f"{name}=ValueType.{value}" if name == "value_type" else f"{name}={literal(value)}"
        for name, value in given.items()
        if value
    ]
    return f"key = Entity({', '.join(words)})"


def _type(column: Column) -> str:
    """Feast's type of a column; empty if it has none."""
    return "UnixTimestamp" if _MOMENT.match(column.type) else _TYPES.get(column.type, "")


def _field(column: Column) -> str:
    words = [f"name={text(column.name)}", f"dtype={_type(column)}"]
    if column.doc:
        words.append(f"description={text(column.doc)}")
    return f"        Field({', '.join(words)}),"


def _left_out(rest: Sequence[Column], features: Sequence[Column]) -> list[str]:
    """A comment on the columns that are no features."""
    found = [column for column in rest if column not in features]
    # A comment ends with its line, whatever a column is called, or a field in its type.
    words = [text(f"{item.name} ({item.type})") for item in found[:_MOST]]
    return [f"        # left out: {word}" for word in words]
