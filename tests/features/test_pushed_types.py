"""Pushes of UUIDs, decimals, sets, JSON and vectors: the same online and in the source, and text
that is none of them goes nowhere, since Feast stores any text and nobody could read it then.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features

T0, HOUR = datetime(2026, 3, 1, tzinfo=UTC), timedelta(hours=1)
ID, OTHER = UUID(int=1), UUID(int=2)
DEFINITIONS = """
from feast import Entity, FeatureView, Field, FileSource, PushSource
from feast.labeling import ConflictPolicy, LabelView
from feast.types import Array, Decimal, Float32, Int64, Json, Set, String, Uuid
from feast.value_type import ValueType

user = Entity(name="user", join_keys=["name"], value_type=ValueType.STRING)
fields = {
    "id": Uuid, "price": Decimal, "body": Json, "marks": Set(Int64), "vector": Array(Float32),
}
rows = FileSource(name="rows", path="rows.parquet", timestamp_field="at")
things = FeatureView(
    name="things", entities=[user], schema=[Field(name=n, dtype=t) for n, t in fields.items()],
    source=PushSource(name="stream", batch_source=rows),
)
said = FileSource(name="said", path="said.parquet", timestamp_field="at")
votes = LabelView(
    name="votes", entities=[user], labeler_field="who",
    schema=[Field(name="kind", dtype=String), Field(name="who", dtype=String)],
    conflict_policy=ConflictPolicy.MAJORITY_VOTE,
    source=PushSource(name="labels", batch_source=said),
)
"""
ROW: dict[str, Any] = {
    "name": "a",
    "at": T0,
    "id": ID,
    "price": Decimal("1.50"),
    "body": {"a": [1]},
    "marks": {3},
    "vector": np.array([0.5, 2], dtype="float32"),
}
STORED = {"id": str(ID), "price": "1.50", "body": '{"a": [1]}', "marks": [3], "vector": [0.5, 2.0]}


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Features:
    root = tmp_path_factory.mktemp("types")
    repo = root / "feature_repo"
    repo.mkdir()
    (root / "mlinfra.toml").write_text('[project]\nname = "types"\n')
    (repo / "views.py").write_text(DEFINITIONS)
    write(repo, {})
    said = [("a", T0, "cat", "ana"), ("a", T0 + HOUR, "dog", "eva"), ("b", T0, "dog", "eva")]
    pl.DataFrame(said, schema=["name", "at", "kind", "who"], orient="row").write_parquet(
        repo / "said.parquet"
    )
    features = Features(Project.open(root))
    assert features.apply().problems == []
    return features


def write(repo: Path, changes: dict[str, Any]) -> Path:
    """One row of another name in the source."""
    path = repo / "rows.parquet"
    pl.DataFrame([{"name": "b", "at": T0, **STORED, **changes}]).with_columns(
        pl.col("vector").cast(pl.List(pl.Float32))
    ).write_parquet(path)
    return path


def online(features: Features, name: str = "a") -> dict[str, Any]:
    (row,) = features.online(["things:*"], [{"name": name}])
    return {ref.partition(":")[2]: value for ref, value in row.values.items()}


def test_values_are_the_same_online_and_in_the_source(features: Features) -> None:
    path = write(features._project.root / "feature_repo", {})
    assert features.push("stream", [ROW], to="both").rejected == []
    wanted = {name: ROW[name] for name in ("id", "price", "body", "marks")} | {"vector": [0.5, 2]}
    assert online(features) == wanted
    (added,) = pl.read_parquet(path).filter(pl.col("name") == "a").to_dicts()
    assert {name: added[name] for name in STORED} == {**STORED, "body": json.dumps(ROW["body"])}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": "zz"}, "'zz' is not a UUID"),
        ({"id": 5}, "5 is not a UUID"),
        ({"price": "dear"}, "'dear' is not a decimal"),
        ({"price": 1.5}, "1.5 is a float"),
        ({"marks": {"x"}}, "'x' is not a whole number"),
        ({"vector": np.array(["x", "y"])}, "is not a number"),
    ],
)
def test_a_value_that_nobody_could_read_goes_nowhere(
    features: Features, change: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unprocessable, match=why):
        features.push("stream", [{**ROW, "name": "c", **change}])


def test_such_a_value_of_the_source_is_refused_and_one_of_the_sdk_hides_no_other(
    features: Features,
) -> None:
    write(features._project.root / "feature_repo", {"id": "zz"})
    with pytest.raises(Unprocessable, match=r"Column id of things .* 'zz' is not a UUID"):
        features.materialize("things")
    frame = pl.DataFrame([{"name": "d", "at": T0, **STORED, "id": "zz"}]).to_pandas()
    features.feast().write_to_online_store("things", df=frame)
    assert online(features, "d")["id"] == "zz"
    assert online(features, "d")["price"] == Decimal("1.50")
    newer = {**ROW, "name": "d", "id": OTHER, "at": T0 + HOUR}
    assert features.push("stream", [newer]).older == 0
    assert online(features, "d")["id"] == OTHER


def test_no_rows_are_no_error_and_half_a_sign_is_no_key(features: Features) -> None:
    assert features.push("stream", []).rows == 0
    with pytest.raises(BadRequest, match="Key name of things has a value of a wrong type"):
        online(features, "\ud800")


def test_a_label_that_is_pushed_to_both_counts_as_one_vote(features: Features) -> None:
    label = {"name": "a", "at": T0 + 2 * HOUR, "kind": "cat", "who": "bot"}
    assert features.push("labels", [label], to="both").rows == 1
    (row,) = features.online(["votes:*"], [{"name": "a"}])
    asked = pl.DataFrame({"name": ["a"], "event_timestamp": [T0 + 3 * HOUR]})
    trained = features.training_set(["votes:*"], asked)
    assert [*row.values.values()] == ["cat", "majority_vote"] == [*trained.row(0)[2:]]
    second = {**label, "kind": "dog", "at": T0 + 3 * HOUR}
    assert features.push("labels", [second, {**second, "who": "zoe"}], to="both").rows == 2
    (row,) = features.online(["votes:kind"], [{"name": "a"}])
    assert row.values == {"votes:kind": "dog"}
