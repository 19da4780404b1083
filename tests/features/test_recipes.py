"""What a stored training set says of its origin: every snapshot that was read, whatever came since,
and what has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.lineage import Edge, Traced
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features, training_sets
from jupyter_mlinfra.features.definitions import Column, Definition
from jupyter_mlinfra.features.knowing.uses import uses_of
from jupyter_mlinfra.features.lazily import TrainingSet
from jupyter_mlinfra.features.sources import SourceSpec
from jupyter_mlinfra.features.training import inputs_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = pl.DataFrame({"user_id": [1], "event_timestamp": [T0]})
PAY = SourceSpec(kind="dataset", name="hr.pay", time="at")
AWAY = SourceSpec(kind="dataset", name="hr.pay", time="at", options={"project": "../other"})


def view(name: str, source: SourceSpec | None, uses: Sequence[str] = ()) -> Definition:
    return Definition(
        name=name,
        kind="on_demand" if uses else "batch",
        entities=["user"],
        keys=[Column(name="user_id", type="INT64", tags={})],
        features=[Column(name="salary", type="DOUBLE", tags={})],
        ttl_seconds=None,
        source=source,
        online=True,
        owner="",
        tags={},
        description="",
        digest=name,
        materialized_until=None,
        computed=bool(uses),
        uses=uses,
    )


VIEWS = {
    "pay": view("pay", PAY),
    "away": view("away", AWAY),
    "twice": view("twice", None, ["pay"]),
}


def recipe(project: Project, name: str, pins: Any, views: Any = VIEWS) -> training_sets.Recipe:
    return training_sets.recipe_of(
        project,
        {name: ["salary"]},
        views,
        ROWS,
        at="event_timestamp",
        full_names=False,
        pins=pins,
    )


@pytest.fixture
def catalog(project: Project) -> Catalog:
    (project.root / "feature_repo").mkdir()
    catalog = Catalog(project)
    catalog.write(pl.DataFrame({"user_id": [1], "at": [T0], "salary": [1.0]}), into="hr.pay")
    return catalog


def test_every_snapshot_that_was_read_is_named(project: Project) -> None:
    assert inputs_of({"twice": ["salary"]}, VIEWS, {"hr.pay": "12"}) == [
        "dataset:hr.pay@12",
        "view:twice",
        "feature:twice:salary",
    ]
    away = inputs_of({"away": ["salary"]}, VIEWS, {"../other#hr.pay": "13"})
    assert away[0] == "../other#hr.pay@13"
    (project.root / "feature_repo").mkdir()
    assert recipe(project, "away", {"../other#hr.pay": "13"}).files == {}
    made = recipe(project, "twice", {"hr.pay": "12"})
    assert made.definitions == {"twice": "twice", "pay": "pay"}
    assert training_sets.changes(project, made, {"twice": VIEWS["twice"]}) == [
        "The definition of pay has changed."
    ]


def test_a_set_that_was_restored_or_appended_to_keeps_its_name(
    project: Project, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recipe(project, "pay", {"hr.pay": catalog.dataset("hr.pay").snapshot})
    rows = ROWS.with_columns(salary=1.0)
    first = training_sets.store(project, catalog, "ml.train", rows, made, VIEWS).snapshot
    catalog.write(rows, into="ml.train", mode="append")
    training_sets.check_name(catalog, "ml.train", {"pay": ["salary"]})
    with pytest.raises(Conflict, match="no stored training set") as caught:
        training_sets.read_recipe(catalog, "ml.train")
    assert f"ml.train@{first} is one" in caught.value.fix
    with pytest.raises(Conflict, match="other features"):
        training_sets.check_name(catalog, "ml.train", {"pay": []})
    with monkeypatch.context() as counting:
        reads: list[object] = []
        metadata = catalog._store.metadata
        counting.setattr(catalog._store, "metadata", lambda it: reads.append(it) or metadata(it))
        training_sets.check_name(catalog, "ml.train", {"pay": ["salary"]})
        assert len(reads) <= 2, "however many snapshots there are"
    catalog.restore("ml.train", first)
    assert training_sets.read_recipe(catalog, "ml.train") == made
    with pytest.raises(Conflict, match="no stored training set"):
        training_sets.check_name(catalog, "hr.pay", {"pay": ["salary"]})


def test_personal_data_is_tagged_by_the_very_commit(project: Project, catalog: Catalog) -> None:
    catalog.tag("column:hr.pay.salary", add=["pii"])
    made = recipe(project, "twice", {})
    rows = ROWS.with_columns(mail=pl.lit("ana@x.org"), salary=1.0)
    for _ in range(2):
        training_sets.store(project, catalog, "ml.train", rows, made, VIEWS, personal=["mail"])
    tagged = {"mail": ["pii"], "salary": ["pii"]}
    assert catalog.show("ml.train").dataset.columns_tagged == tagged
    log = catalog._store.metadata(catalog._store.entry(catalog.named("ml.train")))["metadata-log"]
    assert len(log) == 1, "one file of metadata for each commit, none for tags alone"
    catalog.tag("column:ml.train.mail", remove=["pii"], add=["of Ana"])
    training_sets.store(project, catalog, "ml.train", rows, made, VIEWS, personal=["mail"])
    tagged["mail"] = ["of Ana", "pii"]
    assert catalog.show("ml.train").dataset.columns_tagged == tagged


def test_what_was_made_of_a_view_comes_in_pages(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = Features(project)
    edges = [
        Edge(input="feature:pay:salary", output=f"dataset:ml.t{number}", job="x", at=f"{number:03}")
        for number in range(120)
    ]
    monkeypatch.setattr(features, "_view", VIEWS.__getitem__)
    monkeypatch.setattr(features, "_uses", lambda: uses_of(edges))
    first = features.uses("pay")
    assert (first.shown, first.total, first.items[0].name) == (50, 120, "ml.t119")
    last = features.uses("pay", limit=100, cursor=first.cursor)
    assert (last.shown, last.items[-1].name, last.cursor) == (70, "ml.t0", None)


def test_what_is_made_of_a_training_set_is_a_plain_frame() -> None:
    train = TrainingSet.of(
        lambda: pl.DataFrame({"a": [1, 0]}),
        {"a": pl.Int64()},
        lambda name: name,
        lambda: (pl.LazyFrame(), Traced()),
    )
    kept = train.filter(pl.col("a") > 0)
    assert type(kept) is type(train.clone()) is pl.LazyFrame
    assert kept.collect()["a"].to_list() == [1]
    assert train.snapshot("x") == "x"
