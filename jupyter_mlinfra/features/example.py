"""The example of a first feature view, over a dataset that there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.snippets import text, variable

if TYPE_CHECKING:
    from ..catalog.spec import Column

_FIELDS = {r"u?i\d+": "Int64", r"f\d+": "Float64", r"bool": "Bool"}
"""Feast's type of a feature, by the short type of its column."""
_KEYS = {r"str": "STRING", r"u?i\d+": "INT64"}
_MAX_FEATURES = 3
"""Features of the example."""

_DEFINITION = """\
from datetime import timedelta

from feast import Entity, FeatureView, Field
from feast.types import {types}
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

key = Entity(name={key}, join_keys=[{key}], value_type=ValueType.{key_type})

{variable} = FeatureView(
    name={name},
    entities=[key],
    ttl=timedelta(0),  # how long a value may be used; 0 is for ever
    schema=[
{fields}
    ],
    source=DatasetSource(dataset={dataset}, timestamp_field={moment}),
)"""

_CODE = """\
definition = '''\\
{definition}
'''
bench = ml.workbench()
file = bench.features.folder / {file}
file.parent.mkdir(parents=True, exist_ok=True)
file.write_text(definition, encoding="utf-8")
bench.features.apply()"""


def definition_of(dataset: str, columns: Sequence[Column]) -> str:
    """Code that writes the definition of a view over a dataset and applies it; empty for a dataset
    that lacks what a view needs.

    The first text (else integer) is the key, the first moment the time at which a value became
    known, and the next numbers are the features.
    """
    time_column = next((column for column in columns if re.match(r"ts\b", column.type)), None)
    key = next(
        (column for column in columns if column.type == "str"),
        next((column for column in columns if _feast_type(_KEYS, column)), None),
    )
    features = [column for column in columns if column is not key and _feast_type(_FIELDS, column)][
        :_MAX_FEATURES
    ]
    if time_column is None or key is None or not features:
        return ""
    name = f"{variable(dataset)}_example"
    definition = _DEFINITION.format(
        types=", ".join(sorted({_feast_type(_FIELDS, column) for column in features})),
        key=text(key.name),
        key_type=_feast_type(_KEYS, key),
        variable=name,
        name=text(name),
        fields="\n".join(
            f"        Field(name={text(column.name)}, dtype={_feast_type(_FIELDS, column)}),"
            for column in features
        ),
        dataset=text(dataset),
        moment=text(time_column.name),
    )
    return _CODE.format(
        definition=re.sub(r"[\\']", r"\\\g<0>", definition), file=text(f"{name}.py")
    )


def _feast_type(table: dict[str, str], column: Column) -> str:
    return next(
        (feast_type for pattern, feast_type in table.items() if re.fullmatch(pattern, column.type)),
        "",
    )
