"""Our offline store behind Feast's own API, against a search over all pairs of rows; and what Feast
asks of a store besides.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from feast import (
    Entity,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    RequestSource,
    ValueType,
)
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.features.repo import OFFLINE_STORE

T0 = datetime(2026, 1, 1, tzinfo=UTC)
USER = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
ITEM = Entity(name="item", join_keys=["item_id"], value_type=ValueType.INT64)

Make = Callable[..., FeatureStore]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A Feast store over `tmp_path` with our offline store."""

    def build(*objects: Any, **options: Any) -> FeatureStore:
        config = RepoConfig(
            project="test",
            provider="local",
            registry=str(tmp_path / "registry.db"),
            repo_path=tmp_path,
            online_store={"type": "sqlite", "path": str(tmp_path / "online.db")},
            offline_store={"type": OFFLINE_STORE, **options},
        )
        store = FeatureStore(config=config)
        store.apply(list(objects))
        return store

    return build


def view(
    name: str,
    entities: list[Entity],
    ttl: timedelta | None,
    features: dict[str, Any],
    **source: Any,
) -> FeatureView:
    values = {
        "path": f"{name}.parquet",
        "timestamp_field": "at",
        "created_timestamp_column": "made",
    } | source
    fields = [Field(name=feature, dtype=dtype) for feature, dtype in features.items()]
    return FeatureView(
        name=name, entities=entities, ttl=ttl, schema=fields, source=FileSource(name=name, **values)
    )


def messy(
    rng: random.Random, keys: dict[str, int], prefix: str, *, rows: int = 250
) -> pl.DataFrame:
    """Rows with many equal event times, rows created days late, and some without event time."""
    hours = [rng.randrange(120) if rng.random() > 0.05 else None for _ in range(rows)]
    at = [None if hour is None else T0 + timedelta(hours=hour) for hour in hours]
    late = [
        timedelta(seconds=n)
        + (timedelta(hours=rng.randrange(60)) if rng.random() < 0.5 else timedelta())
        for n in range(rows)
    ]
    frame = {key: [rng.randrange(size) for _ in range(rows)] for key, size in keys.items()}
    return pl.DataFrame(
        frame
        | {
            "at": at,
            "made": [(moment or T0) + delay for moment, delay in zip(at, late, strict=True)],
            f"{prefix}_n": list(range(rows)),
        },
        schema_overrides={"at": pl.Datetime("us", "UTC"), "made": pl.Datetime("us", "UTC")},
    ).with_columns(
        pl.when(pl.col(f"{prefix}_n") % 10 > 0)
        .then(pl.col(f"{prefix}_n") / 7)
        .alias(f"{prefix}_x"),
        pl.format("s{}", f"{prefix}_n").alias(f"{prefix}_s"),
    )


def search(
    entities: Sequence[dict[str, Any]],
    rows: Sequence[dict[str, Any]],
    keys: Sequence[str],
    ttl: timedelta,
    created: bool,
) -> list[dict[str, Any]]:
    """For each entity row, its source row by looking at every one; {} where there is none."""
    found = []
    for entity in entities:
        now = entity["event_timestamp"]
        usable = [
            (row["at"], row["made"], position)
            for position, row in enumerate(rows)
            if row["at"] is not None
            and all(row[key] == entity[key] for key in keys)
            and row["at"] <= now
            and (not ttl or now - row["at"] <= ttl)
            and (not created or row["made"] <= now)
        ]
        found.append(rows[max(usable)[2]] if usable else {})
    return found


