"""Definitions that are written from a cell, a form or the command line: tried first, then kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from jupyter_mlinfra.cli.app import run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.errors import BadRequest, Conflict, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.faces.handler import parse
from jupyter_mlinfra.faces.snippets import call_of
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.magics.magics import magics_of
from jupyter_mlinfra.workbench import Workbench

TEXT = """
from feast import FeatureService, FeatureView, Field, FileSource
from feast.types import Float64
from views import user

scores = FeatureView(
    name="scores", entities=[user], schema=[Field(name="rate", dtype=Float64)],
    source=FileSource(name="scores", path="data/clicks.parquet", timestamp_field="at"),
)
ranking = FeatureService(name="ranking", features=[scores])
"""


def files(project: Project) -> dict[str, str]:
    return {path.name: path.read_text() for path in (project.root / "feature_repo").glob("*.py")}


def test_a_cell_becomes_a_definition_file_and_is_applied(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(applied_shop.root)
    magic = magics_of(SimpleNamespace(user_ns={}))["cell"]["features"]
    defined = magic("define user_scores", TEXT)
    assert (defined.file, defined.replaced) == ("feature_repo/user_scores.py", False)
    assert (defined.views, defined.services) == (["scores"], ["ranking"])
    assert defined.applied.created == ["scores"]
    assert files(applied_shop)["user_scores.py"] == TEXT
    assert Features(applied_shop).show("scores").services == ["ranking"]
    with pytest.raises(BadRequest, match="invalid choice"):
        magic("apply user_scores", TEXT)


@pytest.mark.parametrize(
    ("text", "error", "what"),
    [
        ("x = (\n", Unprocessable, "user_scores.py, line 1"),
        ("x = 1\n", BadRequest, "defines no view"),
        (
            TEXT.replace("clicks.parquet", "gone.parquet"),
            Unprocessable,
            "user_scores.py, line 7, scores",
        ),
        pytest.param(
            TEXT.replace('Field(name="rate"', 'Field(name="no"'),
            Unprocessable,
            "no column no",
            marks=pytest.mark.slow,
        ),
        (
            TEXT.replace('name="scores", entities', 'name="Spend", entities'),
            Unprocessable,
            "refused",
        ),
    ],
)
def test_a_text_that_cannot_be_applied_leaves_the_file_that_is_there(
    applied_shop: Project, text: str, error: type[Exception], what: str
) -> None:
    old = applied_shop.root / "feature_repo" / "user_scores.py"
    old.write_text("# mine\n")
    before = files(applied_shop)
    with pytest.raises(error, match=what):
        Features(applied_shop).define("user_scores", text)
    assert files(applied_shop) == before


def test_nothing_is_deleted_unless_that_is_said(applied_shop: Project, tmp_path: Path) -> None:
    before = files(applied_shop)
    half = before["views.py"][: before["views.py"].index("spend = ")]
    with pytest.raises(Conflict, match="spend would be deleted"):
        Features(applied_shop).define("views", half)
    assert files(applied_shop) == before
    (tmp_path / "half.py").write_text(half)
    words = ["features", "define", "views", str(tmp_path / "half.py"), "--replace", "--no-apply"]
    ended = run(words, Session(str(applied_shop.root), json=True))
    assert (ended.value.replaced, ended.value.applied) == (True, None)
    assert files(applied_shop) == {"views.py": half}
    assert Features(applied_shop).views().total == 2  # until it is applied


@pytest.mark.parametrize("name", ["json", "User", "2day", "a-b", "class", "../x", ""])
def test_a_name_that_is_no_module_of_the_repository_is_refused(
    applied_shop: Project, name: str
) -> None:
    with pytest.raises(BadRequest):
        Features(applied_shop).draft(name, TEXT)
    assert not (applied_shop.home / "features" / "drafts").exists()


def started(bench: Workbench, dataset: str) -> str:
    _, function = call_of("features-start")
    values = parse(function, {"dataset": dataset})  # as REST does
    return function(bench, **values)["python"]


def test_a_definition_starts_from_a_dataset_and_applies_as_it_is(applied_shop: Project) -> None:
    """All columns that Feast has a type for, by the entity that there is, under a free name."""
    bench = Workbench(applied_shop)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    values = {
        "name": "a",
        "user_id": 1,
        "created_at": at,
        "at": at,
        "day": date(2026, 1, 1),
        "ok": True,
        "half": 0.5,
        'it\'s "odd"': 7,
        "raw": b"x",
        "price": Decimal("1.50"),
        "part": {"two\nlines": 1},
    }
    frame = pl.DataFrame({name: [value] for name, value in values.items()})
    small = pl.col("half").cast(pl.Float32).alias("f32"), pl.lit(1, pl.Int32).alias("i32")
    bench.catalog.write(frame.with_columns(small), into="shop.spend")
    bench.catalog.describe("shop.spend", owner="ana", tags=["gold"])
    bench.catalog.describe("column:shop.spend.ok", description="whether it is so")
    code = started(bench, "shop.spend")
    assert '# left out: "price (dec[' in code
    assert bench.features.define("more", code).views == ["spend_2"]
    view = bench.features.show("spend_2")
    assert (view.view.entities, view.join_keys) == (["user"], ["user_id"])
    assert view.timestamp_column == "at"
    assert (view.view.owner, view.view.tags) == ("ana", {"gold": ""})
    found = bench.features.list(view="spend_2").items
    types = {item.name: item.type for item in found}
    assert [item.name for item in found if item.description == "whether it is so"] == ["ok"]
    assert set(types) == {*values, "f32", "i32"} - {"user_id", "at", "price", "part"}
    assert (types["i32"], types["f32"], types["raw"]) == ("i32", "f32", "bytes")
    keys = pl.DataFrame({"user_id": [1], "event_timestamp": [at]})
    row = bench.features.train(["spend_2:*"], keys).collect().row(0, named=True)
    assert row['it\'s "odd"'] == 7
    again = started(bench, "shop.spend")  # a second view over the same dataset
    assert bench.features.define("again", again).views == ["spend_3"]


@pytest.mark.parametrize(
    ("column", "what"), [("at", "moments"), ("user_id", "for a key"), ("spent", "has a type for")]
)
def test_a_dataset_that_lacks_what_a_view_needs_is_refused(
    applied_shop: Project, column: str, what: str
) -> None:
    bench = Workbench(applied_shop)
    row = {"user_id": 1, "at": datetime(2026, 1, 1, tzinfo=UTC), "spent": 0.5}
    del row[column]
    bench.catalog.write(pl.DataFrame([row]), into="shop.lacks")
    with pytest.raises(Unprocessable) as caught:
        started(bench, "shop.lacks")
    assert what in f"{caught.value.why}"
