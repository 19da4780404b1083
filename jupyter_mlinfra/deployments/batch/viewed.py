"""Inputs that a batch reads from feature views, as they were known at the time of each row: joined
as training sets are, and otherwise what a deployment with the same views would answer at that time.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from ...core.frames import unnamed
from ..featuring import FeatureWish, definitions_of
from ..logged import Input
from ..runtime.on_demand import OnDemandView

if TYPE_CHECKING:
    import polars as pl

    from ...features import Features


class ViewInputs:
    """What views give to the inputs `columns` of a model. at: column with the time of a row."""

    def __init__(
        self, wish: FeatureWish, columns: Sequence[Input], features: Features, *, at: str
    ) -> None:
        self._wish, self._features, self._at = wish, features, at
        self._plan = definitions_of(wish, columns, features)
        self._columns = {column.name: column for column in columns}
        self.inputs = [Input(**item) for item in self._plan["inputs"]]
        """What the dataset must have beside the time: keys, data for on-demand views, and inputs
        that are no features.
        """
        self._views: Sequence[Mapping[str, Any]] = self._plan["views"]
        self._refs = [
            f"{view['name']}:{item['name']}" for view in self._views for item in view["features"]
        ]
        keys = {key["name"]: None for view in self._views for key in view["keys"]}
        self._entity = list(dict.fromkeys([*keys, at]))

    @property
    def names(self) -> list[str]:
        """The views."""
        return [view["name"] for view in (*self._views, *self._plan["on_demand"])]

    @property
    def columns(self) -> set[str]:
        """The columns of the dataset that are read."""
        return {*self._entity, *(item.name for item in self.inputs)}

    def check(self, schema: Mapping[str, pl.DataType], source: str) -> None:
        """Raise Unprocessable for a dataset without a time, or with inputs of the views."""
        import polars as pl

        if not isinstance(schema.get(self._at), pl.Date | pl.Datetime):
            kind = f"is {schema[self._at]}" if self._at in schema else "is not there"
            raise Unprocessable(
                f"{source} does not say when its rows were.",
                f"Features are read as they were at the time of each row, and the column"
                f" {self._at} {kind}.",
                "Name the column with times or dates: --at COLUMN (in Python at=…)",
            )
        for view in (*self._views, *self._plan["on_demand"]):
            for column in view["columns"].values():
                if column in schema:
                    raise Unprocessable(
                        f"{source} has a column {column} already.",
                        f"{view['name']} has it too, so nobody knows which one counts.",
                        "Name only features that the dataset lacks: --features VIEW:FEATURE",
                    )

    def known(self, rows: pl.DataFrame, snapshots: dict[str, str | None]) -> pl.DataFrame:
        """What the stored views have of these rows; see `Features.known_values`."""
        import polars as pl

        if not self._refs:
            return pl.DataFrame()
        return self._features.known_values(
            self._refs, rows[self._entity], at=self._at, snapshots=snapshots
        )

    @property
    def entity(self) -> Sequence[str]:
        """The columns that `known` needs."""
        return self._entity

    def completed(self, rows: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """The rows with the inputs from views, and for each why it cannot be asked, null if it can.
        known: of the same rows.
        """
        import polars as pl

        found, reasons = [], [pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)]
        absent = {view["name"]: known[f"{view['name']}:"].is_null() for view in self._views}
        for view in self._views:
            for feature, column in view["columns"].items():
                values, gaps = known[f"{view['name']}:{feature}"], absent[view["name"]]
                found.append(self._checked(column, values, gaps, view["name"], reasons))
        for view, computed in zip(self._plan["on_demand"], self._on_demand, strict=True):
            nothing = pl.Series([False]).new_from_index(0, rows.height)
            gaps = pl.select(
                pl.any_horizontal(nothing, *(absent[name] for name in view["sources"]))
            ).to_series()
            own = {} if gaps.all() else computed.compute(self._given(rows, known, view, ~gaps))
            for feature, column in view["columns"].items():
                values = _placed(own.get(feature, ()), ~gaps)
                found.append(self._checked(column, values, gaps, view["name"], reasons))
        why = pl.select(pl.coalesce(reasons).alias("why")).to_series()
        return rows.with_columns(found), why

    @cached_property
    def _on_demand(self) -> list[OnDemandView]:
        return [OnDemandView(base64.b64decode(item["proto"])) for item in self._plan["on_demand"]]

    def _given(
        self, rows: pl.DataFrame, known: pl.DataFrame, view: Mapping[str, Any], kept: pl.Series
    ) -> dict[str, list[Any]]:
        """What an on-demand view computes from, of the rows that have it."""
        values = {
            item.name: _plain(rows[item.name].filter(kept))
            for item in self.inputs
            if item.name in rows.columns
        }
        for source, features in view["sources"].items():
            for feature in features:
                found = known[f"{source}:{feature}"].filter(kept).to_list()
                values[feature] = values[f"{source}__{feature}"] = found
        return values

    def _checked(
        self,
        name: str,
        values: pl.Series,
        absent: pl.Series,
        view: str,
        reasons: list[pl.Series],
    ) -> pl.Series:
        """The values of an input, with what the policy puts in the place of missing ones; else a
        reason for each of them is added.
        """
        import polars as pl

        column = self._columns[name]
        missing = absent if column.optional else absent | values.is_null()
        if self._wish.missing == "default" and column.name in self._wish.defaults:
            default = pl.lit(self._wish.defaults[column.name])
            return pl.select(
                pl.when(missing).then(default).otherwise(values).alias(name)
            ).to_series()
        if self._wish.missing == "error" or not column.optional:
            text = f"{view} has no value of {name} at the time of the row."
            reasons.append(pl.select(pl.when(missing).then(pl.lit(text))).to_series())
        return values.alias(name)


def _plain(values: pl.Series) -> list[Any]:
    """Values as a request has them."""
    import polars as pl

    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        values = unnamed(values).dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return values.to_list()


def _placed(values: Sequence[Any], kept: pl.Series) -> pl.Series:
    """The values in the rows that are kept; null in the others."""
    import polars as pl

    own = iter(values)
    return pl.Series([next(own) if keep else None for keep in kept], strict=False)
