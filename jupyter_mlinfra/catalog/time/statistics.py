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
) -> tuple[dict[str, dict[str, tuple[Any, Any]]], int]:
    """By column and figure: both values, where they are exact and differ; and how many columns have
    exact figures of which none differs. Of a masked column only how many are missing and distinct.
    """
    found = dict[str, dict[str, tuple[Any, Any]]]()
    alike = 0
    for pair in columns:
        old = before.columns.get(pair.before) if pair.before is not None else None
        new = after.columns.get(pair.after)
        if old is None or new is None:
            continue
        figures = _FIGURES[:2] if pair.after in masked else _FIGURES
        exact = [key for key in figures if _is_exact(old, key) and _is_exact(new, key)]
        different = {
            key: (getattr(old, key), getattr(new, key))
            for key in exact
            if not _is_same(key, old, new)
        }
        if different:
            found[pair.after] = different
        elif exact:
            alike += 1
    return found, alike


def _is_same(key: str, old: ColumnProfile, new: ColumnProfile) -> bool:
    """A mean of the same values, summed in another order, differs in its last digits: how far, goes
    by the largest of the values, since a mean near zero may be what is left of large ones.
    """
    one, other = getattr(old, key), getattr(new, key)
    if not isinstance(one, float) or not isinstance(other, float):
        return bool(one == other)
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    if key != "mean":
        return False
    ends = (old.min, old.max, new.min, new.max)
    largest = max((abs(end) for end in ends if isinstance(end, int | float)), default=0)
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12 * largest)


def _is_exact(column: ColumnProfile, key: str) -> bool:
    basis: Mapping[str, str] = column.basis
    return basis.get(key) == "exact"
