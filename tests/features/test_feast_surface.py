"""What users of Feast's own interface expect of an offline store besides the join; and what a
feature_store.yaml may say.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    ValueType,
)
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.types import Array, Float64, Int64
from pyarrow import parquet

from jupyter_mlinfra.core.errors import Conflict, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features, PolarsOfflineStore, PolarsOfflineStoreConfig
from jupyter_mlinfra.features.feast_errors import unreachable
from jupyter_mlinfra.features.repo import OFFLINE_STORES

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def opened(folder: Path, kind: str = OFFLINE_STORES[0]) -> FeatureStore:
    """Two views of two users: a score each hour, with a list; and a rank at two moments of its
    own.
    """
    scores = {
        "user_id": [1, 1, 2],
        "at": [T0, T0 + HOUR, T0 + HOUR],
        "score": [1.0, 2.0, 3.0],
        "last": [[1], [1, 2], []],
    }
    pl.DataFrame(scores).write_parquet(folder / "scores.parquet")
    pl.DataFrame(
        {"user_id": [1, 2], "at": [T0 + 2 * HOUR, T0 + HOUR], "rank": [7, 8]}
    ).write_parquet(folder / "ranks.parquet")
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    fields = {
        "scores": [Field(name="score", dtype=Float64), Field(name="last", dtype=Array(Int64))],
        "ranks": [Field(name="rank", dtype=Int64)],
    }
    views = [
        FeatureView(
            name=name,
            entities=[user],
            schema=fields[name],
            source=FileSource(path=f"{name}.parquet", timestamp_field="at"),
        )
        for name in fields
    ]
    online = {"type": "sqlite", "path": str(folder / "online.db")}
    config = RepoConfig(
        project="test",
        provider="local",
        registry=str(folder / "registry.db"),
        repo_path=folder,
        online_store=online,
        offline_store={"type": kind},
    )
    store = FeatureStore(config=config)
    store.apply([user, *views])
    return store


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return opened(tmp_path)


@pytest.mark.parametrize("kind", OFFLINE_STORES)
def test_the_store_goes_by_the_name_that_it_is_imported_by_and_by_its_old_one(
    tmp_path: Path, kind: str
) -> None:
    store = opened(tmp_path, kind)
    assert isinstance(store.config.offline_store, PolarsOfflineStoreConfig)
    assert isinstance(store._get_provider().offline_store, PolarsOfflineStore)


def test_lists_and_text_leave_the_store_as_plain_arrow(store: FeatureStore, tmp_path: Path) -> None:
    entity_rows = pl.DataFrame(
        {"user_id": [1], "event_timestamp": [T0 + HOUR], "name": ["ana"], "tags": [["a"]]}
    )
    job = store.get_historical_features(entity_df=entity_rows, features=["scores:last"])
    table = job.to_arrow()
    assert [table.schema.field(name).type for name in ("last", "name", "tags")] == [
        pa.list_(pa.int64()),
        pa.string(),
        pa.list_(pa.string()),
    ]
    assert table["last"].to_pylist() == [[1, 2]]
    job.persist(SavedDatasetFileStorage(path="saved.parquet"))
    assert parquet.read_schema(tmp_path / "saved.parquet").field("name").type == pa.string()


def test_keys_that_pandas_made_floats_join_when_they_are_whole(store: FeatureStore) -> None:
    entity_rows = pd.DataFrame(
        {"user_id": [2.0, None, 1.5, 1.0], "event_timestamp": [T0 + 3 * HOUR] * 4}
    )
    result = store.get_historical_features(
        entity_df=entity_rows, features=["scores:score", "ranks:rank"]
    ).to_polars()
    assert result["score"].to_list() == [3.0, None, None, 2.0]
    assert result["rank"].to_list() == [8, None, None, 7]


def test_without_entity_rows_there_is_a_row_for_every_moment_of_a_view_in_the_range(
    store: FeatureStore,
) -> None:
    job = store.get_historical_features(
        features=["scores:score", "ranks:rank"], start_date=T0 + HOUR, end_date=T0 + 2 * HOUR
    )
    result = job.to_polars().select("user_id", "event_timestamp", "score", "rank")
    assert result.rows() == [
        (1, T0 + HOUR, 2.0, None),
        (2, T0 + HOUR, 3.0, 8),
        (1, T0 + 2 * HOUR, 2.0, 7),
    ]
    assert (job.metadata.min_event_timestamp, job.metadata.max_event_timestamp) == (
        T0 + HOUR,
        T0 + 2 * HOUR,
    )


def test_a_result_is_saved_into_a_folder_and_replaces_only_what_was_saved_there(
    store: FeatureStore, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    entity_rows = pd.DataFrame({"user_id": [1, 2], "event_timestamp": [T0 + HOUR] * 2})
    for wanted in ([2.0, 3.0], [2.0]):
        job = store.get_historical_features(
            entity_df=entity_rows.head(len(wanted)), features=["scores:score"]
        )
        job.persist(SavedDatasetFileStorage(path="saved"), allow_overwrite=folder.exists())
        (folder / "README").write_text("mine")
        assert pl.read_parquet(folder / "**/*.parquet")["score"].to_list() == wanted
    assert sorted(path.suffix for path in folder.iterdir()) == ["", ".parquet"]


def test_what_a_feature_service_answered_is_logged_and_read_back(
    store: FeatureStore, tmp_path: Path
) -> None:
    logged = LoggingConfig(destination=FileLoggingDestination(path="log"))
    service = FeatureService(
        name="served", features=[store.get_feature_view("scores")[["score"]]], logging_config=logged
    )
    store.apply([service])
    plain = {
        "user_id": [1],
        "score": [2.0],
        "score__timestamp": [T0],
        "score__status": [2],
        "__request_id": ["r1"],
        "__log_timestamp": [T0],
    }
    batch = pl.DataFrame(plain)
    store.write_logged_features(logs=batch.to_arrow(), source=service)
    batch.with_columns(pl.lit("r2").alias("__request_id")).write_parquet(tmp_path / "batch.parquet")
    store.write_logged_features(logs=tmp_path / "batch.parquet", source=service)
    assert sorted(pl.read_parquet(tmp_path / "log" / "*.parquet")["__request_id"]) == ["r1", "r2"]


def test_a_log_that_is_no_folder_of_files_is_refused(store: FeatureStore) -> None:
    elsewhere: Any = LoggingConfig(destination=object())  # as that of BigQuery
    with pytest.raises(Unprocessable, match="cannot be logged"):
        PolarsOfflineStore.write_logged_features(
            store.config, pa.table({}), None, elsewhere, store.registry
        )


@pytest.mark.slow
def test_a_project_without_an_online_store_trains_and_says_why_it_serves_nothing(
    fresh_shop: Project,
) -> None:
    (fresh_shop.root / "feature_repo" / "feature_store.yaml").write_text("online_store: null\n")
    features = Features(fresh_shop)
    assert features.apply().created == ["clicks", "spend"]
    entity_rows = pl.DataFrame(
        {"user_id": [3], "event_timestamp": [datetime(2026, 3, 1, tzinfo=UTC)]}
    )
    assert features.training_set(["clicks:clicks_7d"], entity_rows)["clicks_7d"].to_list() == [3]
    for ask in (features.materialize, lambda: features.online(["clicks:*"], [{"user_id": 1}])):
        with pytest.raises(Conflict, match="no online store") as refused:
            ask()
        assert "online_store: null" in refused.value.why


def test_a_registry_that_is_down_is_named_without_its_password(fresh_shop: Project) -> None:
    """Also where its driver is not installed."""
    settings = (
        "registry:\n  registry_type: sql\n  path:"
        " postgresql+psycopg://ana:geheim@127.0.0.1:1/feast\n"
    )
    (fresh_shop.root / "feature_repo" / "feature_store.yaml").write_text(settings)
    features = Features(fresh_shop)
    for ask in (features.apply, features.views, features.feast):
        with pytest.raises(Unavailable) as refused:
            ask()
        assert "registry" in refused.value.fix or "[postgres]" in refused.value.fix
        assert "geheim" not in str(refused.value)


def test_a_password_in_the_words_of_a_driver_is_struck_out() -> None:
    fault = unreachable(
        "No.",
        ConnectionRefusedError("postgresql://ana:geheim@db:5432/feast refused the connection"),
    )
    assert fault is not None
    assert "postgresql://ana:[secret]@db:5432/feast refused" in fault.why
    # Only the first 500 characters are shown.
    cut = unreachable(
        "No.", ConnectionRefusedError(f"{'.' * 440} postgresql://ana:{'geheim' * 10}@db/feast")
    )
    assert cut is not None
    assert "geheim" not in cut.why
    assert unreachable("No.", ZeroDivisionError()) is None
