"""What Feast's quality page asks of an offline store: figures of features, and where they are kept.

The figures are those of `feast.monitoring.metrics_calculator.MetricsCalculator`, with one
difference: NaN and infinities count as missing, where Feast's calculator fails. They are kept as
Feast's Dask store keeps them, as Parquet files in `feast_monitoring/` of the repository, so that
either store reads what the other wrote.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from feast import RepoConfig
from feast.data_source import DataSource
from feast.monitoring.metrics_calculator import MetricsCalculator
from feast.monitoring.monitoring_utils import (
    MONITORING_DIR,
    empty_categorical_metric,
    empty_numeric_metric,
    monitoring_parquet_meta,
    normalize_monitoring_row,
)

from ...core.errors import NotFound
from ...core.files import file_lock
from ...core.frames import exactly
from ..dataset_source import spec_of
from ..join import require_time, utc
from ..pulling import within
from ..sources import SourceSpec, one_snapshot, readable, scan

_KINDS = ("feature", "feature_view", "feature_service", "job")
_MOMENTS = ("computed_at", "max_event_timestamp", "started_at", "completed_at")
_COUNTS = (
    "row_count",
    "null_count",
    "total_row_count",
    "total_features",
    "total_feature_views",
    "features_with_nulls",
)
_SHARES = ("null_rate", "avg_null_rate", "max_null_rate", "mean", "stddev", "min_val", "max_val")
_QUANTILES = ("p50", "p75", "p90", "p95", "p99")


class MonitoringMethods:
    """The methods of Feast's `OfflineStore` that its monitoring service calls."""

    @staticmethod
    def compute_monitoring_metrics(
        config: RepoConfig,
        data_source: DataSource,
        feature_columns: list[tuple[str, str]],
        timestamp_field: str,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        histogram_bins: int = 20,
        top_n: int = 10,
    ) -> list[dict[str, Any]]:
        """Figures of each feature over the rows with an event time in [start_date, end_date].

        feature_columns: name, and `numeric` or `categorical`. Columns that the source lacks are
        left out. One column is read at a time. Of one that is tagged `pii` only rows and missing
        values are counted.
        """
        source = _source(data_source, timestamp_field)
        with one_snapshot(), readable(source):
            rows = within(scan(source, config.repo_path), source, start_date, end_date)
            schema = rows.collect_schema()
            masked = _masked(source, config)
            return [
                _counted(rows, name, kind)
                if name in masked
                else _metrics(rows, name, kind, histogram_bins, top_n)
                for name, kind in feature_columns
                if name in schema and kind in ("numeric", "categorical")
            ]

    @staticmethod
    def get_monitoring_max_timestamp(
        config: RepoConfig, data_source: DataSource, timestamp_field: str
    ) -> datetime | None:
        """The newest event time; None without rows, and for a source that nobody has written."""
        source = _source(data_source, timestamp_field)
        try:
            rows = scan(source, config.repo_path)
        except NotFound:
            return None
        schema = rows.collect_schema()
        require_time(schema, source.time, f"The rows of {source.name}")
        newest = (
            rows.select(utc(source.time, schema[source.time]).max())
            .collect(engine="streaming")
            .item()
        )
        return newest if isinstance(newest, datetime) else None

    @staticmethod
    def ensure_monitoring_tables(config: RepoConfig) -> None:
        """Make the files that are not there."""
        for kind in _KINDS:
            if not _file(config, kind).exists():
                with file_lock(_lock(config)):
                    if not _file(config, kind).exists():
                        _write(config, kind, _rows(kind, []))

    @staticmethod
    def save_monitoring_metrics(
        config: RepoConfig, metric_type: str, metrics: list[dict[str, Any]]
    ) -> None:
        """Add rows; a row with the keys of an earlier one takes its place."""
        if not metrics:
            return
        _, _, keys = monitoring_parquet_meta(metric_type)
        with file_lock(_lock(config)):
            both = pl.concat([_read(config, metric_type), _rows(metric_type, metrics)])
            kept = both.unique(keys, keep="last", maintain_order=True)
            _write(config, metric_type, kept)

    @staticmethod
    def query_monitoring_metrics(
        config: RepoConfig,
        project: str,
        metric_type: str,
        filters: dict[str, Any] | None = None,
        start_date: date | None = None,
        end_date: date | None = None,
    ) -> list[dict[str, Any]]:
        """Rows of a project (an empty text: of all) by date; jobs by their id. filters: columns and
        the values that they must have; None for any.
        """
        rows = _read(config, metric_type).lazy()
        wanted = {"project_id": project or None, **(filters or {})}
        for name, value in wanted.items():
            if value is not None:
                rows = rows.filter(exactly(name) == value)
        if start_date is not None:
            rows = rows.filter(pl.col("metric_date") >= start_date)
        if end_date is not None:
            rows = rows.filter(pl.col("metric_date") <= end_date)
        order = "job_id" if metric_type == "job" else "metric_date"
        found = rows.sort(order, maintain_order=True).collect()
        return [_record(row) for row in found.iter_rows(named=True)]

    @staticmethod
    def clear_monitoring_baseline(
        config: RepoConfig,
        project: str,
        feature_view_name: str | None = None,
        feature_name: str | None = None,
        data_source_type: str | None = None,
    ) -> None:
        """Take the mark of a baseline from the rows of features; None stands for all."""
        cleared = pl.col("project_id") == project
        for name, value in (
            ("feature_view_name", feature_view_name),
            ("feature_name", feature_name),
            ("data_source_type", data_source_type),
        ):
            if value is not None:
                cleared &= pl.col(name) == value
        with file_lock(_lock(config)):
            rows = _read(config, "feature")
            mark = pl.when(cleared).then(False).otherwise("is_baseline")
            _write(config, "feature", rows.with_columns(mark.alias("is_baseline")))


