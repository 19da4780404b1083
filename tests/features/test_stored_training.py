"""Training sets that are made lazily, stored with what they came from, made again and compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features

from .conftest import DEFINITIONS, make_shop

T0 = datetime(2026, 3, 1, tzinfo=UTC)
REFS = ["clicks:clicks_7d", "clicks:rate", "spend:amount"]
_DATASET = DEFINITIONS.replace(
    "from feast.value_type",
    "from jupyter_mlinfra.features import DatasetSource\nfrom feast.value_type",
).replace(
    'FileSource(\n        path="data/clicks.parquet", timestamp_field="at",'
    ' created_timestamp_column="made"\n    )',
    'DatasetSource(\n        dataset="shop.clicks", timestamp_field="at",'
    ' created_timestamp_column="made"\n    )',
)
"""The definitions of the shop, with clicks in a dataset."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose clicks are a dataset, applied; to be copied."""
    project = make_shop(tmp_path_factory.mktemp("made") / "shop")
    repo = project.root / "feature_repo"
    Catalog(project).write(pl.read_parquet(repo / "data" / "clicks.parquet"), into="shop.clicks")
    (repo / "views.py").write_text(_DATASET)
    assert not Features(project).apply().problems
    project.database.close()
    return project.root


@pytest.fixture
def features(made: Path, tmp_path: Path) -> Iterator[Features]:
    shutil.copytree(made, tmp_path / "shop")
    project = Project.open(tmp_path / "shop")
    Catalog(project).relocate()  # Iceberg's paths are absolute
    yield Features(project)
    project.database.close()


