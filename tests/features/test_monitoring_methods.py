"""The methods behind Feast's quality page, against Feast's own calculator and Dask store."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from feast import FileSource, RepoConfig
from feast.infra.offline_stores.dask import DaskOfflineStore
from feast.monitoring.metrics_calculator import MetricsCalculator
from feast.monitoring.monitoring_service import MonitoringService
from pyarrow import parquet

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import DatasetSource, Features, PolarsOfflineStore

T0 = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = [
    ("amount", "numeric"),
    ("count", "numeric"),
    ("empty", "numeric"),
    ("shop", "categorical"),
    ("open", "categorical"),
    ("absent", "numeric"),
]


def config(repo: Path, store: str) -> RepoConfig:
    return RepoConfig(
        project="shop",
        provider="local",
        registry=str(repo / "registry.db"),
        online_store={"type": "sqlite", "path": str(repo / "online.db")},
        offline_store={"type": store},
        entity_key_serialization_version=3,
        repo_path=repo,
    )


@pytest.fixture
def ours(tmp_path: Path) -> RepoConfig:
    return config(tmp_path, "jupyter_mlinfra.features.PolarsOfflineStore")


def rows(count: int) -> pa.Table:
    chance = np.random.default_rng(3)
    return pa.table(
        {
            "at": pa.array([T0 + timedelta(hours=n) for n in range(count)]),
            "amount": pa.array(chance.normal(3, 2, count), mask=chance.random(count) < 0.1),
            "count": pa.array(chance.integers(0, 5, count)),
            "empty": pa.nulls(count, pa.float64()),
            "shop": pa.array([f"shop {n}" for n in chance.integers(0, 30, count)]),
            "open": pa.array(chance.random(count) < 0.5),
        }
    )


@pytest.mark.parametrize("bounds", [(None, None), (10, 400), (5000, 6000)])
def test_the_figures_are_those_of_feasts_calculator(
    ours: RepoConfig, tmp_path: Path, bounds: tuple[int | None, int | None]
) -> None:
    table = rows(1_000)
    parquet.write_table(table, tmp_path / "rows.parquet")
    source = FileSource(path="rows.parquet", timestamp_field="at")
    start, end = (None if n is None else T0 + timedelta(hours=n) for n in bounds)
    got = PolarsOfflineStore.compute_monitoring_metrics(
        ours, source, COLUMNS, "at", start, end, histogram_bins=7, top_n=4
    )
    low, high = bounds
    known = table if low is None or high is None else table.slice(low, high - low + 1)
    expected = MetricsCalculator(histogram_bins=7, top_n=4).compute_all(known, COLUMNS)
    assert [item["feature_name"] for item in got] == [name for name, _ in COLUMNS[:-1]]
    for mine, theirs in zip(got, expected, strict=True):
        histogram, other = mine.pop("histogram"), theirs.pop("histogram")
        assert mine == pytest.approx(theirs)
        assert json.dumps(histogram) == json.dumps(other)
    newest = PolarsOfflineStore.get_monitoring_max_timestamp(ours, source, "at")
    assert newest == T0 + timedelta(hours=999)


def test_what_is_no_number_is_missing_and_a_mapped_column_has_the_name_of_its_feature(
    ours: RepoConfig, tmp_path: Path
) -> None:
    frame = {"at": [T0] * 5, "x": [1.0, float("nan"), float("inf"), None, 3.0]}
    pl.DataFrame(frame).write_parquet(tmp_path / "rows.parquet")
    source = FileSource(
        path="rows.parquet", timestamp_field="at", field_mapping={"x": "amount", "at": "when"}
    )
    [found] = PolarsOfflineStore.compute_monitoring_metrics(
        ours, source, [("amount", "numeric")], "at"
    )
    assert (found["row_count"], found["null_count"], found["mean"]) == (5, 3, 2.0)
    assert PolarsOfflineStore.get_monitoring_max_timestamp(ours, source, "at") == T0
    gone = FileSource(path="gone.parquet", timestamp_field="at")
    assert PolarsOfflineStore.get_monitoring_max_timestamp(ours, gone, "at") is None


def metric(feature: str, day: date, **more: Any) -> dict[str, Any]:
    return {
        "project_id": "shop",
        "feature_view_name": "clicks",
        "feature_name": feature,
        "metric_date": day,
        "granularity": "daily",
        "data_source_type": "batch",
        "computed_at": T0,
        "max_event_timestamp": T0,
        "is_baseline": True,
        "feature_type": "numeric",
        "row_count": 3,
        "null_count": 0,
        "null_rate": 0.0,
        "mean": 1.5,
        "histogram": {"bins": [0, 1], "counts": [3]},
        **more,
    }


def test_rows_are_kept_as_the_dask_store_keeps_them(tmp_path: Path) -> None:
    """Both stores get the same calls; each then reads what the other wrote."""
    stores = {}
    for name, store, kind in (
        ("ours", PolarsOfflineStore, "jupyter_mlinfra.features.PolarsOfflineStore"),
        ("dask", DaskOfflineStore, "dask"),
    ):
        (tmp_path / name).mkdir()
        stores[name] = store, config(tmp_path / name, kind)
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    job = {"job_id": "j1", "project_id": "shop", "job_type": "compute", "status": "pending"}
    answers = {}
    for name, (store, settings) in stores.items():
        store.ensure_monitoring_tables(settings)
        assert store.query_monitoring_metrics(settings, "shop", "feature") == []
        store.save_monitoring_metrics(
            settings,
            "feature",
            [metric("rate", second), metric("rate", first), metric("seen", first)],
        )
        store.save_monitoring_metrics(
            settings, "feature", [metric("rate", first, mean=float("nan"))]
        )
        store.save_monitoring_metrics(settings, "feature", [metric("x", first, project_id="other")])
        store.clear_monitoring_baseline(settings, "shop", "clicks", "rate")
        store.save_monitoring_metrics(settings, "job", [job | {"metric_date": first}])
        answers[name] = [
            store.query_monitoring_metrics(settings, "shop", "feature"),
            store.query_monitoring_metrics(settings, "shop", "feature", {"feature_name": "seen"}),
            store.query_monitoring_metrics(settings, "shop", "feature", None, second, second),
            store.query_monitoring_metrics(settings, "", "job", {"job_id": "j1"}),
        ]
    assert [len(found) for found in answers["ours"]] == [3, 1, 1, 1]
    assert answers["ours"] == answers["dask"]
    for reader, writer in (("ours", "dask"), ("dask", "ours")):
        store, settings = stores[reader]
        there = config(tmp_path / writer, settings.offline_store.type)
        found = store.query_monitoring_metrics(there, "shop", "feature")
        assert found == answers["dask"][0]


def test_feasts_quality_page_has_the_figures_of_a_project(shop: Features) -> None:
    service = MonitoringService(shop.feast())
    done = service.auto_compute(feature_view_name="clicks")
    assert (done["status"], done["computed_feature_views"], done["baseline_features"]) == (
        "completed",
        1,
        2,
    )
    found = service.get_feature_metrics(
        project="shop", feature_view_name="clicks", granularity="baseline"
    )
    figures = {row["feature_name"]: row for row in found}
    assert figures["clicks_7d"]["row_count"] == 20
    assert figures["rate"]["null_rate"] == pytest.approx(0.1)
    assert figures["clicks_7d"]["is_baseline"] is True
    assert sum(figures["clicks_7d"]["histogram"]["counts"]) == 20


def test_features_from_tagged_columns_are_only_counted(project: Project) -> None:
    catalog, repo = Catalog(project), project.root / "feature_repo"
    repo.mkdir()
    frame = {"at": [T0] * 3, "mail": ["canary-90b1", "b", None], "pay": [91234.5, 1.0, 2.0]}
    catalog.write(pl.DataFrame({**frame, "days": [1, 2, 3]}), into="hr.people")
    for column in ("mail", "pay"):
        catalog.tag(f"column:hr.people.{column}", add=["pii"])
    mail, pay, days = PolarsOfflineStore.compute_monitoring_metrics(
        config(repo, "jupyter_mlinfra.features.PolarsOfflineStore"),
        DatasetSource(dataset="hr.people", timestamp_field="at"),
        [("mail", "categorical"), ("pay", "numeric"), ("days", "numeric")],
        "at",
    )
    assert (mail["row_count"], mail["null_count"], pay["null_count"]) == (3, 1, 0)
    told = {name for found in (mail, pay) for name, value in found.items() if value is not None}
    assert told == {"feature_name", "feature_type", "row_count", "null_count", "null_rate"}
    assert days["max_val"] == 3
