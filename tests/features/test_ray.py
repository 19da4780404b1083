"""One repository with Feast's Ray store and with ours, by configuration: where both give the answer
of a search over all pairs of rows, and in how many rows Feast's Ray store gives another. `make ray`
runs it.
"""

from __future__ import annotations

import importlib.util
import random
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import polars as pl
import pytest
from feast import FeatureStore, FeatureView, Field, FileSource
from feast.types import Int64
from real_ray import be_patient

from .test_join import brute_force

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.skipif("not config.getoption('--real-ray')"),
    pytest.mark.timeout(1800),
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "ray"
TTL = timedelta(hours=10)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The program of the example in a copy of its folder, with its sources written and applied."""
    import ray

    monkeypatch = pytest.MonkeyPatch()
    be_patient(monkeypatch)
    folder = tmp_path_factory.mktemp("rides") / "ray"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("data", "__pycache__"))
    monkeypatch.syspath_prepend(folder)
    spec = importlib.util.spec_from_file_location("run", folder / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_sources(folder / "data")
    store(module, "polars.yaml").apply([module.driver, module.zone, module.trips, module.demand])
    yield module
    ray.shutdown()
    monkeypatch.undo()


def store(example: ModuleType, configuration: str) -> FeatureStore:
    return FeatureStore(
        repo_path=str(example.HERE), fs_yaml_file=Path(example.HERE) / configuration
    )


def answers(
    example: ModuleType, configuration: str, rows: pd.DataFrame, features: Sequence[str]
) -> dict[int, tuple[Any, ...]]:
    """The values of each entity row that comes back, by its number, in the order of the answer."""
    asked = store(example, configuration).get_historical_features(
        entity_df=rows, features=list(features)
    )
    found = asked.to_df()
    names = [feature.partition(":")[2] for feature in features]
    values = found[names].astype(object).where(found[names].notna(), None)
    return dict(
        zip(found["row"].astype(int), values.itertuples(index=False, name=None), strict=True)
    )


def searched(rows: pd.DataFrame, source: pl.DataFrame, ttl: timedelta | None) -> list[Any]:
    """`n` of the row that wins for each entity row, by looking at every pair."""
    by_driver = dict[int, list[dict[str, Any]]]()
    for row in source.to_dicts():
        by_driver.setdefault(row["driver_id"], []).append({**row, "t": row["at"], "c": row["made"]})
    found = []
    for asked in rows.itertuples():
        driver = None if pd.isna(asked.driver_id) else int(asked.driver_id)
        at = None if pd.isna(asked.event_timestamp) else asked.event_timestamp.to_pydatetime()
        known = by_driver.get(driver, []) if driver is not None else []
        place = brute_force([{"driver_id": driver, "at": at}], known, ["driver_id"], ttl, False)[0]
        found.append(None if place is None else known[place]["n"])
    return found


def add_view(
    example: ModuleType, name: str, source: pl.DataFrame, ttl: timedelta | None = None
) -> str:
    """Apply a view over the rows of `source`; its feature."""
    path = Path(example.HERE) / "data" / f"{name}.parquet"
    source.rename({"n": name}).write_parquet(path)
    feast = store(example, "polars.yaml")
    view = FeatureView(
        name=name,
        entities=[feast.get_entity("driver")],
        ttl=ttl,
        schema=[Field(name=name, dtype=Int64)],
        source=FileSource(
            name=name,
            path=f"data/{name}.parquet",
            timestamp_field="at",
            created_timestamp_column="made",
        ),
    )
    feast.apply([view])
    return f"{name}:{name}"


def rows_of(example: ModuleType, *, ties: bool) -> pl.DataFrame:
    """Rows of 12 drivers. ties: most have the time of others, and were made in another order."""
    rng = random.Random(5)
    minutes = (
        [rng.randrange(200) * 100 for _ in range(400)] if ties else rng.sample(range(20_000), 400)
    )
    at = [example.START + timedelta(minutes=minute) for minute in minutes]
    made = [moment + timedelta(seconds=rng.randrange(10**6)) for moment in at]
    return pl.DataFrame(
        {
            "driver_id": [rng.randrange(12) for _ in at],
            "at": at,
            "made": made,
            "n": list(range(400)),
        }
    ).with_columns(pl.col("at", "made").cast(pl.Datetime("us", "UTC")))


def wrong(found: dict[int, tuple[Any, ...]], place: int, wanted: Sequence[Any]) -> int:
    """Rows that came back with another value than the search has."""
    values = {row: None if got[place] is None else int(got[place]) for row, got in found.items()}
    return sum(value != wanted[row] for row, value in values.items())


def test_the_example_gives_equal_answers(example: ModuleType) -> None:
    example.main()  # it compares both stores
    ray = answers(example, "feature_store.yaml", example.entities(), example.FEATURES)
    assert len(ray) == 300
    assert sum(values[0] is not None for values in ray.values()) > 200


@pytest.fixture(scope="module")
def rows(example: ModuleType) -> pd.DataFrame:
    return example.entities()


def test_feasts_ray_store_ignores_the_ttl_and_the_created_time(
    example: ModuleType, rows: pd.DataFrame
) -> None:
    expiring, tied = rows_of(example, ties=False), rows_of(example, ties=True)
    features = [add_view(example, "expiring", expiring, TTL), add_view(example, "tied", tied)]
    wanted = [searched(rows, expiring, TTL), searched(rows, tied, None)]
    ours = answers(example, "polars.yaml", rows, features)
    assert list(ours) == list(range(300))
    assert [wrong(ours, place, wanted[place]) for place in (0, 1)] == [0, 0]
    ray = answers(example, "feature_store.yaml", rows, features)
    assert list(ray) == list(range(300))
    assert wrong(ray, 0, searched(rows, expiring, None)) == 0
    # of rows with the same time, the last of the source
    assert wrong(ray, 1, searched(rows, tied.with_columns(made=None), None)) == 0
    assert [wrong(ray, place, wanted[place]) for place in (0, 1)] == [100, 11]


def test_feasts_ray_store_loses_values_of_a_table_over_its_threshold(
    example: ModuleType, rows: pd.DataFrame
) -> None:
    few, rng = rows_of(example, ties=False), random.Random(6)
    at = [example.START + timedelta(microseconds=rng.randrange(10**9)) for _ in range(60_000)]
    of_another = {"driver_id": [99] * len(at), "at": at, "made": at, "n": range(len(at))}
    large = few.vstack(pl.DataFrame(of_another, schema=few.schema))  # 1.9 MB
    feature = add_view(example, "large", large)
    wanted = searched(rows, large, None)
    assert wrong(answers(example, "polars.yaml", rows, [feature]), 0, wanted) == 0
    assert wrong(answers(example, "feature_store.yaml", rows, [feature]), 0, wanted) == 0
    text = (Path(example.HERE) / "feature_store.yaml").read_text()
    (Path(example.HERE) / "windowed.yaml").write_text(
        text.replace("threshold_mb: 4096", "threshold_mb: 1")
    )
    ray = answers(example, "windowed.yaml", rows, [feature])
    assert len(ray) == 300
    assert wrong(ray, 0, [None] * 300) == 0  # also those of the same hour, of which 14 rows know
    assert wrong(ray, 0, wanted) == 251


def test_feasts_ray_store_drops_rows_without_a_key_or_a_time(
    example: ModuleType, rows: pd.DataFrame
) -> None:
    """Rows 300 to 319 repeat the first ones, 20 more have no time, and 20 no key."""
    source = rows_of(example, ties=False)
    feature = add_view(example, "plain", source)
    last = rows.tail(20)
    untidy = pd.concat(
        [rows, rows.head(20), last.assign(event_timestamp=pd.NaT), last.assign(driver_id=pd.NA)],
        ignore_index=True,
    ).assign(row=range(360))
    untidy["driver_id"] = untidy["driver_id"].astype("Int64")
    untidy["event_timestamp"] = pd.to_datetime(untidy["event_timestamp"], utc=True)
    wanted = searched(untidy, source, None)
    ours = answers(example, "polars.yaml", untidy, [feature])
    assert list(ours) == list(range(360))
    assert wrong(ours, 0, wanted) == 0
    ray = answers(example, "feature_store.yaml", untidy, [feature])
    assert list(ray) == list(range(320))
    assert wrong(ray, 0, wanted) == 0


def test_feasts_ray_store_drops_repeated_rows_over_a_source_of_one_key(
    example: ModuleType, rows: pd.DataFrame
) -> None:
    """Rows 300 to 319 repeat the first ones."""
    source = rows_of(example, ties=False).with_columns(driver_id=pl.lit(0, pl.Int64))
    feature = add_view(example, "single", source)
    repeated = pd.concat([rows, rows.head(20)], ignore_index=True).assign(
        driver_id=0, row=range(320)
    )
    wanted = searched(repeated, source, None)
    ours = answers(example, "polars.yaml", repeated, [feature])
    assert list(ours) == list(range(320))
    assert wrong(ours, 0, wanted) == 0
    ray = answers(example, "feature_store.yaml", repeated, [feature])
    assert len(ray) == 300
    assert wrong(ray, 0, wanted) == 0
    assert list(ray) == list(repeated.loc[list(ray)].sort_values("event_timestamp")["row"])
