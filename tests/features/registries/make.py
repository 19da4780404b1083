"""Makes `feast-VERSION.db` (a file registry) and `feast-VERSION.sql.gz` (an SQL registry in SQLite)
in this folder, with the Feast that is installed. For each version:

uv run --no-project --python 3.12 --with feast==0.64.0 tests/features/registries/make.py
"""

import gzip
import tempfile
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    PushSource,
    RepoConfig,
    ValueType,
)
from feast.types import Float64, Int64, String

driver = Entity(
    name="driver", join_keys=["driver_id"], value_type=ValueType.INT64, description="Who drives"
)
source = FileSource(
    name="trips_file",
    path="data/trips.parquet",
    timestamp_field="at",
    created_timestamp_column="made",
)
trips = FeatureView(
    name="trips",
    entities=[driver],
    ttl=timedelta(hours=30),
    schema=[Field(name="trips_7d", dtype=Int64, description="Trips of a week")],
    source=source,
    tags={"team": "rides"},
    owner="ana",
    description="What a driver drove",
)
seen = FeatureView(
    name="seen",
    entities=[driver],
    schema=[Field(name="zone", dtype=String), Field(name="speed", dtype=Float64)],
    source=PushSource(
        name="seen_push",
        batch_source=FileSource(name="seen_file", path="data/seen.parquet", timestamp_field="at"),
    ),
)
model = FeatureService(name="eta", features=[trips, seen[["speed"]]], owner="ben")


def make(folder: Path, registry: dict[str, str]) -> None:
    (folder / "data").mkdir(exist_ok=True)
    times = pd.to_datetime(["2026-03-01"], utc=True)
    for name, columns in {
        "trips": {"trips_7d": [1]},
        "seen": {"zone": ["a"], "speed": [1.5]},
    }.items():
        pd.DataFrame({"driver_id": [1], "at": times, "made": times, **columns}).to_parquet(
            folder / "data" / f"{name}.parquet"
        )
    config = RepoConfig(
        project="rides",
        provider="local",
        registry=registry,
        repo_path=folder,
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    FeatureStore(config=config).apply([driver, trips, seen, model])


here = Path(__file__).parent
name = f"feast-{version('feast').removesuffix('.0')}"
with tempfile.TemporaryDirectory() as made:
    folder = Path(made)
    make(folder, {"registry_type": "file", "path": str(folder / "registry.db")})
    (here / f"{name}.db").write_bytes((folder / "registry.db").read_bytes())
    make(folder, {"registry_type": "sql", "path": f"sqlite:///{folder / 'sql.db'}"})
    (here / f"{name}.sql.gz").write_bytes(gzip.compress((folder / "sql.db").read_bytes(), mtime=0))