@pytest.mark.parametrize("strategy", ["asof", "hash"])
@pytest.mark.parametrize("created", [False, True], ids=["", "created counts"])
@pytest.mark.parametrize(
    ("seed", "ttls"),
    [
        (1, (timedelta(hours=10), timedelta(days=2))),
        (2, (timedelta(0), timedelta(hours=30))),
        (3, (timedelta(minutes=90), timedelta(0))),
    ],
)
def test_feast_returns_what_a_search_over_all_rows_returns(
    make: Make,
    tmp_path: Path,
    seed: int,
    ttls: tuple[timedelta, timedelta],
    strategy: str,
    created: bool,
) -> None:
    rng = random.Random(seed)
    first, second = messy(rng, {"user_id": 6}, "a"), messy(rng, {"user_id": 6, "item_id": 4}, "b")
    first.write_parquet(tmp_path / "a.parquet", row_group_size=40)
    second.write_parquet(tmp_path / "b.parquet", row_group_size=40)
    types = {"n": Int64, "x": Float64, "s": String}
    store = make(
        USER,
        ITEM,
        view("a", [USER], ttls[0], {f"a_{name}": dtype for name, dtype in types.items()}),
        view("b", [USER, ITEM], ttls[1], {f"b_{name}": dtype for name, dtype in types.items()}),
        strategy=strategy,
    )
    entity_rows = [
        {
            "user_id": rng.randrange(8),
            "item_id": rng.randrange(4),
            "event_timestamp": (
                T0 + timedelta(hours=rng.randrange(-5, 140), minutes=rng.choice([0, 0, 59]))
            ),
            "label": n,
        }
        for n in range(150)
    ]
    entity_rows += [row | {"label": row["label"] + 1000} for row in entity_rows[:20]]
    rng.shuffle(entity_rows)
    features = [f"{side}:{side}_{name}" for side in "ab" for name in types]

    result = store.get_historical_features(
        entity_df=pd.DataFrame(entity_rows), features=features, filter_by_created_timestamp=created
    ).to_df()

    wanted_a = search(entity_rows, first.to_dicts(), ["user_id"], ttls[0], created)
    wanted_b = search(entity_rows, second.to_dicts(), ["user_id", "item_id"], ttls[1], created)
    assert list(result["label"]) == [row["label"] for row in entity_rows]
    for name in types:
        for side, wanted in (("a", wanted_a), ("b", wanted_b)):
            column = result[f"{side}_{name}"]
            assert [None if pd.isna(value) else value for value in column] == [
                row.get(f"{side}_{name}") for row in wanted
            ]
    assert 10 < sum(bool(row) for row in wanted_a) < 160  # the case is neither empty nor trivial


@pytest.fixture
def small(make: Make, tmp_path: Path) -> FeatureStore:
    """One view of two users with three rows, one of them tied."""
    rows = {
        "user_id": [1, 1, 2],
        "at": [T0, T0 + timedelta(hours=5), T0],
        "made": [T0] * 3,
        "score": [1.0, 2.0, 3.0],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "scores.parquet")
    return make(USER, view("scores", [USER], timedelta(days=1), {"score": Float64}))


ASKED = pd.DataFrame(
    {
        "user_id": [2, 1, 1],
        "event_timestamp": [
            T0 + timedelta(hours=6),
            T0 + timedelta(hours=6),
            T0 + timedelta(hours=1),
        ],
    }
)


def test_entity_rows_may_be_pandas_polars_or_a_parquet_file(
    small: FeatureStore, tmp_path: Path
) -> None:
    pl.from_pandas(ASKED).write_parquet(tmp_path / "entities.parquet")
    for entities in (ASKED, pl.from_pandas(ASKED), str(tmp_path / "entities.parquet")):
        job = small.get_historical_features(entity_df=entities, features=["scores:score"])
        assert job.to_polars()["score"].to_list() == [3.0, 2.0, 1.0]
        assert job.to_arrow()["score"].to_pylist() == [3.0, 2.0, 1.0]


def test_full_names_carry_the_view(small: FeatureStore) -> None:
    job = small.get_historical_features(
        entity_df=ASKED, features=["scores:score"], full_feature_names=True
    )
    assert list(job.to_df().columns) == ["user_id", "event_timestamp", "scores__score"]
    assert job.metadata.keys == ["user_id"]


