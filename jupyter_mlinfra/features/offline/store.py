"""The methods that Feast calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import polars as pl
import pyarrow as pa
from feast import FeatureView, RepoConfig
from feast.data_source import DataSource
from feast.errors import FeastJoinKeysDuringMaterialization
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL
from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel
from feast.utils import compute_non_entity_date_range
from pydantic import NonNegativeInt

from ...core.errors import NotFound, Unprocessable
from ...core.frames import exactly
from ..dataset_source import columns_of, spec_of
from ..definitions import LabelSpec, WindowSpec, split_version
from ..entity_rows import AT, entity_rows, rows_between, time_column
from ..join import Engine, JoinView, Strategy, join_as_of, require_time, utc
from ..labels import Resolution, priorities_of, resolution_of
from ..pulling import latest, ordered, times_of, within
from ..sources import SourceSpec, scan
from ..sources.iceberg import columns_in
from ..sources.parquet import is_one_file
from ..sources.storage import is_remote
from ..windows import windows_of
from ..windows.kept import KeptTiles
from .logs import write_logs
from .monitoring import MonitoringMethods
from .retrieval import PolarsRetrievalJob
from .writing import append


class UnknownFeature(NotFound, KeyError):
    """A feature that its view does not have. Feast's own stores raise KeyError."""


class PolarsOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast is not type-checked
    """Options under `offline_store` in feature_store.yaml; Feast looks for the store in their
    module.
    """

    type: Literal[
        "jupyter_mlinfra.features.PolarsOfflineStore",
        "jupyter_mlinfra.features.offline.PolarsOfflineStore",
    ] = "jupyter_mlinfra.features.PolarsOfflineStore"

    strategy: Strategy = "auto"
    """`asof` sorts, `hash` pairs rows by key, `auto` chooses by the entity rows of each key."""

    engine: Engine = "streaming"
    """Polars engine: `streaming` uses less memory."""

    partitions: NonNegativeInt = 0
    """Parts of the keys that are joined one after the other; 0: by the size of both sides."""


