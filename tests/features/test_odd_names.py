"""Features, keys and times whose names are patterns of names to Polars are columns like others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.join import JoinView, Strategy, join_as_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)

DEFINITIONS = """
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Float64
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["^a.*$"], value_type=ValueType.INT64)
odd = FeatureView(
    name="odd",
    entities=[user],
    schema=[Field(name=name, dtype=Float64) for name in ("*", "^b.*$", "b1")],
    source=FileSource(path="odd.parquet", timestamp_field="^t.*$"),
)
"""
ROWS = pl.DataFrame(
    {
        "key": [1, 2, 1],
        "time": [T0, T0, T0 + timedelta(hours=2)],
        "*": [1.0, 2.0, 3.0],
        "^b.*$": [10.0, None, 30.0],
        "b1": [0.0, 0.0, 0.0],
        "t2": [0, 0, 0],
    }
).rename({"key": "^a.*$", "time": "^t.*$"})  # Polars itself makes no such series of times
ENTITIES = pl.DataFrame(
    {
        "*x": [0, 1, 2],
        "^a.*$": [2, 1, 1],
        "at": [T0 + timedelta(hours=hours) for hours in (1, 1, 3)],
    }
)


@pytest.fixture
def features(tmp_path: Path) -> Iterator[Features]:
    repo = tmp_path / "feature_repo"
    repo.mkdir()
    (tmp_path / "mlinfra.toml").write_text(
        f'[project]\nname = "odd"\n[features]\nas_of = "{T0 + timedelta(hours=1)}"\n'
    )
    ROWS.write_parquet(repo / "odd.parquet")
    (repo / "views.py").write_text(DEFINITIONS)
    project = Project.open(tmp_path)
    yield Features(project)
    project.database.close()


@pytest.mark.slow
def test_they_are_joined_counted_and_served_by_their_very_names(features: Features) -> None:
    features.apply()
    names = ("odd:^b.*$", "odd:b1")
    found = features.training_set(names, ENTITIES, at="at")
    assert found.columns == [*ENTITIES.columns, "^b.*$", "b1"]
    assert found["^b.*$"].to_list() == [None, 10.0, 30.0]
    every = features.training_set(["odd:*"], ENTITIES, at="at")
    assert every["*"].to_list() == [2.0, 1.0, 3.0]
    assert features.examples(["odd:*"], 1)["^a.*$"].to_list() == [1]
    written = features.materialize()
    assert [item.rows for item in written] == [2]
    (row,) = features.online(names, [{"^a.*$": 1}])
    assert row.values == {"odd:^b.*$": 10.0, "odd:b1": 0.0}


@pytest.mark.parametrize("strategy", ["asof", "hash"])
def test_keys_and_times_of_such_names_match_no_other_columns(strategy: Strategy) -> None:
    view = JoinView(
        name="odd",
        frame=ROWS.lazy(),
        keys={"*": "^a.*$"},
        features={"^b.*$": "^c.*$", "*": "star"},
        time="^t.*$",
        created="^t.*$",
        created_counts=True,
    )
    entities = ENTITIES.rename({"^a.*$": "*", "at": "^u.*$"})
    found = join_as_of(entities.lazy(), [view], at="^u.*$", strategy=strategy).collect()
    assert found.columns == [*entities.columns, "^c.*$", "star"]
    assert found["star"].to_list() == [2.0, 1.0, 3.0]
    assert found["^c.*$"].to_list() == [None, 10.0, 30.0]