def test_a_view_can_be_joined_twice_under_other_names_and_keys(
    small: FeatureStore, tmp_path: Path
) -> None:
    from feast import FeatureService

    scores = small.get_feature_view("scores")
    service = FeatureService(
        name="pair",
        features=[
            scores.with_name("left").with_join_key_map({"user_id": "left_id"}),
            scores.with_name("right").with_join_key_map({"user_id": "right_id"}),
        ],
    )
    small.apply([service])
    entities = pd.DataFrame(
        {"left_id": [1, 2], "right_id": [2, 1], "event_timestamp": [T0 + timedelta(hours=6)] * 2}
    )
    result = small.get_historical_features(
        entity_df=entities, features=small.get_feature_service("pair"), full_feature_names=True
    ).to_df()
    assert result["left__score"].to_list() == [2.0, 3.0]
    assert result["right__score"].to_list() == [3.0, 2.0]


def test_columns_mapped_in_the_definition_are_read_under_their_own_names(
    make: Make, tmp_path: Path
) -> None:
    rows = {"uid": [1, 1], "t": [T0, T0 + timedelta(hours=1)], "m": [T0] * 2, "raw": [1.5, 2.5]}
    pl.DataFrame(rows).write_parquet(tmp_path / "mapped.parquet")
    mapping = {"uid": "user_id", "raw": "score", "t": "at", "m": "made"}
    store = make(USER, view("mapped", [USER], None, {"score": Float64}, field_mapping=mapping))
    entities = pd.DataFrame({"user_id": [1], "event_timestamp": [T0 + timedelta(minutes=30)]})
    assert store.get_historical_features(entity_df=entities, features=["mapped:score"]).to_df()[
        "score"
    ].to_list() == [1.5]
    store.materialize(T0 - timedelta(days=1), T0 + timedelta(days=1), ["mapped"])
    assert store.get_online_features(
        features=["mapped:score"], entity_rows=[{"user_id": 1}]
    ).to_dict()["score"] == [2.5]


def test_a_view_without_entities_gives_its_newest_row_to_all(make: Make, tmp_path: Path) -> None:
    pl.DataFrame(
        {"at": [T0, T0 + timedelta(hours=2)], "made": [T0] * 2, "rate": [1.0, 2.0]}
    ).write_parquet(tmp_path / "rates.parquet")
    store = make(view("rates", [], None, {"rate": Float64}))
    entities = pd.DataFrame(
        {
            "event_timestamp": [
                T0 + timedelta(hours=1),
                T0 + timedelta(hours=3),
                T0 - timedelta(hours=1),
            ]
        }
    )
    result = store.get_historical_features(entity_df=entities, features=["rates:rate"]).to_polars()
    assert result["rate"].to_list() == [1.0, 2.0, None]
    store.materialize(T0 - timedelta(days=1), T0 + timedelta(days=1), ["rates"])
    assert store.get_online_features(features=["rates:rate"], entity_rows=[{"any": 1}]).to_dict()[
        "rate"
    ] == [2.0]


def test_on_demand_features_are_computed_from_the_joined_rows(small: FeatureStore) -> None:
    request = RequestSource(name="request", schema=[Field(name="bonus", dtype=Float64)])

    @on_demand_feature_view(
        sources=[small.get_feature_view("scores"), request],
        schema=[Field(name="total", dtype=Float64)],
    )
    def totals(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"total": rows["score"] + rows["bonus"]})

    small.apply([totals])
    result = small.get_historical_features(
        entity_df=ASKED.assign(bonus=[10.0, 20.0, 30.0]), features=["totals:total"]
    ).to_polars()
    assert result["total"].to_list() == [13.0, 22.0, 31.0]