def entities(rows: int = 200) -> pl.DataFrame:
    """In no order, with duplicates, and a few that nobody knows."""
    return pl.DataFrame({"n": range(rows)}).select(
        user_id=(pl.col("n") * 7 % 12),
        item_id=pl.when(pl.col("n") % 2 == 0).then(pl.lit("pen")).otherwise(pl.lit("book")),
        event_timestamp=pl.lit(T0) + pl.duration(hours=(pl.col("n") * 5 + pl.col("n") // 12) % 60),
        label=pl.col("n") % 3,
    )


def test_a_training_set_is_made_when_it_is_collected_and_keeps_rows_and_order(
    features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = entities()
    read: list[int] = []
    feast = features.feast
    monkeypatch.setattr(features, "feast", lambda: read.append(1) or feast())
    train = features.train(REFS, asked.lazy())
    assert isinstance(train, pl.LazyFrame)
    assert train.collect_schema() == features.training_set(REFS, asked.head(0)).schema
    read.clear()
    kept = train.select("user_id", "label", "rate").filter(pl.col("label") == 1)
    assert not read
    made = train.collect()
    assert read
    assert_frame_equal(made, features.training_set(REFS, asked))
    assert_frame_equal(made.select(asked.columns), asked)
    assert_frame_equal(
        kept.collect(), made.filter(pl.col("label") == 1).select("user_id", "label", "rate")
    )
    with pytest.raises(BadRequest, match="no column item_id"):
        features.train(REFS, asked.drop("item_id"))
    with pytest.raises(NotFound, match="no feature nope"):
        features.train(["clicks:nope"], asked)


def test_a_stored_training_set_is_made_again_from_the_versions_it_came_from(
    features: Features,
) -> None:
    catalog = Catalog(features._project)
    train = features.train(REFS, entities())
    before = train.collect()
    catalog.write(
        pl.DataFrame(
            {
                "user_id": [1],
                "at": [T0 + timedelta(hours=30)],
                "clicks_7d": [999],
                "rate": [0.25],
                "made": [T0 + timedelta(hours=30)],
            }
        ),
        into="shop.clicks",
    )
    stored = train.snapshot("ml.train")
    assert (stored.dataset, stored.rows) == ("ml.train", 200)
    assert list(stored.features) == REFS
    assert stored.sources["shop.clicks"] == catalog.snapshots("shop.clicks").items[1].id
    assert (stored.first, stored.last) == (T0, T0 + timedelta(hours=59))
    assert_frame_equal(catalog.dataset("ml.train").scan().collect(), before)
    assert_frame_equal(features.rebuild("ml.train"), before)
    same = features.compare_snapshot("ml.train")
    assert (same.same, same.compared, same.different, list(same.changed)) == (True, 600, 0, [])

    now = features.compare_snapshot("ml.train", newest=True)
    again = features.training_set(REFS, entities())
    changed = int(again["clicks_7d"].ne_missing(before["clicks_7d"]).sum())
    assert 0 < changed == now.features["clicks:clicks_7d"].different
    assert not now.same
    assert "stored 10, now 999" in now.features["clicks:clicks_7d"].example
    assert_frame_equal(features.rebuild("ml.train", newest=True), again)

    newer = features.snapshot("ml.train", REFS, entities())
    assert newer.snapshot != stored.snapshot
    assert features.compare_snapshot("ml.train").same
    assert_frame_equal(features.rebuild(f"ml.train@{stored.snapshot}"), before)


def commit(catalog: Catalog, number: int) -> None:
    """One more row of clicks, of a time at which many ask."""
    at = T0 + timedelta(hours=number % 60)
    catalog.write(
        pl.DataFrame(
            {"user_id": [1], "at": [at], "clicks_7d": [1000 + number], "rate": [0.5], "made": [at]}
        ),
        into="shop.clicks",
    )


@pytest.mark.slow
def test_a_training_set_is_made_again_after_fifty_commits_a_compaction_and_an_expiry(
    features: Features,
) -> None:
    """The expiry spares the one old snapshot that the stored set came from, and says so."""
    catalog = Catalog(features._project)
    stored = features.snapshot("ml.train", REFS, entities())
    before = features.rebuild("ml.train")
    source = stored.sources["shop.clicks"]
    for number in range(50):
        commit(catalog, number)
        if number == 24:
            half = catalog.snapshots("shop.clicks", limit=1).items[0].id
            catalog.tag(f"shop.clicks@{half}", add=["half"])
    catalog.compact("shop.clicks")
    commit(catalog, 50)
    plan = catalog.expire("shop.clicks", older_than=timedelta(0), keep=1)
    kept = {item.id: item.kept_because for item in plan.snapshots if item.kept_because}
    assert len(kept) == 3
    assert source is not None
    assert "dataset:ml.train" in kept[source]
    assert plan.expires == 50
    done = catalog.expire("shop.clicks", older_than=timedelta(0), keep=1, preview=False)
    assert done.expires == 50
    assert catalog.snapshots("shop.clicks").total == 3
    assert_frame_equal(features.rebuild("ml.train"), before)
    found = features.compare_snapshot("ml.train")
    assert (found.same, found.compared, list(found.changed)) == (True, 600, [])
    newest = features.compare_snapshot("ml.train", newest=True)
    assert newest.different == newest.features["clicks:clicks_7d"].different + (
        newest.features["clicks:rate"].different if "clicks:rate" in newest.features else 0
    )
    assert newest.different > 0


def test_a_stored_set_is_found_behind_any_number_of_later_rows(features: Features) -> None:
    catalog = Catalog(features._project)
    stored = features.snapshot("ml.train", REFS, entities(5))
    rows = catalog.dataset("ml.train").scan().collect()
    for _ in range(4):
        catalog.write(rows, into="ml.train")
    with pytest.raises(Conflict, match="no stored training set") as caught:
        features.rebuild("ml.train")
    assert f"ml.train@{stored.snapshot} is one" in caught.value.fix
    assert features.rebuild(f"ml.train@{stored.snapshot}").height == 5
    assert catalog.expire("ml.train").lost == []
    (_, recipes) = catalog.expire("ml.train", older_than=timedelta(0), keep=1).lost[-2:]
    assert recipes.startswith(
        f"Stored training sets that cannot be rebuilt any more: {stored.snapshot}."
    )
    newer = features.snapshot("ml.train", REFS, entities(5))
    assert features.rebuild("ml.train").height == 5
    assert newer.snapshot != stored.snapshot


def test_what_has_changed_since_is_said(features: Features) -> None:
    features.snapshot("ml.train", REFS, entities())
    repo = features._project.root / "feature_repo"
    rows = pl.read_parquet(repo / "data" / "spend.parquet")
    rows.with_columns(pl.col("amount") + 1).write_parquet(repo / "data" / "spend.parquet")
    found = features.compare_snapshot("ml.train")
    assert list(found.features) == ["spend:amount"]
    assert list(found.changed) == ["data/spend.parquet has changed, and keeps no earlier state."]


def test_a_dataset_of_another_kind_is_never_replaced(features: Features) -> None:
    with pytest.raises(Conflict, match="no stored training set"):
        features.snapshot("shop.clicks", REFS, entities())
    features.snapshot("ml.train", REFS, entities())
    with pytest.raises(Conflict, match="other features") as caught:
        features.snapshot("ml.train", REFS[:1], entities())
    assert "clicks:clicks_7d" in caught.value.why
    with pytest.raises(NotFound):
        features.rebuild("ml.nothing")
    assert Catalog(features._project).show("shop.clicks").dataset.rows.value == 20


def test_columns_of_personal_data_stay_tagged_and_their_values_are_not_told(
    features: Features,
) -> None:
    catalog = Catalog(features._project)
    catalog.tag("column:shop.clicks.rate", add=["pii"])
    features.snapshot("ml.train", REFS, entities())
    assert catalog.show("ml.train").dataset.columns_tagged == {"rate": ["pii"]}
    catalog.write(
        pl.read_parquet(
            features._project.root / "feature_repo" / "data" / "clicks.parquet"
        ).with_columns(rate=pl.lit(0.123)),
        into="shop.clicks",
        mode="replace",
    )
    found = features.compare_snapshot("ml.train", newest=True)
    assert "0.123" not in found.features["clicks:rate"].example
    explained = features.explain("clicks", {"user_id": 1}, T0)
    assert explained.masked == ["rate"]
    assert {row.values["rate"] for row in explained.rows} == {"•••"}


def test_the_command_line_stores_and_compares(
    features: Features,
    monkeypatch: pytest.MonkeyPatch,
    run_line: Callable[..., tuple[int, dict[str, object]]],
) -> None:
    root = features._project.root
    monkeypatch.chdir(root)
    entities(30).with_columns(pl.col("event_timestamp").dt.to_string("iso")).write_csv("rows.csv")
    words = ["features", "snapshot", "ml.train", "--features", ",".join(REFS)]
    code, said = run_line(*words, "--entities", "rows.csv")
    assert (code, said["rows"], said["features"]) == (0, 30, REFS)
    code, said = run_line("features", "snapshot", "ml.train", "--compare")
    assert (code, said["same"]) == (0, True)
    code, _ = run_line(*words[:2], "ml.other", *words[3:], "--entities", "ml.train")
    assert code == 2, "ml.train has the features already"
    Catalog(features._project).write(entities(10), into="shop.rows")
    code, said = run_line(*words[:2], "ml.other", *words[3:], "--entities", "shop.rows")
    assert (code, said["rows"]) == (0, 10)
    edges = features._project.lineage.around("dataset:ml.other").items
    assert {"dataset:shop.rows", "feature:clicks:rate", "dataset:shop.clicks"} <= {
        edge.input.partition("@")[0] for edge in edges
    }
    (rows,) = (edge for edge in edges if edge.input.startswith("dataset:shop.rows"))
    assert rows.input == Catalog(features._project).dataset("shop.rows").ref
    assert ("user_id", "user_id") in rows.columns
    told = features._project.lineage.around("dataset:ml.other", column="rate").items
    assert {(edge.input.partition("@")[0], *edge.columns) for edge in told} >= {
        ("dataset:shop.clicks", ("rate", "rate")),
        ("view:clicks", ("rate", "rate")),
        ("feature:clicks:rate", ("rate", "rate")),
    }
