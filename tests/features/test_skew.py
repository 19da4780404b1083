"""Skew: values that are online and others in the source are found and named, by planting some."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.skew import same, upper_bound

T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def features(applied_shop: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Features]:
    """Applied and materialized as of T0 + 1 day."""
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", (T0 + DAY).isoformat())
    project = Project.open(applied_shop.root)
    features = Features(project)
    features.materialize()
    yield features
    project.database.close()


def change(features: Features, **changes: Any) -> None:
    """Change values of the source of clicks, as of T0 + 1 day."""
    path = features._project.root / "feature_repo" / "data" / "clicks.parquet"
    rows = pl.read_parquet(path)
    here = (pl.col("user_id") == changes.pop("user")) & (pl.col("at") == T0 + DAY)
    rows.with_columns(
        pl.when(here)
        .then(pl.lit(value))
        .otherwise(pl.col(name))
        .cast(rows.schema[name])
        .alias(name)
        for name, value in changes.items()
    ).write_parquet(path)


def test_what_was_materialized_is_what_training_reads(features: Features) -> None:
    found = features.check("clicks")
    assert (found.sampled, found.compared, found.different) == (10, 20, 0)
    assert found.passed
    assert found.upper == pytest.approx(1 - 0.05 ** (1 / 20))
    assert features.check("spend").passed, "keys of two columns"
    assert features.check("clicks", sample=3).compared == 6


def test_each_difference_is_counted_and_one_is_named(features: Features) -> None:
    change(features, user=3, clicks_7d=31, rate=None)
    change(features, user=0, rate=0.25)
    found = features.check("clicks")
    assert not found.passed
    assert (found.different, found.rate) == (3, 3 / 20)
    assert found.features["clicks_7d"].different == 1
    assert found.features["rate"].different == 2
    assert found.features["clicks_7d"].example == (
        "user_id=3: online 30 of 2026-03-02 00:00:00; in the source 31 of 2026-03-02 00:00:00"
    )


def test_a_row_that_came_late_and_one_that_is_not_online_are_differences(
    features: Features,
) -> None:
    path = features._project.root / "feature_repo" / "data" / "clicks.parquet"
    rows = pl.read_parquet(path)
    late = rows.filter(pl.col("user_id") == 1).head(1)
    after = late.with_columns(user_id=pl.lit(99, pl.Int64), at=pl.col("at") + 3 * DAY)
    pl.concat([rows, late.with_columns(user_id=pl.lit(77, pl.Int64)), after]).write_parquet(path)
    found = features.check("clicks")
    assert (found.different, found.missing_online, found.passed) == (0, 2, False), "99 is too new"
    assert found.features["rate"].example.startswith("user_id=77: not online")
    online = features._project.home / "features" / "online.db"
    with closing(sqlite3.connect(online)) as connection, connection:
        connection.execute("UPDATE shop_clicks SET event_ts = event_ts - 3600")
    assert features.check("clicks").different == 20, "values that are older than the source's"


OTHER_FORMS = """
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Array, Decimal, Float64, Json, Set, Uuid
from feast.value_type import ValueType

one = Entity(name="one", join_keys=["k"], value_type=ValueType.INT64)
fields = {
    "id": Uuid, "price": Decimal, "body": Json, "marks": Set(Float64), "vector": Array(Float64),
    "ids": Array(Uuid), "rate": Float64,
}
forms = FeatureView(
    name="forms", entities=[one], schema=[Field(name=n, dtype=t) for n, t in fields.items()],
    source=FileSource(path="forms.parquet", timestamp_field="at"),
)
"""


def test_a_value_that_a_look_up_answers_in_another_form_is_no_difference(
    tmp_path: Path, run_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UUIDs, decimals and JSON are text in a source, sets are lists; a null in a vector is NaN
    online, as Feast's own materialize stores it, and not zero.
    """
    repo = tmp_path / "feature_repo"
    repo.mkdir()
    (tmp_path / "mlinfra.toml").write_text('[project]\nname = "forms"\n')
    (repo / "views.py").write_text(OTHER_FORMS)
    id = "12345678-1234-5678-1234-567812345678"
    rows = {
        "id": [id, None], "price": ["1.10", None], "body": ['{"a": [1]}', "null"],
        "marks": [[2.5, 1.0], []], "vector": [[1.0, None], None], "ids": [[id], []],
        "rate": [float("nan"), 0.5],
    }  # fmt: skip
    pl.DataFrame({"k": [1, 2], "at": [T0] * 2, **rows}).write_parquet(repo / "forms.parquet")
    features = Features(Project.open(tmp_path))
    features.apply()
    features.materialize()
    found = features.check("forms")
    assert (found.compared, found.different) == (14, 0), found
    (row,) = features.online(["forms:vector"], [{"k": 1}])
    assert str(row.values["forms:vector"]) == "[1.0, nan]"
    monkeypatch.chdir(tmp_path)
    _, told = run_line("features", "online", "forms", "--key", "k=1")
    assert told["values"]["forms:id"] == id
    assert told["values"]["forms:ids"] == [id]
    assert told["values"]["forms:price"] == "1.10"


def test_a_view_that_was_never_materialized_has_no_skew(applied_shop: Project) -> None:
    with pytest.raises(Conflict, match="no values of clicks"):
        Features(applied_shop).check("clicks")


@pytest.mark.parametrize(
    ("online", "offline", "right"),
    [
        (1, 1.0, True),
        (5_000_000, 5_000_003, False),
        (2**60, 2**60 + 1, False),
        (5_000_000, 5_000_003.0, True),
        (0.1, 0.10000000149011612, True),
        (0.1, 0.1001, False),
        (float("nan"), float("nan"), True),
        (None, None, True),
        (None, 0, False),
        (None, 0.5, False),
        (None, float("nan"), True),
        ({1.5, float("nan")}, {float("nan"), 1.5}, True),
        ({1, 2}, {1, 3}, False),
        (True, 1, True),
        (T0, date(2026, 3, 1), True),
        (T0, T0 + timedelta(milliseconds=900), True),
        (T0, T0 + timedelta(seconds=2), False),
        ([1.0, 2.0], [1, 2], True),
        ([1.0], [1, 2], False),
        ("a", "b", False),
    ],
)
def test_stored_values_are_the_same_as_they_were_rounded(
    online: Any, offline: Any, right: bool
) -> None:
    assert same(online, offline) is right


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    """By its definition: with that rate, as few differences are seen in one sample of twenty."""
    from scipy.stats import binom

    for different, compared in ((0, 1), (0, 300), (3, 20), (19, 20)):
        bound = upper_bound(different, compared)
        assert bound is not None
        assert binom.cdf(different, compared, bound) == pytest.approx(0.05)
    assert (upper_bound(2, 2), upper_bound(0, 0)) == (1.0, None)
