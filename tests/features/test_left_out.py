"""A view that cannot be applied, or whose file is gone, holds up no other; each is named with its
fix.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from feast import Entity, FeatureView, Field, FileSource, RepoConfig
from feast.infra.online_stores.sqlite import SqliteOnlineStore
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.transformation.python_transformation import PythonTransformation
from feast.types import Float64, Int64

from jupyter_mlinfra.cli.app import run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.errors import NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import AppliedViews, Features, checking
from jupyter_mlinfra.features.checking import check_name
from jupyter_mlinfra.features.materializing import Wish, materialize
from jupyter_mlinfra.features.repo import open_store

from .conftest import T0

MORE = """
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import Float64
from views import clicks, item, spend

# Feast looks in the file for the type of its key.
untyped = Entity(name="untyped", join_keys=["user_id"])
fresh = FeatureView(
    name="fresh", entities=[untyped], schema=[Field(name="score", dtype=Float64)],
    source=FileSource(path="data/gone.parquet", timestamp_field="at"),
)
prices = FeatureView(
    name="prices", entities=[item], schema=[Field(name="amount", dtype=Float64)],
    source=FileSource(name="prices", path="data/spend.parquet", timestamp_field="at"),
)
ranking = FeatureService(name="ranking", features=[clicks, fresh[["score"]]])
pricing = FeatureService(name="pricing", features=[prices])
"""


def stored(project: Project, table: str) -> dict[str, bytes]:
    name = "feature_service" if table == "feature_services" else "feature_view"
    with closing(sqlite3.connect(project.home / "features" / "registry.db")) as registry:
        return dict(registry.execute(f"SELECT {name}_name, {name}_proto FROM {table}").fetchall())


def told(applied: AppliedViews) -> list[tuple[str, str, bool]]:
    return [(item.kind, item.name, item.registered) for item in applied.problems]


def test_what_is_broken_is_left_out_and_named_and_all_else_is_applied(
    applied_shop: Project,
) -> None:
    repo, features = applied_shop.root / "feature_repo", Features(applied_shop)
    before = stored(applied_shop, "feature_views")
    (repo / "more.py").write_text(MORE)
    views = repo / "views.py"
    views.write_text(views.read_text().replace('name="rate"', 'name="ratio"'))
    ended = run(["features", "apply"], Session(str(applied_shop.root), json=True))
    applied = ended.value
    assert (applied.created, applied.deleted, applied.unchanged) == (
        ["prices"],
        [],
        ["clicks", "spend"],
    )
    assert told(applied) == [
        ("service", "ranking", False),
        ("view", "clicks", True),
        ("view", "fresh", False),
    ]
    ranking, clicks, fresh = applied.problems
    assert "views.py, line 12, clicks: The source of clicks has no column ratio" in clicks.what
    assert ("Correct" in clicks.fix, "gone.parquet" in fresh.what) == (True, True)
    assert ranking.what == "ranking uses clicks, which cannot be applied."
    assert ended.exit_code == 1
    assert "and 2 more" in str(ended.error)
    # The registry has what it had, and the new view and service.
    assert stored(applied_shop, "feature_views")["clicks"] == before["clicks"]
    assert set(stored(applied_shop, "feature_services")) == {"pricing"}

    shown = {view.name: view for view in features.views().items}
    assert set(shown) == {"clicks", "fresh", "prices", "spend"}
    assert "Its new definition is not applied" in shown["clicks"].problem
    assert "It is not applied" in shown["fresh"].problem
    assert shown["fresh"].fix == "Write the file, or correct `path` in the definition."
    assert (shown["spend"].problem, features.list(view="clicks").total) == ("", 2)
    assert [view.name for view in features.views(query="fre").items] == ["fresh"]
    with pytest.raises(Unprocessable, match="fresh is not applied") as caught:
        features.show("fresh")
    assert caught.value.fix == shown["fresh"].fix

    pl.DataFrame({"user_id": [1], "at": [T0], "score": [0.5]}).write_parquet(
        repo / "data" / "gone.parquet"
    )
    views.write_text(views.read_text().replace('name="ratio"', 'name="rate"'))
    applied = features.apply()
    assert applied.problems == []
    assert (applied.created, applied.updated) == (["fresh"], [])
    assert set(stored(applied_shop, "feature_services")) == {"pricing", "ranking"}
    assert [view.problem for view in features.views().items] == [""] * 4


@pytest.mark.slow
def test_an_entity_stays_as_a_view_that_is_left_out_needs_it(applied_shop: Project) -> None:
    repo, before = applied_shop.root / "feature_repo", stored(applied_shop, "feature_views")
    (repo / "more.py").write_text(MORE)
    views = repo / "views.py"
    views.write_text(views.read_text().replace('["user_id"]', '["uid"]'))
    spend = repo / "data" / "spend.parquet"
    pl.read_parquet(spend).rename({"user_id": "uid"}).write_parquet(spend)
    applied = Features(applied_shop).apply()
    assert applied.created == ["prices"]
    assert [item.name for item in applied.problems if item.kind == "view"] == [
        "clicks",
        "fresh",
        "spend",
    ]
    assert "waits for entity user" in applied.problems[-1].what
    after = stored(applied_shop, "feature_views")
    assert {name: after[name] for name in before} == before


def test_a_view_whose_file_is_gone_holds_up_no_other_that_is_materialized(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, features = applied_shop.root / "feature_repo" / "data", Features(applied_shop)
    clicks, spend = data / "clicks.parquet", data / "spend.parquet"

    def failed(*views: str) -> str:
        with pytest.raises(NotFound) as caught:
            materialize(applied_shop, Wish(views=views), progress=lambda *_: None)
        return str(caught.value)

    clicks.rename(data / "away.parquet")
    told = failed()
    assert told.startswith("Not materialized: clicks. clicks: There is no file ")
    assert "Done: spend. Write the file" in told
    found = features.online(["spend:amount"], [{"user_id": 2, "item_id": "pen"}])
    assert found[0].values == {"spend:amount": 5.0}
    assert features.show("spend").view.online_at == T0  # the index knows
    assert features.show("clicks").view.online_at is None
    assert "Not materialized: clicks." in failed("clicks", "spend")
    assert failed("clicks").startswith("There is no file")  # named alone: the error itself

    spend.unlink()
    both = failed()
    assert both.startswith("Not materialized: clicks, spend.")
    assert "spend: There is no file" in both
    assert "other views" not in both


def test_a_store_that_is_down_is_tried_twice_and_the_rest_is_told(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    feast, tried = Features(applied_shop).feast(), []
    view = feast.get_feature_view("spend")
    view.name = "third"
    feast.registry.apply_feature_view(view, feast.project)

    def off(store: object, config: object, table: FeatureView, *_: object) -> None:
        tried.append(table.name)
        raise ConnectionError("It is off")

    monkeypatch.setattr(SqliteOnlineStore, "online_write_batch", off)
    with pytest.raises(Unavailable) as caught:
        materialize(applied_shop, Wish(), progress=lambda *_: None)
    assert tried == ["clicks", "spend"]
    assert str(caught.value).startswith(
        "Not materialized: clicks, spend. clicks, spend: The online store did not answer."
        " It is off. Not tried: third."
    )


@pytest.mark.parametrize(
    ("name", "description", "told"),
    [
        ("top-prices", "", r"'top-prices' cannot be the name of a table.*SQLite.*the sign '-'"),
        ("a b", "", "the sign ' '"),
        ("a@v2", "", "Feast refuses it.*must not contain '@'"),
        ("nul\0", "", r"'nul\\x00' cannot be the name of a view.*printable"),
        ("x" * 501, "", "at most 500 characters"),
        ("torn", "half of a pair: \ud800", "torn: Feast refuses it.*surrogates not allowed"),
    ],
)
def test_a_view_whose_name_or_words_cannot_be_kept_is_refused_with_the_reason(
    applied_shop: Project, name: str, description: str, told: str
) -> None:
    view = FeatureView(
        name=name,
        entities=[Entity(name="user", join_keys=["user_id"])],
        schema=[Field(name="n", dtype=Int64)],
        source=FileSource(path="data/clicks.parquet", timestamp_field="at"),
        description=description,
    )
    with pytest.raises(Unprocessable, match=told):
        check_name(view, open_store(applied_shop).config)


def test_names_that_sqlite_reads_as_one_are_taken(applied_shop: Project) -> None:
    for name in ("clicks_7d", "größe", "2024", "a$"):
        view = FeatureView(name=name, source=FileSource(path="x", timestamp_field="at"))
        check_name(view, open_store(applied_shop).config)


def test_a_written_view_on_demand_may_have_any_name(applied_shop: Project) -> None:
    """Feast quotes the name of its table, as a value that is written and read shows."""
    feast = open_store(applied_shop)
    code = "def twice(found):\n    return {'twice': [2 * rate for rate in found['rate']]}\n"
    scope: dict[str, Any] = {}
    exec(code, scope)
    view = OnDemandFeatureView(
        name="clicks, twice",
        entities=[feast.get_entity("user")],
        schema=[Field(name="twice", dtype=Float64)],
        sources=[feast.get_feature_view("clicks")],
        feature_transformation=PythonTransformation(scope["twice"], udf_string=code),
        mode="python",
        write_to_online_store=True,
    )
    check_name(view, feast.config)
    feast.apply([view])
    rows = pd.DataFrame({"user_id": [1], "rate": [0.5], "event_timestamp": [T0]})
    feast.write_to_online_store(view.name, rows)
    (row,) = Features(applied_shop).online([f"{view.name}:*"], [{"user_id": 1}])
    assert [*row.values.values()] == [1.0]


def test_what_feast_does_not_read_is_not_asked_for_the_place_of_a_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".#views.py").symlink_to("user@host.1:2")  # the lock of Emacs
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "copy.py").write_text('name="a b"')
    (tmp_path / ".feastignore").write_text("copy.py")
    (tmp_path / "views.py").write_text('\nFeatureView(name="a b")')
    config = RepoConfig(project="s", registry="r.db", provider="local", repo_path=tmp_path)
    source = FileSource(path="x", timestamp_field="at")
    with pytest.raises(Unprocessable, match=r"^views\.py, line 2, a b: "):
        check_name(FeatureView(name="a b", source=source), config)
    monkeypatch.setattr(checking, "files_of", None)
    check_name(FeatureView(name="right", source=source), config)
