"""What Feast's own integration tests ask of an offline store (`make feast` runs them), on data of
our own. Feast's Dask store, or plain values, say what is right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from feast import (
    BatchFeatureView,
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    ValueType,
)
from feast.errors import FeastJoinKeysDuringMaterialization
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.types import Array, Bool, Float32, Int32, Int64, Json, Map, String, Struct, UnixTimestamp
from pyarrow import parquet

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.features.repo import OFFLINE_STORE

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DRIVER = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
TIMES = {"timestamp_field": "at", "created_timestamp_column": "made"}

Make = Callable[..., FeatureStore]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A store of Feast in a folder of its own, whose offline store is ours or another one."""

    def build(*objects: Any, kind: str = OFFLINE_STORE) -> FeatureStore:
        folder = tmp_path / kind
        folder.mkdir(exist_ok=True)
        config = RepoConfig(
            project="test",
            provider="local",
            registry=str(folder / "registry.db"),
            repo_path=tmp_path,
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
            offline_store={"type": kind},
        )
        store = FeatureStore(config=config)
        store.apply(list(objects))
        return store

    return build


def view(name: str, fields: dict[str, Any], source: FileSource, **options: Any) -> FeatureView:
    schema = [Field(name=field, dtype=dtype) for field, dtype in fields.items()]
    return FeatureView(name=name, entities=[DRIVER], schema=schema, source=source, **options)


@pytest.mark.parametrize("kind", [OFFLINE_STORE, "dask"])
def test_a_feature_that_only_the_file_has_is_a_key_error(
    make: Make, tmp_path: Path, kind: str
) -> None:
    pl.DataFrame({"driver_id": [1], "at": [T0], "trips": [3], "rate": [0.5]}).write_parquet(
        tmp_path / "stats.parquet"
    )
    source = FileSource(path=str(tmp_path / "stats.parquet"), timestamp_field="at")
    store = make(DRIVER, view("few", {"trips": Int64}, source), kind=kind)
    asked = pd.DataFrame({"driver_id": [1], "event_timestamp": [T0 + HOUR]})
    with pytest.raises(KeyError, match="rate"):
        store.get_historical_features(entity_df=asked, features=["few:rate"]).to_df()


def complex_rows(start: int, *, swapped: bool) -> pd.DataFrame:
    """Two drivers with a map, a JSON text and a struct; swapped: their keys in another order."""
    profile = [{"name": f"d{start}", "age": "30"}, {"name": f"d{start + 1}", "age": None}]
    if swapped:
        profile = [dict(reversed(item.items())) for item in profile]
    moments = pd.Series([T0 + start * HOUR, T0 + start * HOUR + timedelta(microseconds=1)])
    return pd.DataFrame(
        {
            "at": moments.astype("datetime64[ns, UTC]"),
            "driver_id": [start, start + 1],
            "rate": np.array([0.25, 0.5], dtype="float32"),
            "metadata": [{"kind": "suv", "rating": "4.5"}, {"kind": "van", "rating": "3.0"}],
            "config": [json.dumps({"zones": ["north"]}), json.dumps({})],
            "profile": profile,
            # Without a zone and in nanoseconds, as pandas has it.
            "made": pd.Series([T0.replace(tzinfo=None)] * 2).astype("datetime64[ns]"),
        }
    )


COMPLEX = {
    "rate": Float32,
    "metadata": Map,
    "config": Json,
    "profile": Struct({"name": String, "age": String}),
}


def test_rows_with_maps_json_and_structs_are_added_twice_and_joined(
    make: Make, tmp_path: Path
) -> None:
    """Columns and fields in any order; the file keeps its types."""
    file = tmp_path / "stats.parquet"
    complex_rows(0, swapped=False).to_parquet(file)
    before = parquet.read_schema(file)
    source = FileSource(path=str(file), **TIMES)
    store = make(DRIVER, view("stats", COMPLEX, source))
    for start in (10, 20):
        new = complex_rows(start, swapped=True)
        store.write_to_offline_store("stats", new[sorted(new.columns)])
    assert parquet.read_schema(file).equals(before)
    assert [row["driver_id"] for row in parquet.read_table(file).to_pylist()] == [
        *(0, 1),
        *(10, 11),
        *(20, 21),
    ]
    asked = pd.DataFrame({"driver_id": [1, 10, 21, 99], "event_timestamp": [T0 + 99 * HOUR] * 4})
    peer = make(DRIVER, view("stats", COMPLEX, source), kind="dask")
    names = list(COMPLEX)
    found, theirs = (
        store_.get_historical_features(
            entity_df=asked, features=[f"stats:{name}" for name in names]
        )
        .to_df()
        .sort_values("driver_id")
        for store_ in (store, peer)
    )
    assert found[names].to_dict("list")["profile"] == [
        {"name": "d1", "age": None},
        {"name": "d10", "age": "30"},
        {"name": "d21", "age": None},
        None,
    ]
    for name in ("metadata", "config", "profile"):
        assert found[name].to_list() == theirs[name].to_list()


