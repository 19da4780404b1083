"""Registries that Feast 0.64, 0.65 and 0.66 wrote (`registries/make.py`), opened as they are."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.materializing import Wish, materialize
from jupyter_mlinfra.features.registry import rebuild_index

KEPT = Path(__file__).parent / "registries"
T0 = datetime(2026, 3, 1, tzinfo=UTC)


def opened(root: Path, version: str, kind: str) -> Project:
    """A project with the registry of a version, and rows of two drivers."""
    repo = root / "feature_repo"
    (repo / "data").mkdir(parents=True)
    (root / "mlinfra.toml").write_text(
        f'[project]\nname = "rides"\n[features]\nas_of = "{T0 + timedelta(hours=30)}"\n'
    )
    if kind == "sql":
        (repo / "registry.db").write_bytes(
            gzip.decompress((KEPT / f"feast-{version}.sql.gz").read_bytes())
        )
        registry = f"{{registry_type: sql, path: 'sqlite:///{repo / 'registry.db'}'}}"
    else:
        (repo / "registry.db").write_bytes((KEPT / f"feast-{version}.db").read_bytes())
        registry = "registry.db"
    (repo / "feature_store.yaml").write_text(f"project: rides\nregistry: {registry}\n")
    times = {"driver_id": [1, 2], "at": [T0, T0 + timedelta(hours=1)]}
    trips = pl.DataFrame({**times, "made": times["at"], "trips_7d": [10, 20]})
    trips.write_parquet(repo / "data" / "trips.parquet")
    pl.DataFrame({**times, "zone": ["a", "b"], "speed": [1.5, None]}).write_parquet(
        repo / "data" / "seen.parquet"
    )
    return Project.open(root)


@pytest.mark.parametrize("kind", ["file", "sql"])
@pytest.mark.parametrize("version", ["0.64", "0.65", "0.66"])
def test_it_is_listed_trained_from_materialized_and_served(
    tmp_path: Path, version: str, kind: str
) -> None:
    project = opened(tmp_path, version, kind)
    before = (tmp_path / "feature_repo" / "registry.db").read_bytes()
    rebuild_index(project)  # else in a process of its own
    features = Features(project)
    assert {(item.view, item.name) for item in features.list().items} == {
        ("trips", "trips_7d"),
        ("seen", "zone"),
        ("seen", "speed"),
    }
    assert [item.ref for item in features.search("week").items] == ["feature:trips:trips_7d"]
    view = features.show("trips").view
    assert (view.owner, view.tags, view.description) == (
        "ana",
        {"team": "rides"},
        "What a driver drove",
    )
    asked = pl.DataFrame(
        {
            "driver_id": [2, 1, 2],
            "event_timestamp": [T0 + timedelta(hours=hours) for hours in (32, 1, 0)],
        }
    )
    rows = features.training_set(["service:eta"], asked)
    assert rows.select("trips_7d", "speed").rows() == [(None, None), (10, 1.5), (None, None)]
    assert (tmp_path / "feature_repo" / "registry.db").read_bytes() == before, "only read so far"

    materialize(project, Wish(), progress=lambda *_: None)
    served = features.online(["trips:trips_7d", "seen:zone"], [{"driver_id": 2}, {"driver_id": 3}])
    assert [row.values for row in served] == [
        {"trips:trips_7d": 20, "seen:zone": "b"},
        {"trips:trips_7d": None, "seen:zone": None},
    ]
    assert served[1].status["trips:trips_7d"] == "NOT_FOUND"
