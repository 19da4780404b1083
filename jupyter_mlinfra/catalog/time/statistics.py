"""Which figures of columns differ between two snapshots."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..spec import ColumnProfile, Profile
from .columns import Pair

_FIGURES = ("nulls", "distinct", "min", "max", "mean")


def differing(
    before: Profile, after: Profile, columns: Sequence[Pair], masked: Collection[str]
) -> dict[str, dict[str, tuple[Any, Any]]]:
    """By column and figure: both values, where they are exact and differ. Of a masked column only
    how many are missing and distinct.
    """
    found = dict[str, dict[str, tuple[Any, Any]]]()
    for pair in columns:
        old = before.columns.get(pair.before) if pair.before is not None else None
        new = after.columns.get(pair.after)
        if old is None or new is None:
            continue
        figures = _FIGURES[:2] if pair.after in masked else _FIGURES
        different: dict[str, tuple[Any, Any]] = {
            key: (getattr(old, key), getattr(new, key))
            for key in figures
            if _is_exact(old, key)
            and _is_exact(new, key)
            and not _is_same(getattr(old, key), getattr(new, key))
        }
        if different:
            found[pair.after] = different
    return found


def _is_same(old: object, new: object) -> bool:
    """A mean of the same values, summed in another order, differs in its last digits."""
    if isinstance(old, float) and isinstance(new, float):
        return old == new or math.isclose(old, new, rel_tol=1e-12)
    return old == new


def _is_exact(column: ColumnProfile, key: str) -> bool:
    basis: Mapping[str, str] = column.basis
    return basis.get(key) == "exact"