def _source(data_source: DataSource, time: str) -> SourceSpec:
    """The source under the names of its view, as the monitoring service calls the features."""
    spec = spec_of(data_source.to_proto())
    return replace(spec, time=spec.mapping.get(time, time))


def _metrics(
    rows: pl.LazyFrame, name: str, kind: str, histogram_bins: int, top_n: int
) -> dict[str, Any]:
    column = rows.select(exactly(name)).collect(engine="streaming").to_series()
    if kind == "categorical":
        return _categorical(column, name, top_n)
    numbers = column.cast(pl.Float64)
    finite = numbers.to_frame("x").select(pl.when(pl.col("x").is_finite()).then("x")).to_series()
    figures: dict[str, Any] = MetricsCalculator(histogram_bins=histogram_bins).compute_numeric(
        finite.to_arrow()
    )
    return {**figures, "feature_name": name}


def _masked(source: SourceSpec, config: RepoConfig) -> set[str]:
    """The features whose column is tagged `pii`."""
    if source.kind != "dataset":
        return set()
    from ..sources.datasets import catalog_of

    columns = catalog_of(source, Path(config.repo_path or ".")).personal(source.name)
    return {source.mapping.get(name, name) for name in columns}


def _counted(rows: pl.LazyFrame, name: str, kind: str) -> dict[str, Any]:
    """Figures that tell no value."""
    empty = empty_numeric_metric if kind == "numeric" else empty_categorical_metric
    total, nulls = (
        rows.select(pl.len(), exactly(name).null_count().alias("nulls"))
        .collect(engine="streaming")
        .row(0)
    )
    rate = nulls / total if total else 0.0
    return {**empty(name), "row_count": total, "null_count": nulls, "null_rate": rate}


def _categorical(column: pl.Series, name: str, top_n: int) -> dict[str, Any]:
    """Feast's figures, without a Python object for each distinct value."""
    total, nulls = column.len(), column.null_count()
    figures: dict[str, Any] = empty_categorical_metric(name) | {
        "row_count": total,
        "null_count": nulls,
        "null_rate": nulls / total if total else 0.0,
    }
    if nulls == total:
        return figures
    counts = (
        column.drop_nulls()
        .to_frame("value")
        .group_by("value", maintain_order=True)
        .agg(pl.len().alias("count"))
        .sort("count", descending=True, maintain_order=True)
    )
    figures["histogram"] = {
        "values": counts.head(top_n).to_dicts(),
        "other_count": int(counts["count"].slice(top_n).sum()),
        "unique_count": counts.height,
    }
    return figures


def _folder(config: RepoConfig) -> Path:
    return Path(config.repo_path or ".", MONITORING_DIR)


def _file(config: RepoConfig, kind: str) -> Path:
    name, _, _ = monitoring_parquet_meta(kind)
    return Path(_folder(config), name)


def _lock(config: RepoConfig) -> Path:
    _folder(config).mkdir(parents=True, exist_ok=True)
    return _folder(config) / ".lock"


def _schema(kind: str) -> dict[str, pl.DataType]:
    _, columns, _ = monitoring_parquet_meta(kind)
    return {name: _dtype(name) for name in columns}


def _dtype(name: str) -> pl.DataType:
    if name in _MOMENTS:
        return pl.Datetime("us", "UTC")
    if name in _COUNTS:
        return pl.Int64()
    if name in (*_SHARES, *_QUANTILES):
        return pl.Float64()
    if name == "metric_date":
        return pl.Date()
    return pl.Boolean() if name == "is_baseline" else pl.String()


def _rows(kind: str, metrics: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    schema = _schema(kind)
    records = [{name: _stored(name, item.get(name)) for name in schema} for item in metrics]
    return pl.DataFrame(records, schema=schema, strict=False)


def _stored(name: str, value: Any) -> Any:
    if name in _MOMENTS and value is not None:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if name == "metric_date" and isinstance(value, str):
        return date.fromisoformat(value)
    return json.dumps(value) if name == "histogram" and isinstance(value, Mapping) else value


def _read(config: RepoConfig, kind: str) -> pl.DataFrame:
    """The rows of a file, also of one that Feast's Dask store wrote."""
    path, schema = _file(config, kind), _schema(kind)
    if not path.exists():
        return pl.DataFrame(schema=schema)
    found = pl.read_parquet(path)
    return found.select(
        _cast(name, found.schema[name], dtype)
        if name in found.columns
        else pl.lit(None, dtype).alias(name)
        for name, dtype in schema.items()
    )


def _cast(name: str, found: pl.DataType, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and isinstance(found, pl.Datetime):
        return utc(name, found).alias(name)
    return pl.col(name).cast(dtype, strict=False)


def _write(config: RepoConfig, kind: str, rows: pl.DataFrame) -> None:
    path = _file(config, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        rows.write_parquet(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _record(row: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = normalize_monitoring_row(row)
    for name in _MOMENTS:
        if isinstance(value := record.get(name), datetime):
            record[name] = value.isoformat()
    return record
