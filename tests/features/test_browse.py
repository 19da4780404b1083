"""Lists, pages, search and code of the feature store; none of it loads Feast or runs what a
registry holds.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dill
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, Forbidden, NotFound
from jupyter_mlinfra.core.lineage import Lineage
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Number
from jupyter_mlinfra.features import Features

from .conftest import T0


def test_views_and_features_are_listed_by_page_and_filtered_by_words(shop: Features) -> None:
    first = shop.views(limit=1)
    assert ([view.name for view in first.items], first.shown, first.total) == (["clicks"], 1, 2)
    assert [view.name for view in shop.views(limit=1, cursor=first.cursor).items] == ["spend"]
    assert [feature.ref for feature in shop.list().items] == [
        "feature:clicks:clicks_7d",
        "feature:clicks:rate",
        "feature:spend:amount",
        "feature:spend:shop",
    ]
    assert [feature.name for feature in shop.list(view="spend").items] == ["amount", "shop"]
    assert [view.name for view in shop.views(query="GROWTH ana").items] == ["clicks"]
    assert [feature.name for feature in shop.list(query="clicks week").items] == ["clicks_7d"]
    assert shop.views(query="growth nothing").total == 0
    with pytest.raises(BadRequest, match="limit"):
        shop.list(limit=501)


def test_a_views_page_tells_its_keys_times_figures_and_owner(shop: Features) -> None:
    page = shop.show("view:clicks")
    assert (page.join_keys, page.timestamp_column, page.created_column) == (
        ["user_id"],
        "at",
        "made",
    )
    assert page.rows == Number(value=20)
    assert [(feature.name, feature.type, feature.fill) for feature in page.features] == [
        ("clicks_7d", "i64", Number(value=1.0, n=20)),
        ("rate", "f64", Number(value=0.9, n=20)),
    ]
    assert (page.view.owner, page.view.tags, page.view.ttl_seconds, page.view.entities) == (
        "ana",
        {"team": "growth"},
        108_000,
        ["user"],
    )
    assert shop.show("spend").view.ttl_seconds is None
    with pytest.raises(NotFound, match="no view click") as caught:
        shop.show("click")
    assert "clicks" in caught.value.why


def test_figures_follow_the_source_and_a_source_that_is_gone_takes_no_page_with_it(
    applied_shop: Project,
) -> None:
    features, path = (
        Features(applied_shop),
        applied_shop.root / "feature_repo" / "data" / "clicks.parquet",
    )
    assert features.show("clicks").rows.value == 20
    pl.read_parquet(path).with_columns(rate=float("nan")).head(5).write_parquet(path)
    page = features.show("clicks")
    assert (page.rows.value, page.features[1].fill) == (5, Number(value=0.0, n=5))
    path.unlink()
    page = features.show("clicks")
    assert (page.rows.value, page.features[1].fill, page.view.source_at) == (None, None, None)
    assert features.views().total == 2


def test_a_source_without_its_time_column_or_with_damaged_bytes_shows_in_its_own_view_alone(
    applied_shop: Project,
) -> None:
    features, path = (
        Features(applied_shop),
        applied_shop.root / "feature_repo" / "data" / "clicks.parquet",
    )
    content = path.read_bytes()
    pl.read_parquet(path).rename({"at": "when"}).write_parquet(path)
    clicks, spend = features.views().items
    assert "no column at" in clicks.problem
    assert (spend.problem, spend.source_at) == ("", T0)
    assert features.list().total == 4
    assert features.show("clicks").rows.value is None
    with pytest.raises(BadRequest, match="no column at"):
        features.materialize("clicks")
    for damaged in (
        content[:100],
        b"PAR1 no such thing PAR1",
        content[: len(content) // 2] + content[-200:],
    ):
        path.write_bytes(damaged)
        clicks, spend = features.views().items
        assert "clicks.parquet cannot be read" in clicks.problem
        assert (spend.problem, features.list().total) == ("", 4)
    path.write_bytes(content)
    assert (features.show("clicks").view.problem, features.show("clicks").rows.value) == ("", 20)


def test_figures_that_cannot_be_kept_are_shown_all_the_same(applied_shop: Project) -> None:
    folder = applied_shop.home / "features" / "statistics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o500)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "replace", _full)  # the test may run as root, whom no mode stops
            assert Features(applied_shop).show("clicks").rows.value == 20
    finally:
        folder.chmod(0o700)


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_lineage_is_read_once_for_a_page_of_features(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    edges = Lineage.edges
    monkeypatch.setattr(Lineage, "edges", lambda self: read.append(1) or edges(self))
    assert len({feature.view for feature in shop.list().items}) == 2
    assert len(read) == 1


def test_search_finds_views_and_features_by_name_tag_owner_and_description(shop: Features) -> None:
    assert {hit.ref for hit in shop.search("clicks").items} >= {
        "view:clicks",
        "feature:clicks:clicks_7d",
    }
    assert {hit.kind for hit in shop.search("growth").items} == {"view", "feature"}
    assert [hit.ref for hit in shop.search("amount").items] == [
        "feature:spend:amount",
        "view:spend",
    ]
    assert shop.search("ana nothing").total == 0


def test_a_fingerprint_changes_with_the_source_and_with_the_definition_only(
    applied_shop: Project,
) -> None:
    features = Features(applied_shop)
    first = features.fingerprint("clicks")
    features.materialize("clicks")
    assert features.fingerprint("view:clicks") == first
    path = applied_shop.root / "feature_repo" / "data" / "clicks.parquet"
    pl.read_parquet(path).head(3).write_parquet(path)
    assert features.fingerprint("clicks") not in (first, None)
    path.unlink()
    assert features.fingerprint("clicks") is None
    assert features.fingerprint("nothing") is None


def test_the_code_of_a_view_runs_as_it_is_inserted(
    shop: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop._project.root)
    for code in (shop.show("spend").code["python"], shop.use(["clicks:rate", "spend:*"])):
        names: dict[str, pl.LazyFrame] = {}
        exec(code, names)
        rows = names["train"].collect()
        assert rows.height > 0
        assert rows.columns[-1] in ("shop", "rate")
        assert rows.null_count().sum_horizontal().item() == 0, "examples show values"
    with pytest.raises(NotFound):
        shop.use(["clicks:nothing"])


def test_browsing_loads_neither_feast_nor_a_data_library(shop: Features) -> None:
    code = (
        "import sys\nfrom jupyter_mlinfra.core.project import Project\nfrom"
        " jupyter_mlinfra.features import Features\nfeatures ="
        f" Features(Project.open({str(shop._project.root)!r}))\nfeatures.views(), features.list(),"
        " features.show('clicks'), features.search('rate'),"
        " features.fingerprint('spend')\nprint(*sys.modules)"
    )
    shop.views()  # figures are cached
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"feast", "polars", "pandas", "pyarrow", "sqlalchemy"} & set(loaded)


def test_a_change_made_by_feast_itself_is_seen(applied_shop: Project) -> None:
    features = Features(applied_shop)
    assert features.views().total == 2
    features.feast().delete_feature_view("spend")
    assert [view.name for view in features.views().items] == ["clicks"]
    assert "spend" not in [view.name for view in features.feast().list_feature_views()]


def test_code_pickled_in_a_registry_is_not_run_by_browsing(
    fresh_shop: Project, tmp_path: Path
) -> None:
    """On-demand views keep their function in the registry as a pickle that runs code when it is
    loaded.
    """
    canary = tmp_path / "canary"
    more = f"""
