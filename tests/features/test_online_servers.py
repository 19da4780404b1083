"""Online values in a real Redis and a real PostgreSQL: materialize, incremental, look-up, expiry.
Oracle: Feast's SDK over the same store.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from servers import postgres, redis

from jupyter_mlinfra.core.errors import Conflict, Unavailable
from jupyter_mlinfra.core.feast_online import feast_redis
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features, OnlineStatus

from .conftest import make_shop

T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


SERVICE = """
from feast import FeatureService

wide = FeatureService(name="wide", features=[clicks], precompute_online=True)
"""
"""Feast fills its vectors in Redis only."""


@pytest.fixture(scope="module", params=["redis", "postgres"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Features]:
    """The shop over a server, applied; judged as of T0 + 1 day."""
    server = redis() if request.param == "redis" else postgres()
    with server as running:
        online: dict[str, Any] = {"type": "redis", "connection_string": running.address}
        if request.param == "postgres":
            online = {"type": "postgres", "host": "127.0.0.1", "port": running.port}
            online |= {"database": "postgres", "user": "postgres", "password": "secret"}
            online |= {"db_schema": "public", "sslmode": "disable"}
        root = tmp_path_factory.mktemp(request.param) / "shop"
        project = make_shop(root, f'[features]\nas_of = "{T0 + DAY}"\n')
        (root / "feature_repo" / "feature_store.yaml").write_text(
            json.dumps({"online_store": online})
        )
        if request.param == "redis":
            with (root / "feature_repo" / "views.py").open("a") as views:
                views.write(SERVICE)
        features = Features(project)
        features.apply()
        features.materialize()
        yield features
        project.database.close()


def test_what_was_materialized_is_what_the_sdk_answers(shop: Features) -> None:
    users = [3, 0, 99, 9, 3]
    rows = shop.online(["clicks:*"], [{"user_id": user} for user in users])
    feast = shop.feast()
    right = feast.get_online_features(
        ["clicks:clicks_7d", "clicks:rate"], [{"user_id": user} for user in users]
    ).to_dict()
    for name in ("clicks_7d", "rate"):
        assert [row.values[f"clicks:{name}"] for row in rows] == right[name]
    assert [row.status["clicks:rate"].value for row in rows] == [
        "PRESENT",
        "NULL",
        "NOT_FOUND",
        "PRESENT",
        "PRESENT",
    ]
    assert rows[0].event_at == {"clicks:clicks_7d": T0 + DAY, "clicks:rate": T0 + DAY}
    (pair,) = shop.online(["spend:*"], [{"item_id": "pen", "user_id": 2}])
    assert pair.values == {"spend:amount": 5.0, "spend:shop": "x"}


def test_a_service_that_is_precomputed_is_ready_for_the_sdk(shop: Features) -> None:
    """Without its vectors Feast answers with an error."""
    feast = shop.feast()
    if feast.config.online_store.type != "redis":
        pytest.skip("Feast precomputes in Redis only")
    users = [{"user_id": user} for user in (3, 0)]
    service = feast.get_feature_service("wide")
    found = feast.get_online_features(service, users, full_feature_names=True).to_dict()
    ours = shop.online_batch(["clicks:clicks_7d", "clicks:rate"], users)
    assert ours.values == {
        "clicks:clicks_7d": found["clicks__clicks_7d"],
        "clicks:rate": found["clicks__rate"],
    }


def test_newer_rows_come_online_and_older_ones_expire(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [item.rows for item in shop.materialize()] == [0, 0], "nothing is new"
    path = shop._project.root / "feature_repo" / "data" / "clicks.parquet"
    rows = pl.read_parquet(path)
    newer = rows.filter(pl.col("at") == T0 + DAY, pl.col("user_id") == 4).with_columns(
        at=pl.lit(T0 + 2 * DAY).cast(rows.schema["at"]),
        clicks_7d=pl.lit(7, pl.Int64),
    )
    pl.concat([rows, newer]).write_parquet(path)
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", (T0 + 2.5 * DAY).isoformat())
    later = Features(Project.open(shop._project.root))
    later.materialize("clicks")
    found = later.online(["clicks:clicks_7d"], [{"user_id": 4}, {"user_id": 5}])
    assert [(row.values["clicks:clicks_7d"], *row.status.values()) for row in found] == [
        (7, OnlineStatus.PRESENT),
        (None, OnlineStatus.EXPIRED),
    ]


def test_a_corrected_value_at_the_same_time_arrives(shop: Features) -> None:
    path = shop._project.root / "feature_repo" / "data" / "spend.parquet"
    key = pl.col("user_id") == 2
    rows = pl.read_parquet(path)
    rows.with_columns(amount=pl.when(key).then(99.0).otherwise("amount")).write_parquet(path)
    shop.materialize("spend", full=True)
    (row,) = shop.online(["spend:amount"], [{"item_id": "pen", "user_id": 2}])
    assert row.values == {"spend:amount": 99.0}
    pushed = {"item_id": "pen", "user_id": 2, "amount": 98.0, "shop": "z", "at": T0}
    assert shop.push("spend", [pushed]).rows == 1
    (row,) = shop.online(["spend:*"], [{"item_id": "pen", "user_id": 2}])
    assert row.values == {"spend:amount": 98.0, "spend:shop": "z"}
    assert shop.push("spend", [pushed | {"at": T0 - DAY, "amount": 1.0}]).older == 1


def test_a_silent_redis_holds_up_no_other_look_up_and_a_changed_store_is_asked_at_once(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feast_redis, "REDIS_SECONDS", 0.5)
    features, asked = Features(applied_shop), (["clicks:clicks_7d"], [{"user_id": 3}])
    file = applied_shop.root / "feature_repo" / "feature_store.yaml"
    with pytest.raises(Conflict, match="no values"):
        features.online(*asked)

    def look(_: int) -> float:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="did not answer") as caught:
            features.online(*asked)
        assert "socket_timeout" in caught.value.fix
        return time.monotonic() - begun

    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(20) as threads:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        file.write_text(f"online_store: {{type: redis, connection_string: '{address}'}}")
        assert max(threads.map(look, range(20))) < 8, "one after the other takes 10 s"
    file.unlink()
    with pytest.raises(Conflict, match="no values"):
        features.online(*asked)


def test_a_server_that_is_down_is_said_without_its_password(tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    file = tmp_path / "shop" / "feature_repo" / "feature_store.yaml"
    features = Features(project)
    features.apply()
    file.write_text("online_store: {type: redis, connection_string: '127.0.0.1:1,password=geheim'}")
    with pytest.raises(Unavailable, match="did not answer") as refused:
        Features(project).online(["clicks:*"], [{"user_id": 1}])
    assert "geheim" not in str(refused.value)
    project.database.close()
