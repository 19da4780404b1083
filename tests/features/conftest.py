"""A small shop: users, clicks and spending, as Parquet files that Feast's FileSource reads."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from once import once

from jupyter_mlinfra.core.feast_online.feast_itself import feast_timestamps
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features

T0 = datetime(2026, 3, 1, tzinfo=UTC)

DEFINITIONS = """
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)

clicks = FeatureView(
    name="clicks",
    entities=[user],
    ttl=timedelta(hours=30),
    schema=[
        Field(name="clicks_7d", dtype=Int64, description="Clicks of a week"),
        Field(name="rate", dtype=Float64),
    ],
    source=FileSource(
        path="data/clicks.parquet", timestamp_field="at", created_timestamp_column="made"
    ),
    owner="ana",
    tags={"team": "growth"},
    description="What a user clicked",
)

spend = FeatureView(
    name="spend",
    entities=[user, item],
    schema=[Field(name="amount", dtype=Float64), Field(name="shop", dtype=String)],
    source=FileSource(path="data/spend.parquet", timestamp_field="at"),
)
"""


def write_sources(data: Path) -> None:
    """Ten users; user u clicked u times at T0 and 10·u times a day later, noted at once. User 0 has
    no rate.
    """
    data.mkdir(parents=True, exist_ok=True)
    users = list(range(10))
    first = pl.DataFrame(
        {
            "user_id": users,
            "at": [T0] * 10,
            "clicks_7d": users,
            "rate": [None, *[u / 10 for u in users[1:]]],
        }
    )
    second = first.with_columns(
        at=pl.col("at") + timedelta(days=1), clicks_7d=pl.col("clicks_7d") * 10
    )
    pl.concat([first, second]).with_columns(made=pl.col("at")).write_parquet(
        data / "clicks.parquet"
    )
    pairs = [(u, i) for u in range(3) for i in ("book", "pen")]
    spent = {
        "user_id": [u for u, _ in pairs],
        "item_id": [i for _, i in pairs],
        "amount": [float(n) for n in range(6)],
        "shop": ["x"] * 6,
    }
    pl.DataFrame(spent).with_columns(at=pl.lit(T0)).write_parquet(data / "spend.parquet")


def make_shop(root: Path, settings: str = "") -> Project:
    """A project with the definitions and data above, not applied yet."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlinfra.toml").write_text(f'[project]\nname = "shop"\n{settings}')
    repo = root / "feature_repo"
    write_sources(repo / "data")
    (repo / "views.py").write_text(DEFINITIONS)
    return Project.open(root)


@pytest.fixture(autouse=True)
def times_of_feast() -> Iterator[None]:
    """Tests that ran before may have loaded IPython, whose history has another form of times."""
    with feast_timestamps():
        yield


@pytest.fixture
def fresh_shop(tmp_path: Path) -> Iterator[Project]:
    """The shop with its definitions written and nothing applied."""
    project = make_shop(tmp_path / "shop")
    yield project
    project.database.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop, applied; to be copied, because applying takes seconds."""

    def make(root: Path) -> None:
        project = make_shop(root)
        Features(project).apply()
        project.database.close()

    return once(tmp_path_factory, "applied-shop", make)


@pytest.fixture
def applied_shop(tmp_path: Path, template: Path) -> Iterator[Project]:
    """An applied shop of one test's own."""
    shutil.copytree(template, tmp_path / "shop")
    project = Project.open(tmp_path / "shop")
    yield project
    project.database.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Features]:
    """The shop, applied and materialized; tests only read it. Times are judged as of T0 + 2
    days.
    """

    def make(root: Path) -> None:
        project = make_shop(root, f'[features]\nas_of = "{T0 + timedelta(days=2)}"\n')
        features = Features(project)
        features.apply()
        features.materialize()
        project.database.close()

    root = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(once(tmp_path_factory, "materialized-shop", make), root)
    project = Project.open(root)
    yield Features(project)
    project.database.close()


@pytest.fixture
def run_line(
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run words of the command line; its exit code and JSON."""
    import json

    from jupyter_mlinfra.cli.app import main

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*words, "--json"])
        return int(ended.value.code or 0), json.loads(capfd.readouterr().out or "{}")

    return run
