"""What Feast, its own stores and the code of a view raise is told in words of ours, wherever it
comes out.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pandas as pd
import polars as pl
import pytest
from feast import Entity, FeatureView, Field, FileSource, RequestSource, ValueType
from feast.errors import (
    FeastExtrasDependencyImportError,
    FeastPermissionError,
    FeatureViewNotFoundException,
)
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64

from jupyter_mlinfra.core.errors import (
    BadRequest,
    Forbidden,
    MLInfraError,
    NotFound,
    Unavailable,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.feast_errors import told
from jupyter_mlinfra.features.registry import rebuild_index
from jupyter_mlinfra.features.repo import OFFLINE_STORE, open_store
from jupyter_mlinfra.features.sources import SourceSpec, readable

from .conftest import T0

USER = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
CLICKS = FeatureView(
    name="clicks",
    entities=[USER],
    ttl=timedelta(hours=30),
    schema=[Field(name="clicks_7d", dtype=Int64)],
    source=FileSource(path="data/clicks.parquet", timestamp_field="at"),
)
GROWN = FeatureView(
    name="grown",
    entities=[USER],
    schema=[Field(name="clicks_7d", dtype=Int64), Field(name="extra", dtype=Int64)],
    source=FileSource(path="data/grown", timestamp_field="at"),
)


@on_demand_feature_view(
    sources=[CLICKS, RequestSource(name="asked", schema=[Field(name="limit", dtype=Int64)])],
    schema=[Field(name="over", dtype=Float64)],
)
def over(inputs: pd.DataFrame) -> pd.DataFrame:
    if -7 in inputs["limit"].tolist():
        raise ArithmeticError("no such limit")
    return pd.DataFrame({"over": (inputs["clicks_7d"] - inputs["limit"]).astype("float64")})


def opened(project: Project, store: str) -> Features:
    """The project with definitions that Feast applied itself, over a store of Feast or ours."""
    repo = project.root / "feature_repo"
    (repo / "feature_store.yaml").write_text(f"offline_store:\n  type: {store}\n")
    data = repo / "data"
    rows = pl.read_parquet(data / "clicks.parquet")
    (data / "grown").mkdir()
    rows.write_parquet(data / "grown" / "a.parquet")
    rows.with_columns(extra=pl.lit(1)).write_parquet(data / "grown" / "b.parquet")
    open_store(project).apply([USER, CLICKS, GROWN, over])
    rebuild_index(project)
    return Features(project)


@pytest.mark.parametrize("store", [OFFLINE_STORE, "dask"])
def test_what_a_training_set_fails_at_is_told(fresh_shop: Project, store: str) -> None:
    features = opened(fresh_shop, store)
    rows = pl.DataFrame({"user_id": [3, 7], "event_timestamp": [T0 + timedelta(hours=25)] * 2})
    assert features.training_set(["clicks:*"], rows)["clicks_7d"].to_list() == [30, 70]
    asked = rows.with_columns(limit=pl.lit(10))
    computed = features.train(["over:over"], asked)
    assert computed.filter(pl.col("over") > 30).collect()["over"].to_list() == [60.0]

    with pytest.raises(BadRequest, match="over needs the column limit"):
        features.train(["over:over"], rows)
    with pytest.raises(BadRequest, match="no column user_id"):
        features.train(["over:over"], asked.drop("user_id"))
    refused = features.train(["over:over"], asked.with_columns(limit=pl.lit(-7)))
    assert refused.collect_schema()["over"] == pl.Float64
    with pytest.raises(Unprocessable, match="Line 3 of over raised Arith"):
        refused.filter(pl.col("over") > 30).collect()

    grown = features.train(["grown:*"], rows)
    if store == "dask":  # it reads the columns of the first file alone
        with pytest.raises(Unprocessable, match=r"KeyError: .*extra") as missing:
            grown.select("extra").collect()
        assert OFFLINE_STORE in missing.value.fix
        late = rows.with_columns(pl.col("event_timestamp") + timedelta(days=9))
        with pytest.raises(Unavailable, match="returned 2 of 4 rows"):
            features.train(["clicks:*"], pl.concat([rows, late])).collect()
    else:
        assert grown.collect().columns == ["user_id", "event_timestamp", "clicks_7d", "extra"]
    (fresh_shop.root / "feature_repo" / "data" / "clicks.parquet").write_bytes(b"torn")
    with pytest.raises(Unprocessable, match=r"clicks\.parquet cannot be read"):
        features.train(["clicks:*"], rows)


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (FeatureViewNotFoundException("clicks"), NotFound, "clicks does not exist"),
        (FeastPermissionError("no"), Forbidden, "right"),
        (
            FeastExtrasDependencyImportError("aws", "no boto3"),
            Unavailable,
            r"pip install 'feast\[aws\]'",
        ),
        (ModuleNotFoundError("No module", name="redis"), Unavailable, r"\[redis\]"),
        (ConnectionRefusedError("postgresql://ana:geheim@db/x"), Unavailable, "Start what"),
        (FileNotFoundError(2, "No such file", "a.parquet"), NotFound, r"a\.parquet"),
        (KeyError("extra"), Unprocessable, "Mend it"),
    ],
)
def test_each_error_is_of_its_kind(raised: Exception, kind: type[MLInfraError], words: str) -> None:
    found = told("It was not done.", raised, "Mend it.")
    assert type(found) is kind
    assert re.search(words, f"{found.why} {found.fix}")
    assert "geheim" not in str(found)


def test_no_value_is_told_by_the_folder_of_a_partition() -> None:
    lost = FileNotFoundError("No such file: /w/people/email=ana%40b/year=2026/0.parquet")
    with (
        pytest.raises(Unprocessable) as caught,
        readable(SourceSpec(kind="dataset", name="hr.p", time="at")),
    ):
        raise lost
    for error in (caught.value, told("It failed.", lost)):
        assert "/people/email=…/year=…/0.parquet" in str(error)
        assert "ana" not in str(error)
