"""The categories that a booster was trained with: XGBoost ≥ 3.1 keeps them in the model file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson

from .contract import Column


def with_categories(columns: Sequence[Column], booster: Any) -> list[Column]:
    """Add the categories, in the order of their codes, to each text column. Raises ValueError if
    the model has none for it.
    """
    if not any(column.type == "string" for column in columns):
        return list(columns)
    # From the JSON form, because `Booster.get_categories` would need pyarrow in every serving
    # environment.
    learner = orjson.loads(bytes(booster.save_raw("json")))["learner"]
    encoded = learner["gradient_booster"].get("model", {}).get("cats", {}).get("enc", [])
    names = learner["feature_names"] or [column.name for column in columns]
    categories = {name: _texts(item) for name, item in zip(names, encoded, strict=False)}
    for column in columns:
        if column.type == "string" and not categories.get(column.name):
            raise ValueError(
                f"Input {column.name} is a text, but the model knows no categories for it"
            )
    return [
        replace(column, categories=categories[column.name]) if column.type == "string" else column
        for column in columns
    ]


def _texts(encoded: Any) -> tuple[str, ...]:
    """Texts in Arrow's layout: a run of UTF-8 bytes and the offsets between the texts. Empty if the
    categories are not texts.
    """
    offsets = encoded.get("offsets") if isinstance(encoded, dict) else None
    if not offsets:
        return ()
    blob = bytes(value & 0xFF for value in encoded["values"])
    return tuple(blob[start:end].decode() for start, end in pairwise(offsets))