def test_pull_latest_takes_one_row_of_each_entity_inside_the_range(
    make: Make, tmp_path: Path
) -> None:
    hours = [0, 5, 9, 5]
    rows = {
        "user_id": [1, 1, 1, None],
        "at": [T0 + timedelta(hours=hour) for hour in hours],
        "made": [T0 + timedelta(hours=20 - hour) for hour in hours],
        "score": [0.0, 5.0, 9.0, 7.0],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "scores.parquet")
    store = make(USER, view("scores", [USER], None, {"score": Float64}))
    source = store.get_feature_view("scores").batch_source
    values = {
        "config": store.config,
        "data_source": source,
        "join_key_columns": ["user_id"],
        "feature_name_columns": ["score"],
        "timestamp_field": "at",
        "created_timestamp_column": "made",
    }
    pull = store._get_provider().offline_store
    latest = pull.pull_latest_from_table_or_query(
        **values, start_date=T0 + timedelta(hours=1), end_date=T0 + timedelta(hours=5)
    ).to_polars()
    assert latest.columns == ["user_id", "score", "at", "made"]
    assert latest.rows() == [(1, 5.0, T0 + timedelta(hours=5), T0 + timedelta(hours=15))]
    everything = pull.pull_all_from_table_or_query(
        **values, start_date=T0 + timedelta(hours=5), end_date=T0 + timedelta(hours=9)
    ).to_polars()
    assert everything["score"].to_list() == [5.0, 9.0, 7.0]


def test_rows_written_to_the_offline_store_are_appended_to_the_source(
    small: FeatureStore, tmp_path: Path
) -> None:
    new = pd.DataFrame(
        {"user_id": [2], "at": [T0 + timedelta(hours=2)], "made": [T0], "score": [30.0]}
    )
    small.write_to_offline_store("scores", new)
    assert pl.read_parquet(tmp_path / "scores.parquet")["score"].to_list() == [1.0, 2.0, 3.0, 30.0]
    with pytest.raises(Exception, match="score"):
        small.write_to_offline_store("scores", new.drop(columns="score"))
    assert pl.read_parquet(tmp_path / "scores.parquet").height == 4
    assert [path.name for path in tmp_path.glob(".*parquet*")] == []


def test_a_saved_dataset_is_a_parquet_file_and_is_not_overwritten_unasked(
    small: FeatureStore, tmp_path: Path
) -> None:
    from feast.errors import SavedDatasetLocationAlreadyExists
    from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

    job = small.get_historical_features(entity_df=ASKED, features=["scores:score"])
    target = SavedDatasetFileStorage(path="saved.parquet")
    job.persist(target)
    assert pl.read_parquet(tmp_path / "saved.parquet")["score"].to_list() == [3.0, 2.0, 1.0]
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        job.persist(target)


@pytest.mark.parametrize(
    ("entities", "what"),
    [
        (7, "cannot be read"),
        ("SELECT 1", "cannot be read"),
        (pd.DataFrame({"user_id": [1], "event_timestamp": ["x"]}), "event_timestamp is"),
        (pd.DataFrame({"user_id": [1, "a"], "event_timestamp": [T0, T0]}), "values of one kind"),
    ],
)
def test_entity_rows_of_no_use_are_refused(small: FeatureStore, entities: Any, what: str) -> None:
    with pytest.raises(BadRequest, match=what):
        small.get_historical_features(entity_df=entities, features=["scores:score"])


def test_a_source_that_polars_cannot_read_is_named(tmp_path: Path) -> None:
    from feast.protos.feast.core.DataSource_pb2 import DataSource

    from jupyter_mlinfra.features.dataset_source import spec_of
    from jupyter_mlinfra.features.sources import scan

    source = DataSource(name="lake", type=DataSource.BATCH_SNOWFLAKE, timestamp_field="at")
    with pytest.raises(Unprocessable, match="lake cannot be read") as caught:
        scan(spec_of(source), tmp_path)
    assert "feature_store.yaml" in caught.value.fix
