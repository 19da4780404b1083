"""A query as Feast's callers get it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
from feast.field import Field
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage

from ..arrow import feast_table
from ..dataset_source import spec_of
from ..join import Engine
from .writing import save


class PolarsRetrievalJob(RetrievalJob):  # type: ignore[misc]
    """A query that runs when its result is requested."""

    def __init__(
        self,
        frame: Callable[[], pl.LazyFrame],
        *,
        engine: Engine,
        repo: Path | None,
        full_feature_names: bool = False,
        on_demand: Sequence[OnDemandFeatureView] = (),
        metadata: RetrievalMetadata | None = None,
    ) -> None:
        self._frame, self._engine, self._repo = frame, engine, repo
        self._full_feature_names, self._on_demand, self._metadata = (
            full_feature_names,
            list(map(_row_by_row, on_demand)),
            metadata,
        )

    @property
    def full_feature_names(self) -> bool:
        """Whether columns are called view__feature."""
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Views that Feast computes from the others after the join."""
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """The requested features, keys and time range."""
        return self._metadata

    def to_polars(self) -> pl.DataFrame:
        """The result, with on-demand features, as Polars."""
        if self._on_demand:
            return pl.DataFrame(pl.from_arrow(self.to_arrow()))
        return self._collect()

    def _collect(self) -> pl.DataFrame:
        return self._frame().collect(engine=self._engine)

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        del timeout  # Polars cannot be interrupted
        return feast_table(self._collect().to_arrow(compat_level=pl.CompatLevel.oldest()))

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._to_arrow_internal(timeout).to_pandas()
        return frame

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,
    ) -> None:
        """Write the result as a Parquet file, as the Parquet file of a folder, as a Delta table or
        as a dataset, completely or not at all; other files of the folder stay.
        """
        del timeout
        save(
            spec_of(storage.to_data_source().to_proto()),
            self.to_arrow(),
            self._repo,
            overwrite=allow_overwrite,
        )


def _row_by_row(view: OnDemandFeatureView) -> OnDemandFeatureView:
    """A view whose function takes one row gets one; here Feast gives it whole columns, so that
    `row["n"] or 0` would be the column, with its nulls.
    """
    if not view.singleton:
        return view
    found = copy.copy(view)
    found.feature_transformation = _OfRows(view.feature_transformation.udf)
    return found


class _OfRows:
    """A function of one row, for tables."""

    def __init__(self, udf: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._udf = udf

    def transform_arrow(self, table: pa.Table, features: Sequence[Field]) -> pa.Table:
        """The features of each row."""
        rows = [self._udf(row) for row in table.to_pylist()]
        names = rows[0] if rows else [feature.name for feature in features]
        return pa.Table.from_pydict({name: [row[name] for row in rows] for name in names})