class PolarsOfflineStore(MonitoringMethods, OfflineStore):  # type: ignore[misc]
    """Feast's offline store on Polars."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | pl.DataFrame | pl.LazyFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        **_: Any,
    ) -> RetrievalJob:
        """A point-in-time join of the views to the entity rows, whose number and order are kept.

        entity_df: a pandas or Polars frame, or the path of a Parquet file. None: a row for every
        moment between start_date and end_date at which a view got one; end_date defaults to now,
        start_date to the longest ttl before it, else to 30 days.
        """
        views = [
            _join_view(view, feature_refs, config, full_feature_names, filter_by_created_timestamp)
            for view in feature_views
        ]
        first, last = compute_non_entity_date_range(feature_views, start_date, end_date)
        entities = rows_between(views, first, last) if entity_df is None else entity_rows(entity_df)
        schema = entities.collect_schema()
        at = time_column(schema)
        first_at, last_at = _bounds(entities, utc(at, schema[at]))
        options = config.offline_store
        return PolarsRetrievalJob(
            lambda: join_as_of(
                entities,
                views,
                at=at,
                strategy=options.strategy,
                engine=options.engine,
                partitions=options.partitions,
            ),
            engine=options.engine,
            repo=config.repo_path,
            full_feature_names=full_feature_names,
            on_demand=OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry),
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=[name for name in schema.names() if name != at],
                min_event_timestamp=first_at,
                max_event_timestamp=last_at,
            ),
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """The newest row of each entity within the range, both ends included; ties as in
        `join.py`.
        """
        source = _unmapped(data_source, timestamp_field, created_timestamp_column)

        def frame() -> pl.LazyFrame:
            rows = within(_with(join_key_columns, source, config), source, start_date, end_date)
            return latest(rows, source, join_key_columns).select(
                _columns(join_key_columns, feature_name_columns, source)
            )

        return PolarsRetrievalJob(frame, engine=config.offline_store.engine, repo=config.repo_path)

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Every row within the range, both ends included."""
        source = _unmapped(data_source, timestamp_field, created_timestamp_column)

        def frame() -> pl.LazyFrame:
            rows = within(_with(join_key_columns, source, config), source, start_date, end_date)
            if not join_key_columns:  # Feast then takes the last row, whichever it is
                rows = rows.sort(ordered(source), nulls_last=False, maintain_order=True)
            return rows.select(_columns(join_key_columns, feature_name_columns, source))

        return PolarsRetrievalJob(frame, engine=config.offline_store.engine, repo=config.repo_path)

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Add rows to the source of the view: as one commit of its dataset or table, as one more
        file of its folder, or by writing its file anew.
        """
        source = spec_of(feature_view.batch_source.to_proto())
        append(source, table, config.repo_path, view=feature_view.name)
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,
        logging_config: LoggingConfig,
        registry: BaseRegistry,
    ) -> None:
        """Add the answers of a feature service to its log: one more Parquet file of a folder, or
        one commit of a dataset. data: a table or the path of one.
        """
        del source, registry
        write_logs(data, logging_config.destination, config.repo_path)

    def get_table_column_names_and_types_from_data_source(
        self, config: RepoConfig, data_source: DataSource
    ) -> Iterable[tuple[str, str]]:
        """The columns of a source and their types, in the words that the source understands. Feast
        reads those of a Parquet file on disk by itself; elsewhere it knows neither the repository
        nor the keys, and no patterns.
        """
        source = spec_of(data_source.to_proto())
        if source.kind == "iceberg" and isinstance(data_source, IcebergSource):
            return [(field.name, str(field.field_type)) for field in columns_in(source)]
        if source.kind == "delta" or (
            source.kind == "parquet" and not is_one_file(source, config.repo_path)
        ):
            return columns_of(source, config)
        columns: Iterable[tuple[str, str]] = data_source.get_table_column_names_and_types(config)
        return columns

    def validate_data_source(self, config: RepoConfig, data_source: DataSource) -> None:
        """Check that a source can be used. Files elsewhere are not looked at: Feast would ask AWS
        for the region of the bucket, whatever its endpoint is.
        """
        source = spec_of(data_source.to_proto())
        if source.kind == "iceberg":
            scan(source, config.repo_path)
        elif not (source.kind in ("parquet", "delta") and is_remote(source.name)):
            data_source.validate(config)


def _bounds(entities: pl.LazyFrame, at: pl.Expr) -> tuple[datetime | None, datetime | None]:
    """The first and the last time for which entity rows ask."""
    times = entities.select(at.alias(AT)).select(low=pl.col(AT).min(), high=pl.col(AT).max())
    low, high = times.collect().row(0)
    return low, high


def _join_view(
    view: FeatureView,
    refs: Sequence[str],
    config: RepoConfig,
    full_names: bool,
    created_counts: bool,
) -> JoinView:
    if view.batch_source is None:
        raise Unprocessable(
            f"{view.name} has no source.",
            "Only views with a batch source have a history.",
            "Give it a DatasetSource.",
        )
    source, name, renamed = (
        spec_of(view.batch_source.to_proto()),
        view.projection.name_to_use(),
        view.projection.join_key_map,
    )
    features = [feature for ref in refs for owner, feature in [_requested(ref)] if owner == name]
    _check_known(view, features)
    windows = _windows(view)
    prefix = f"{name}__" if full_names else ""
    frame = scan(source, config.repo_path)
    require_time(frame.collect_schema(), source.time, f"The rows of {source.name}")
    return JoinView(
        name=view.name,
        frame=frame,
        keys={
            renamed.get(key.name, key.name): key.name
            for key in view.entity_columns
            if key.name != DUMMY_ENTITY_ID
        },
        features={feature: prefix + feature for feature in features},
        time=source.time,
        created=source.created,
        ttl=view.ttl or None,
        created_counts=created_counts,
        resolution=_resolution(view),
        windows=windows,
        tiles=KeptTiles(source, config.repo_path) if windows and config.repo_path else None,
        types={field.name: field.dtype.to_value_type().name for field in view.features},
    )


def _check_known(view: FeatureView, features: Sequence[str]) -> None:
    """Raise UnknownFeature for a feature that the view does not have."""
    known = [field.name for field in view.features]
    if unknown := [feature for feature in features if feature not in known]:
        raise UnknownFeature(
            f"{view.name} has no feature {unknown[0]}.",
            f"It has {', '.join(known)}.",
            "Correct the name, or add the feature to the definition.",
        )


def _windows(view: FeatureView) -> list[WindowSpec]:
    """The aggregations of a view. Raises Unprocessable if a transformation comes before them."""
    windows = windows_of(view)
    if windows and (
        getattr(view, "feature_transformation", None) or getattr(view, "source_views", None)
    ):
        raise Unprocessable(
            f"{view.name} transforms rows before it aggregates them.",
            "The Polars offline store aggregates the rows of a source.",
            "Write the transformed rows into a dataset, and let the view read that.",
        )
    return windows


def _resolution(view: Any) -> Resolution | None:
    """How the labels of a LabelView become one; None for other views."""
    policy = getattr(view, "conflict_policy", None)
    if policy is None:
        return None
    labels = LabelSpec(
        policy=policy.value, labeler=view.labeler_field, priorities=priorities_of(view.tags)
    )
    return resolution_of(labels)


def _requested(ref: str) -> tuple[str, str]:
    """View, or version of one as `view@v2`, and feature of a reference."""
    owner, _, feature = ref.partition(":")
    view, version = split_version(owner)
    return view if version is None else f"{view}@v{version}", feature


def _unmapped(data_source: DataSource, time: str, created: str | None) -> SourceSpec:
    """The source under its own column names: Feast has already mapped its names back, and renames
    the answer itself.
    """
    spec = spec_of(data_source.to_proto())
    return replace(spec, time=time, created=created or None, mapping={})


def _with(keys: Sequence[str], source: SourceSpec, config: RepoConfig) -> pl.LazyFrame:
    """The rows of a source. Raises Feast's own error if it lacks a join key."""
    rows = scan(source, config.repo_path)
    columns = set(rows.collect_schema())
    if not columns.issuperset(keys):
        raise FeastJoinKeysDuringMaterialization(source.name, set(keys), columns)
    return rows


def _columns(keys: Sequence[str], features: Sequence[str], source: SourceSpec) -> list[pl.Expr]:
    """What a pull returns. Without features: all columns, for Feast's engine asks so for those that
    a transformation may read.
    """
    entity = [] if keys else [pl.lit(DUMMY_ENTITY_VAL).alias(DUMMY_ENTITY_ID)]
    if not features:
        return [*entity, pl.all()]
    return [
        *entity,
        *(exactly(name) for name in dict.fromkeys([*keys, *features, *times_of(source)])),
    ]
