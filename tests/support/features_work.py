"""What is done with features, and what a user sees of it: as `catalog_work`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feast.infra.online_stores.sqlite
import feast.infra.registry.sql  # noqa: F401 (loaded before a process is forked)
import polars as pl
from catalog_work import unneeded

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features

T0 = datetime(2026, 3, 1, tzinfo=UTC)
USERS, STORED = 5, "ml.train"
DEFINITIONS = """
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Int64
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
clicks = FeatureView(
    name="clicks",
    entities=[user],
    schema=[Field(name="n", dtype=Int64)],
    source=FileSource(path="clicks.parquet", timestamp_field="at"),
)
"""


def _of(root: Path) -> Features:
    return Features(Project.open(root))


def _clicked(days: int) -> pl.DataFrame:
    """Each user once a day; user u clicked u + 10 times the day."""
    rows = [
        (u, T0 + timedelta(days=day), u + 10 * day) for day in range(days) for u in range(USERS)
    ]
    return pl.DataFrame(rows, schema=["user_id", "at", "n"], orient="row")


def _shop(root: Path) -> Features:
    repo = root / "feature_repo"
    repo.mkdir()
    _clicked(1).write_parquet(repo / "clicks.parquet")
    (repo / "views.py").write_text(DEFINITIONS)
    features = _of(root)
    assert not features.apply().problems
    return features


def seen(root: Path) -> dict[str, Any]:
    """What a user sees: values online and since when, the stored training set and whether it can be
    made again.
    """
    features, catalog = _of(root), Catalog(Project.open(root))
    rows = features.online(["clicks:n"], [{"user_id": user} for user in range(USERS)])
    ended = features.feast().get_feature_view("clicks").most_recent_end_time
    found: dict[str, Any] = {
        "rows": [(row.values["clicks:n"], row.status["clicks:n"]) for row in rows],
        "noted": [str(features.show("clicks").view.online_at), str(ended and ended.date())],
    }
    try:
        stored = catalog.dataset(STORED).scan().collect()
    except NotFound:
        return found | {"stored": None}
    same = features.compare_snapshot(STORED).same
    return found | {
        "stored": [*map(str, stored.rows()), same],
        "damaged": [item.file for item in catalog.verify(STORED).damaged],
        "states": len(catalog.snapshots(STORED).items),
    }


def left_over(root: Path) -> list[str]:
    """Data files that nobody needs after one more training set."""
    snapshot(root)
    return unneeded(Catalog(Project.open(root)), root, STORED)


def before_snapshot(root: Path) -> None:
    _shop(root).materialize()


def snapshot(root: Path) -> Any:
    entities = pl.DataFrame({"user_id": [0, 1, 99], "at": [T0, T0 + timedelta(hours=1), T0]})
    return _of(root).snapshot(STORED, ["clicks:n"], entities, at="at").rows