def test_a_map_stays_a_map(make: Make, tmp_path: Path) -> None:
    """In the answer, and in the file after an append."""
    file = tmp_path / "stats.parquet"
    kind = pa.map_(pa.string(), pa.string())
    table = pa.table(
        {
            "driver_id": [1, 2],
            "at": [T0, T0],
            "metadata": pa.array([[("a", "x")], None], kind),
        }
    )
    parquet.write_table(table, file)
    source = FileSource(path=str(file), timestamp_field="at")
    store = make(DRIVER, view("stats", {"metadata": Map}, source))
    asked = pd.DataFrame({"driver_id": [1, 2, 3], "event_timestamp": [T0 + HOUR] * 3})
    job = store.get_historical_features(entity_df=asked, features=["stats:metadata"])
    assert job.to_arrow()["metadata"].type == kind
    assert job.to_arrow()["metadata"].to_pylist() == [[("a", "x")], None, None]
    new = pd.DataFrame({"driver_id": [3], "at": [T0], "metadata": [{"b": "y"}]})
    store.write_to_offline_store("stats", new)
    assert parquet.read_table(file)["metadata"].to_pylist()[-1] == [("b", "y")]
    assert parquet.read_schema(file).field("metadata").type == kind


LISTS = {
    "ints": (Array(Int32), [[1, 2], []], pa.int32()),
    "bools": (Array(Bool), [[True, False], []], pa.bool_()),
    "floats": (Array(Float32), [[0.5], []], pa.float64()),
    "words": (Array(String), [["a", "b"], []], pa.string()),
    "times": (Array(UnixTimestamp), [[T0.replace(tzinfo=None)], []], pa.timestamp("us")),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_come_out_as_plain_lists_also_empty_ones(
    make: Make, tmp_path: Path, name: str
) -> None:
    dtype, values, inner = LISTS[name]
    times = pa.array([T0, T0], pa.timestamp("us", "UTC"))
    table = pa.table({"driver_id": [1, 2], "at": times, name: pa.array(values, pa.list_(inner))})
    parquet.write_table(table, tmp_path / "lists.parquet")
    source = FileSource(path=str(tmp_path / "lists.parquet"), timestamp_field="at")
    # The time of the entity rows has another name and no zone.
    asked = pd.DataFrame({"driver_id": [1, 2], "ts": [(T0 + HOUR).replace(tzinfo=None)] * 2})
    answers = []
    for kind in (OFFLINE_STORE, "dask"):
        store = make(DRIVER, view("lists", {name: dtype}, source), kind=kind)
        job = store.get_historical_features(entity_df=asked, features=[f"lists:{name}"])
        answers.append([list(value) for value in job.to_df().sort_values("driver_id")[name]])
        if kind == OFFLINE_STORE:
            assert job.to_arrow().schema.field(name).type == pa.list_(inner)
    assert answers[0] == answers[1]


def test_columns_that_folders_hold_are_features(make: Make, tmp_path: Path) -> None:
    rows = pa.table(
        {"driver_id": [1, 2, 1], "at": [T0, T0, T0 + HOUR], "city": ["Ulm", "Ulm", "Bonn"]}
    )
    parquet.write_to_dataset(rows, tmp_path / "stats", partition_cols=["city"])
    (tmp_path / "stats" / "README").write_text("no Parquet file")
    source = FileSource(path="stats", timestamp_field="at")
    store = make(DRIVER, view("stats", {"city": String}, source))
    asked = pd.DataFrame({"driver_id": [1, 2], "event_timestamp": [T0 + 2 * HOUR] * 2})
    job = store.get_historical_features(entity_df=asked, features=["stats:city"])
    assert job.to_df()["city"].to_list() == ["Bonn", "Ulm"]


@pytest.mark.parametrize("as_path", [False, True], ids=["table", "path"])
def test_logs_in_two_batches_are_read_back(make: Make, tmp_path: Path, as_path: bool) -> None:
    """The time of a batch has a zone, that of its values has none."""
    pl.DataFrame({"driver_id": [1], "at": [T0], "trips": [3]}).write_parquet(
        tmp_path / "stats.parquet"
    )
    source = FileSource(path=str(tmp_path / "stats.parquet"), timestamp_field="at")
    stats = view("stats", {"trips": Int64}, source)
    (tmp_path / "log").mkdir()
    logging = LoggingConfig(destination=FileLoggingDestination(path=str(tmp_path / "log")))
    service = FeatureService(name="served", features=[stats], logging_config=logging)
    store = make(DRIVER, stats, service)

    def batch(number: int) -> pa.Table:
        return pa.table(
            {
                "driver_id": pa.array([number], pa.int64()),
                "stats__trips": pa.array([3], pa.int64()),
                "stats__trips__timestamp": pa.array([T0.replace(tzinfo=None)], pa.timestamp("s")),
                "stats__trips__status": pa.array([2], pa.int32()),
                "__log_timestamp": pa.array([T0 + number * HOUR], pa.timestamp("us", "UTC")),
                "__log_date": pa.array([T0.date()], pa.date32()),
                "__request_id": [f"r{number}"],
            }
        )

    for number in (1, 2):
        logs: Any = batch(number)
        if as_path:
            logs = tmp_path / f"batch{number}.parquet"
            parquet.write_table(batch(number), logs)
        store.write_logged_features(source=service, logs=logs)
    job = store._get_provider().retrieve_feature_service_logs(
        feature_service=service,
        start_date=T0 + HOUR,
        end_date=T0 + HOUR,
        config=store.config,
        registry=store.registry,
    )
    assert job.to_df()["__request_id"].to_list() == ["r1"]


@pytest.mark.parametrize("transformed", [{}, {"mode": "python", "udf": lambda rows: rows}])
def test_a_view_of_batches_is_put_online(
    make: Make, tmp_path: Path, transformed: dict[str, Any]
) -> None:
    """For a transformation Feast asks for all columns of the source."""
    pl.DataFrame({"driver_id": [1, 1], "at": [T0, T0 + HOUR], "trips": [3, 4]}).write_parquet(
        tmp_path / "stats.parquet"
    )
    stats = BatchFeatureView(
        name="stats",
        entities=[DRIVER],
        schema=[Field(name="trips", dtype=Int64)],
        ttl=timedelta(0),
        online=True,
        source=FileSource(path=str(tmp_path / "stats.parquet"), timestamp_field="at"),
        **transformed,
    )
    store = make(DRIVER, stats)
    store.materialize(T0 - HOUR, T0 + 2 * HOUR)
    online = store.get_online_features(features=["stats:trips"], entity_rows=[{"driver_id": 1}])
    assert online.to_dict()["trips"] == [4]


def test_a_file_without_the_join_key_is_refused_in_feasts_words(make: Make, tmp_path: Path) -> None:
    pl.DataFrame({"other": [1], "at": [T0], "trips": [3]}).write_parquet(tmp_path / "stats.parquet")
    source = FileSource(path=str(tmp_path / "stats.parquet"), timestamp_field="at")
    store = make(DRIVER, view("stats", {"trips": Int64}, source))
    with pytest.raises(FeastJoinKeysDuringMaterialization):
        store.materialize(T0 - HOUR, T0 + HOUR)


def test_a_value_that_does_not_fit_leaves_the_file_as_it_was(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "stats.parquet"
    pl.DataFrame({"driver_id": [1], "at": [T0], "trips": [3]}).write_parquet(file)
    before = file.read_bytes()
    source = FileSource(path=str(file), timestamp_field="at")
    store = make(DRIVER, view("stats", {"trips": Int64}, source))
    new = pd.DataFrame({"driver_id": [1], "at": [T0], "trips": [2.5]})
    with pytest.raises(Unprocessable, match="Column trips of the rows for stats does not fit"):
        store.write_to_offline_store("stats", new)
    assert file.read_bytes() == before
