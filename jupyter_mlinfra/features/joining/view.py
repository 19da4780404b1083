"""What a view brings to a join, and what entity rows must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from ...core.errors import BadRequest, Unprocessable
from ..labels import Resolution
from .keys import comparable
from .times import require_time

if TYPE_CHECKING:
    import polars as pl

    from ..definitions import WindowSpec
    from ..windows import Tiles

Strategy = Literal["auto", "asof", "hash"]
Engine = Literal["streaming", "in-memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinView:
    """One view's part in a join.

    frame: its source, one row for each event. keys: column of the entity rows → column of the
    source; none = one entity for all. features: column of the source → column of the answer. ttl:
    None = values never expire. created_counts: ignore rows created later than the entity row's
    time. resolution: how labels of several labelers become one; None = the rule of `join.py`.
    windows: aggregations that compute the features, by the rule of `windows`; types: Feast's types
    of these features. tiles: where their tiles are kept; None: nowhere.
    """

    name: str
    frame: pl.LazyFrame
    keys: Mapping[str, str]
    features: Mapping[str, str]
    time: str
    created: str | None = None
    ttl: timedelta | None = None
    created_counts: bool = False
    resolution: Resolution | None = None
    windows: Sequence[WindowSpec] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    tiles: Tiles | None = None
    schema: Mapping[str, pl.DataType] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", dict(self.frame.collect_schema()))
        required = [
            *self.keys.values(),
            *(() if self.windows else self.features),
            self.time,
            *([self.created] if self.created else []),
            *(self.resolution.columns if self.resolution else ()),
        ]
        missing = [column for column in required if column not in self.schema]
        if missing:
            columns = ", ".join(self.schema)
            raise Unprocessable(
                f"The source of {self.name} has no column {missing[0]}.",
                f"Its columns are {columns}.",
                "Correct the definition or the source.",
            )
        if self.windows:
            from ..windows import check_windows

            check_windows(self.windows, self.features, self.schema, self.name, self.types)


def check_entities(
    schema: Mapping[str, pl.DataType], views: Sequence[JoinView], *, at: str
) -> None:
    """Reject entity rows that cannot be joined, before anything is read."""
    require_time(schema, at, "The entity rows")
    owner_of = dict.fromkeys(schema, "the entity rows")
    for view in views:
        for key, column in view.keys.items():
            if key not in schema:
                fix = f"Add it; the entity rows have {', '.join(schema)}."
                raise BadRequest(
                    f"The entity rows have no column {key}.", f"{view.name} is joined on it.", fix
                )
            if not comparable(schema[key], view.schema[column]):
                why = f"{view.name} has {column} as {view.schema[column]}."
                raise BadRequest(
                    f"Column {key} of the entity rows is {schema[key]}.",
                    why,
                    f"Cast {key} before the join.",
                )
        for name in view.features.values():
            if name in owner_of:
                fix = "Rename one, or ask for full names (view__feature)."
                raise BadRequest(
                    f"{name} would appear twice.",
                    f"It is a feature of {view.name} and a column of {owner_of[name]}.",
                    fix,
                )
            owner_of[name] = view.name
