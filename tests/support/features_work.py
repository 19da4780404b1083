"""What is done with features, and what a user sees of it: as `catalog_work`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feast.infra.online_stores.redis
import feast.infra.online_stores.sqlite
import feast.infra.registry.sql  # noqa: F401 (loaded before a process is forked)
import polars as pl
from catalog_work import unneeded

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import MLInfraError, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.feast_errors import told
from jupyter_mlinfra.features.materializing import Wish
from jupyter_mlinfra.features.materializing import materialize as in_this_process

T0, DAY = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=1)
USERS, STORED, PUSHED = 5, "ml.train", 1
DEFINITIONS = """
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Int64
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
clicks = FeatureView(
    name="clicks",
    entities=[user],
    schema=[Field(name="n", dtype=Int64), Field(name="twice", dtype=Int64)],
    source=FileSource(path="clicks.parquet", timestamp_field="at"),
)
"""


def _of(root: Path) -> Features:
    return Features(Project.open(root))


def _clicked(days: Iterable[int]) -> pl.DataFrame:
    """Each user once a day; user u clicked u + 10 times the day."""
    rows = [
        (u, T0 + DAY * day, u + 10 * day, 2 * (u + 10 * day)) for day in days for u in range(USERS)
    ]
    return pl.DataFrame(rows, schema=["user_id", "at", "n", "twice"], orient="row")


def _shop(root: Path, days: Iterable[int] = (0,)) -> Features:
    repo = root / "feature_repo"
    repo.mkdir(exist_ok=True)
    _clicked(days).write_parquet(repo / "clicks.parquet")
    with (repo / "views.py").open("a+") as views:
        views.seek(0)
        more = views.read()
    (repo / "views.py").write_text(DEFINITIONS + more)
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


def before_first(root: Path) -> None:
    """Nothing was materialized; a newer value of one user was pushed."""
    _pushed(_shop(root, range(4)))


def first(root: Path) -> Any:
    """Day by day."""
    return _materialize(root, Wish(every=DAY, end=T0 + 4 * DAY))


def before_following(root: Path) -> None:
    """The first day is online, and the source has another one."""
    features = _shop(root)
    features.materialize(end=T0)
    _pushed(features)
    _clicked(range(2)).write_parquet(root / "feature_repo" / "clicks.parquet")


def following(root: Path) -> Any:
    return _materialize(root, Wish(end=T0 + 4 * DAY))


def before_backfill(root: Path) -> None:
    """Day 2 is online; the source got three days before it and one after it."""
    features = _shop(root, [2])
    features.materialize(end=T0 + 2 * DAY)
    _pushed(features)
    _clicked(range(4)).write_parquet(root / "feature_repo" / "clicks.parquet")


def backfill(root: Path) -> Any:
    """Day by day."""
    return _materialize(root, Wish(start=T0, end=T0 + 3 * DAY, every=DAY))


def _pushed(features: Features) -> None:
    row = {"user_id": PUSHED, "at": T0 + 3.5 * DAY, "n": 777, "twice": 2 * 777}
    assert features.push("clicks", [row]).rows == 1


def _materialize(root: Path, wish: Wish) -> Any:
    """As the worker does, whose steps are not seen."""
    try:
        done = in_this_process(Project.open(root), wish, progress=lambda *_: None)
    except MLInfraError:
        raise
    except Exception as error:  # of Feast's registry
        raise told("features materialize could not be done.", error) from error
    return [item.rows for item in done]


def online(root: Path) -> dict[str, Any]:
    """What is online, by user, and until when Feast and the view's page say so; vectors: what
    Feast's SDK answers of a service that is precomputed.
    """
    features = _of(root)
    users = [{"user_id": user} for user in range(USERS)]
    rows = features.online(["clicks:n", "clicks:twice"], users)
    feast = features.feast()
    view = feast.get_feature_view("clicks")
    online_at = features.show("clicks").view.online_at
    found: dict[str, Any] = {
        "rows": [[*row.values.values(), *row.status.values()] for row in rows],
        "until": [end.isoformat() for _, end in view.materialization_intervals],
        "online_at": online_at and online_at.isoformat(),
    }
    for service in feast.list_feature_services():
        found["vectors"] = None
        with contextlib.suppress(RuntimeError):  # before the first run there are none
            answer = feast.get_online_features(service, users, full_feature_names=True)
            found["vectors"] = answer.to_dict()
    return found
