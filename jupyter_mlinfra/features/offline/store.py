"""The methods that Feast calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import polars as pl
import pyarrow as pa
from feast import FeatureView, FileSource, RepoConfig
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel
from feast.utils import compute_non_entity_date_range
from pyarrow import dataset, parquet

from ...core.errors import Unprocessable
from ...core.frames import exactly
from ..dataset_source import spec_of
from ..entity_rows import AT, entity_rows, rows_between, time_column
from ..join import Engine, JoinView, Strategy, join_as_of, require_time, utc
from ..pulling import latest, ordered, times_of, within
from ..sources import SourceSpec, scan
from .files import parquet_path, write_parquet
from .retrieval import PolarsRetrievalJob


class PolarsOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast is not type-checked
    """Options under `offline_store` in feature_store.yaml; Feast looks for the store in their
    module.
    """

    type: Literal[
        "jupyter_mlinfra.features.PolarsOfflineStore",
        "jupyter_mlinfra.features.offline.PolarsOfflineStore",
    ] = "jupyter_mlinfra.features.PolarsOfflineStore"

    strategy: Strategy = "auto"
    """`asof` sorts, `hash` pairs rows by key, `auto` counts the pairs and chooses."""

    engine: Engine = "streaming"
    """Polars engine: `streaming` uses less memory."""


class PolarsOfflineStore(OfflineStore):  # type: ignore[misc]
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
        bounds = (
            entities.select(utc(at, schema[at]).alias(AT))
            .select(low=pl.col(AT).min(), high=pl.col(AT).max())
            .collect()
        )
        options = config.offline_store
        return PolarsRetrievalJob(
            lambda: join_as_of(
                entities, views, at=at, strategy=options.strategy, engine=options.engine
            ),
            engine=options.engine,
            repo=config.repo_path,
            full_feature_names=full_feature_names,
            on_demand=OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry),
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=[name for name in schema.names() if name != at],
                min_event_timestamp=bounds["low"][0],
                max_event_timestamp=bounds["high"][0],
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
            rows = within(scan(source, config.repo_path), source, start_date, end_date)
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
            rows = within(scan(source, config.repo_path), source, start_date, end_date)
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
        """Append rows to the source of the view: as one commit of its dataset, as one more file of
        its folder, or by rewriting its file.
        """
        source = spec_of(feature_view.batch_source.to_proto())
        stored = scan(
            SourceSpec(kind=source.kind, name=source.name, time=source.time), config.repo_path
        )
        schema, new = stored.collect_schema(), pl.DataFrame(pl.from_arrow(table))
        if missing := [name for name in schema if name not in new.columns]:
            raise Unprocessable(
                f"The rows for {feature_view.name} have no column {missing[0]}.",
                f"Its source has {', '.join(schema)}.",
                "Add the column.",
            )
        new = new.select(exactly(name).cast(dtype) for name, dtype in schema.items())
        if source.kind == "dataset":
            from ...catalog import Catalog
            from ...core.project import Project

            Catalog(Project.open(config.repo_path)).write(new, into=source.name, mode="append")
        else:
            path = parquet_path(feature_view.batch_source, config.repo_path)
            (
                write_parquet(new.lazy(), path / f"part-{uuid.uuid4().hex}.parquet")
                if path.is_dir()
                else write_parquet(pl.concat([stored, new.lazy()]), path)
            )
        if progress:
            progress(new.height)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,
        logging_config: LoggingConfig,
        registry: BaseRegistry,
    ) -> None:
        """Add the answers of a feature service to its log folder, as one more Parquet file; `data`
        is a table or the path of one.
        """
        del source, registry
        destination = logging_config.destination
        if not isinstance(destination, FileLoggingDestination):
            type_name = type(destination).__name__
            raise Unprocessable(
                f"Features cannot be logged to a {type_name}.",
                "The Polars offline store logs to Parquet files.",
                "Use FileLoggingDestination.",
            )
        path = (
            str((config.repo_path or Path.cwd()) / destination.path)
            if "://" not in destination.path
            else destination.path
        )
        filesystem, folder = FileSource.create_filesystem_and_path(
            path, destination.s3_endpoint_override
        )
        dataset.write_dataset(
            parquet.read_table(data) if isinstance(data, Path) else data,
            base_dir=folder,
            basename_template=f"{uuid.uuid4().hex}-{{i}}.parquet",
            partitioning=destination.partition_by,
            filesystem=filesystem,
            format="parquet",
            existing_data_behavior="overwrite_or_ignore",
        )


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
    features = [ref.partition(":")[2] for ref in refs if ref.partition(":")[0] == name]
    prefix = f"{view.projection.name_alias or view.name}__" if full_names else ""
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
    )


def _unmapped(data_source: DataSource, time: str, created: str | None) -> SourceSpec:
    """The source under its own column names: Feast has already mapped its names back, and renames
    the answer itself.
    """
    spec = spec_of(data_source.to_proto())
    return SourceSpec(kind=spec.kind, name=spec.name, time=time, created=created or None)


def _columns(keys: Sequence[str], features: Sequence[str], source: SourceSpec) -> list[pl.Expr]:
    entity = [] if keys else [pl.lit(DUMMY_ENTITY_VAL).alias(DUMMY_ENTITY_ID)]
    return [
        *entity,
        *(exactly(name) for name in dict.fromkeys([*keys, *features, *times_of(source)])),
    ]