import pandas as pd
from feast.on_demand_feature_view import on_demand_feature_view
from feast import Field
from feast.types import Float64
from views import clicks

class Trap:
    def __reduce__(self):
        return open, ({str(canary)!r}, "w")

def double(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({{"doubled": rows["rate"] * 2}})

double.trap = Trap()
schema = [Field(name="doubled", dtype=Float64)]
doubled = on_demand_feature_view(sources=[clicks], schema=schema)(double)
"""
    (fresh_shop.root / "feature_repo" / "more.py").write_text(more)
    features = Features(fresh_shop)
    assert features.apply().created == ["clicks", "double", "spend"]
    canary.unlink(missing_ok=True)
    (fresh_shop.home / "features" / "index.json").unlink()
    assert [view.name for view in features.views().items] == ["clicks", "double", "spend"]
    assert [feature.name for feature in features.show("double").features] == ["doubled"]
    features.search("doubled"), features.fingerprint("double")
    features.materialize("spend")
    assert features.online(["spend:amount"], [{"user_id": 1, "item_id": "pen"}])[0].values == {
        "spend:amount": 3.0
    }
    with pytest.raises(Forbidden, match="double cannot be looked up"):
        features.looked_up(["double:doubled"], [{"user_id": 1}], code="never")
    told = features.statistics("double")
    assert (told.profile, told.told_from) == (None, "No stored training set has its values.")
    assert not canary.exists()
    body = (
        features.feast()
        .registry.proto()
        .on_demand_feature_views[0]
        .spec.feature_transformation.user_defined_function.body
    )
    dill.loads(body)
    assert canary.exists()  # so the trap was there
    # In the user's own process its function may run.
    train = features.training_set(["double:doubled"], features.examples(["clicks:*"]))
    assert train.columns == ["user_id", "event_timestamp", "doubled"]
    _check_statistics_of_code(features)


def _check_statistics_of_code(features: Features) -> None:
    """Statistics of the view of that registry: by its code where that is asked for alone."""
    rows = pl.DataFrame({"user_id": [*range(10)] * 12, "event_timestamp": [T0] * 120})
    features.snapshot("ml.train", ["double:*"], rows)
    fresh = Features(Project.open(features._project.root))
    stored = fresh.statistics("double")
    assert stored.profile is not None
    assert stored.told_from.startswith("the training set ml.train of 20")
    assert stored.profile.columns["doubled"].mean == pytest.approx(1.0)  # 0.2, 0.4, … 1.8
    assert [item.fill for item in stored.features] == [Number(value=0.9, n=120)]
    assert "was not run" in stored.no_drift
    with pytest.raises(Conflict, match="clicks is not computed on a sample"):
        fresh.statistics("clicks", compute=True)
    found = fresh.statistics("double", compute=True)
    assert found.profile is not None
    assert found.told_from == "what a training set gets at 20 events of clicks"
    assert (found.profile.columns["doubled"].nulls, found.profile.rows) == (2, 20)
    assert found.profile.columns["doubled"].max == pytest.approx(1.8)
    assert found.no_drift.startswith("10 rows in the training window")
    again = Features(Project.open(features._project.root))
    assert again.statistics("double").told_from == found.told_from
    path = features._project.root / "feature_repo" / "data" / "clicks.parquet"
    pl.read_parquet(path).head(15).write_parquet(path)
    assert again.statistics("double").told_from == stored.told_from


def test_a_selection_shows_its_features_in_the_order_asked_for(shop: Features) -> None:
    page = shop.selected(["spend:shop", "clicks:*"])
    assert [item.ref for item in page.items] == [
        "feature:spend:shop",
        "feature:clicks:clicks_7d",
        "feature:clicks:rate",
    ]
    with pytest.raises(NotFound, match="no feature nope"):
        shop.selected(["clicks:nope"])
