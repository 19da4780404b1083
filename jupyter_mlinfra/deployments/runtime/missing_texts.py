"""What a missing text is for a fitted scikit-learn model: NaN, as in a pandas frame, or None if it
was fitted to that, as to a frame from a file of Parquet. It takes one for an unknown category where
it knows the other.

The tests before traffic load this file alone: it imports nothing of its neighbours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

_BY_COLUMN = ("categories_", "statistics_")
"""What an encoder or an imputer has learned of each of its columns."""


def missing_texts(model: Any, names: Collection[str]) -> dict[str, float | None]:
    """NaN or None for each column. names: of the columns that hold texts."""
    certain: dict[str, float | None] = {}
    fallback: dict[str, float | None] = dict.fromkeys(names, np.nan)
    _walk(model, list(names), certain, fallback, set())
    return {name: certain.get(name, fallback[name]) for name in names}


def _walk(
    item: Any,
    scope: list[str],
    certain: dict[str, float | None],
    fallback: dict[str, float | None],
    seen: set[int],
) -> None:
    """Note what an estimator and its parts have learned. scope: the columns that it may read;
    behind the first step of a pipeline they have lost their names.
    """
    if id(item) in seen:
        return
    if isinstance(item, list | tuple | dict):
        seen.add(id(item))
        for part in item.values() if isinstance(item, dict) else item:
            _walk(part, scope, certain, fallback, seen)
        return
    if isinstance(item, type) or not hasattr(item, "get_params"):
        return
    seen.add(id(item))
    learned = getattr(item, "__dict__", {})
    own = [str(name) for name in getattr(item, "feature_names_in_", ())]
    read = [name for name in own if name in fallback]
    scope = read or scope
    for attribute in _BY_COLUMN:
        values = learned.get(attribute)
        if not isinstance(values, list | np.ndarray):
            continue
        if read and len(values) == len(own):
            for name, of_column in zip(own, values, strict=True):
                _note(certain, {name} & fallback.keys(), of_column)
        else:
            for of_column in values:
                _note(fallback, scope, of_column)
    if "statistics_" in learned and learned.get("missing_values", 0) is None:
        fallback.update(dict.fromkeys(scope))
    for part in learned.values():
        _walk(part, scope, certain, fallback, seen)


def _note(found: dict[str, float | None], names: Iterable[str], learned: Any) -> None:
    """None counts more than NaN: a column may have had both."""
    values = np.asarray(learned, dtype=object).ravel().tolist()
    if None in values:
        found.update(dict.fromkeys(names))
    elif any(isinstance(value, float) and value != value for value in values):
        for name in names:
            found.setdefault(name, np.nan)
