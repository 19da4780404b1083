"""Training sets: the entity rows as they are, the features as they were known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def entities(**columns: Any) -> pl.DataFrame:
    hours = [25, 1, 25, 1, 90]
    values = {
        "user_id": [2, 1, 99, 1, 1],
        "event_timestamp": [T0 + timedelta(hours=hour) for hour in hours],
        "label": ["a", "b", "c", "b", "d"],
    }
    return pl.DataFrame(values | columns)


def test_rows_order_and_columns_of_the_entities_are_kept(shop: Features) -> None:
    entity_rows = entities(rank=[5, 4, 3, 2, 1])
    result = shop.training_set(["clicks:clicks_7d", "clicks:rate"], entity_rows)
    assert_frame_equal(result.select(entity_rows.columns), entity_rows)
    assert result.columns == [*entity_rows.columns, "clicks_7d", "rate"]
    # User 1 at 90 h: past the ttl of 30 h.
    assert result["clicks_7d"].to_list() == [20, 1, None, 1, None]


def test_a_pandas_frame_gives_the_same_training_set(shop: Features) -> None:
    entity_rows = entities(rank=[5, 4, 3, 2, 1])
    refs = ["clicks:clicks_7d", "clicks:rate"]
    result = shop.training_set(refs, entity_rows.to_pandas())
    assert_frame_equal(result, shop.training_set(refs, entity_rows), check_dtypes=False)
    with pytest.raises(BadRequest, match="list is not a frame"):
        shop.training_set(refs, [1])  # type: ignore[arg-type]


def test_several_views_are_joined_each_by_its_own_keys(shop: Features) -> None:
    entity_rows = entities(item_id=["pen", "book", "pen", "pen", "pen"])
    result = shop.training_set(["spend:amount", "clicks:rate", "spend:shop"], entity_rows)
    assert result.columns[-3:] == ["amount", "shop", "rate"]
    assert result["amount"].to_list() == [5.0, 2.0, None, 3.0, 3.0]


@pytest.mark.parametrize(
    "times",
    [
        pl.Series([T0 + timedelta(hours=25)] * 5),
        pl.Series([datetime(2026, 3, 2, 1)] * 5),
        pl.Series([date(2026, 3, 2)] * 5),
        pl.Series([T0 + timedelta(hours=25)] * 5)
        .dt.cast_time_unit("ns")
        .dt.convert_time_zone("Asia/Tokyo"),
    ],
    ids=["UTC", "no zone is UTC", "dates", "another zone"],
)
def test_the_time_column_may_have_any_name_zone_and_unit_and_comes_back_as_it_was(
    shop: Features, times: pl.Series
) -> None:
    entity_rows = (
        entities()
        .drop("event_timestamp")
        .with_columns(times.alias("decided_at"), event_timestamp=pl.lit("not a time"))
    )
    result = shop.training_set(["clicks:*"], entity_rows, at="decided_at")
    assert_frame_equal(result.select(entity_rows.columns), entity_rows)
    assert result["clicks_7d"].to_list() == [20, 10, None, 10, 10]


def test_full_names_keep_equal_names_apart(shop: Features) -> None:
    result = shop.training_set(["clicks:rate"], entities(rate=[0.0] * 5), full_names=True)
    assert result.columns[-2:] == ["rate", "clicks__rate"]


def test_an_empty_frame_gives_an_empty_training_set(shop: Features) -> None:
    result = shop.training_set(["clicks:*"], entities().clear())
    assert (result.height, result.schema["clicks_7d"]) == (0, pl.Int64)


@pytest.mark.parametrize(
    ("refs", "change", "at", "error", "what"),
    [
        (["clicks:nope"], {}, "event_timestamp", NotFound, "clicks has no feature nope"),
        (["spend:*"], {}, "event_timestamp", BadRequest, "no column item_id"),
        (["clicks:*"], {}, "when", BadRequest, "no column when"),
        (
            ["clicks:*"],
            {"event_timestamp": ["2026-03-01"] * 5},
            "event_timestamp",
            BadRequest,
            "Column event_timestamp is String",
        ),
        (
            ["clicks:*"],
            {"user_id": ["1"] * 5},
            "event_timestamp",
            BadRequest,
            "Column user_id of the entity rows is String",
        ),
        (
            ["clicks:*"],
            {"rate": [1.0] * 5},
            "event_timestamp",
            BadRequest,
            "rate would appear twice",
        ),
    ],
)
def test_entities_that_do_not_fit_are_refused_with_the_cure(
    shop: Features,
    refs: list[str],
    change: dict[str, Any],
    at: str,
    error: type[Exception],
    what: str,
) -> None:
    with pytest.raises(error, match=what) as caught:
        shop.training_set(refs, entities(**change), at=at)
    assert caught.value.fix  # type: ignore[attr-defined]


def test_lineage_names_sources_views_and_features_and_who_asked(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_JOB", "7f3a")
    features = Features(applied_shop)
    features.training_set(["clicks:rate"], entities())
    edges = [edge for edge in applied_shop.lineage.edges() if edge.job == "features.training_set"]
    assert {(edge.input, edge.output) for edge in edges} == {
        ("data/clicks.parquet", "job:7f3a"),
        ("view:clicks", "job:7f3a"),
        ("feature:clicks:rate", "job:7f3a"),
    }
    assert [(item.name, list(item.used_by)) for item in features.list().items if item.used_by] == [
        ("rate", ["job:7f3a"])
    ]


def test_another_offline_store_can_be_named_but_a_row_that_it_loses_is_an_error(
    applied_shop: Project,
) -> None:
    """Feast's default store drops rows whose values are all past the ttl."""
    (applied_shop.root / "feature_repo" / "feature_store.yaml").write_text(
        "offline_store:\n  type: dask\n"
    )
    features, entity_rows = Features(applied_shop), entities()
    fine = entity_rows.head(1)
    result = features.training_set(
        ["clicks:clicks_7d"], pl.concat([fine, fine.with_columns(user_id=pl.lit(7, pl.Int64))])
    )
    assert result["clicks_7d"].to_list() == [20, 70]
    with pytest.raises(Unavailable, match=r"returned \d of 5 rows") as caught:
        features.training_set(["clicks:clicks_7d"], entity_rows)
    assert "PolarsOfflineStore" in caught.value.fix


def test_example_rows_can_be_joined_at_once(shop: Features) -> None:
    rows = shop.examples(["clicks:*", "spend:*"], 4)
    assert rows.columns == ["user_id", "item_id", "event_timestamp"]
    assert rows.height == 4
    assert shop.training_set(["clicks:*", "spend:*"], rows)["clicks_7d"].null_count() == 0
