"""Definitions that are written from a cell, a form or the command line: tried first, then kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_mlinfra.cli.app import run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.errors import BadRequest, Conflict, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.magics.magics import magics_of

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
        (TEXT.replace('Field(name="rate"', 'Field(name="no"'), Unprocessable, "no column no"),
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
