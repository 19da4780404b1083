"""Which columns of two snapshots are the same, and in which type their values are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.frames import exactly
from ..dtypes import short_type
from ..widening import is_wider
from .spec import SchemaDiff

if TYPE_CHECKING:
    import polars as pl

type Fields = Sequence[Mapping[str, Any]]
"""Columns in Iceberg's JSON form; of a Delta table at least id and name."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of the later state, and what it was called in the earlier one; None if it was not
    there. dtype: in which both are compared. by_id: whether they are the same by Iceberg's id.
    """

    before: str | None
    after: str
    dtype: pl.DataType
    by_id: bool = True

    def of(self, *, after: bool) -> pl.Expr:
        """Its values in one of the states, under the later name."""
        import polars as pl

        name = self.after if after else self.before
        if name is None:
            return pl.lit(None, dtype=self.dtype).alias(self.after)
        return exactly(name).cast(self.dtype, strict=False).alias(self.after)


def pairs(
    before: Fields,
    after: Fields,
    types_before: Mapping[str, pl.DataType],
    types_after: Mapping[str, pl.DataType],
) -> list[Pair]:
    """The columns of the later state. A column with another id is the same one if it has the name
    of one that is gone, and its type or a wider one: so it is after a column was widened.
    """
    by_id = {field["id"]: field["name"] for field in before}
    kept = {field["id"] for field in after}
    gone = {field["name"] for field in before if field["id"] not in kept}
    found = []
    for field in after:
        name, old = field["name"], by_id.get(field["id"])
        dtype, same_id = types_after[name], old is not None
        if old is None and name in gone and _wider(types_before[name], dtype) is not None:
            old = name
        if old is not None:
            dtype = _wider(types_before[old], dtype) or dtype
        found.append(Pair(old, name, dtype, same_id or old is None))
    return found


def _wider(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """That of both which has all values of the other; None if neither has."""
    if one == other or is_wider(one, other):
        return other
    return one if is_wider(other, one) else None


def new_ids(before: Fields, after: Fields) -> set[int]:
    """The ids of columns that only the later state has, and of what is in them."""
    old = {field["id"] for field in before}
    return set().union(*(_ids(field) for field in after if field["id"] not in old))


def _ids(part: Any) -> set[int]:
    if isinstance(part, list):
        return set().union(*map(_ids, part))
    if not isinstance(part, dict):
        return set()
    own = {part[key] for key in ("id", "element-id", "key-id", "value-id") if key in part}
    return own.union(*map(_ids, part.values()))


def schema_diff(
    old: Mapping[str, str], new: Mapping[str, str], columns: Sequence[Pair]
) -> SchemaDiff:
    """How the columns differ. old, new: their short types. columns: which are the same."""
    same = [(pair.before, pair.after) for pair in columns if pair.before is not None]
    kept, stays = {one for one, _ in same}, {two for _, two in same}
    return SchemaDiff(
        added={name: kind for name, kind in new.items() if name not in stays},
        removed={name: kind for name, kind in old.items() if name not in kept},
        renamed={one: two for one, two in same if one != two},
        retyped={two: (old[one], new[two]) for one, two in same if old[one] != new[two]},
    )


def types_of(fields: Fields) -> dict[str, str]:
    """The short types of columns."""
    return {field["name"]: short_type(field["type"]) for field in fields}
