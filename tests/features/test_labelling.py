"""Views are tagged and deprecated in the file that defines them, and every face says so."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.settings import FILE
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features.faces.rows import browsing
from jupyter_mlinfra.features.windows import TAG

from .conftest import DEFINITIONS, T0


def test_a_deprecated_view_is_called_so_until_that_is_undone(
    applied_shop: Project,
    monkeypatch: pytest.MonkeyPatch,
    run_line: Callable[..., tuple[int, dict[str, Any]]],
) -> None:
    monkeypatch.chdir(applied_shop.root)
    features, file = Features(applied_shop), applied_shop.root / "feature_repo" / "views.py"
    preview = features.deprecate("clicks", "use visits", write=False)
    assert (preview.written, preview.file) == (False, "feature_repo/views.py")
    assert file.read_text() == DEFINITIONS
    applied_shop.lineage.record(
        "train", inputs=["feature:clicks:rate"], outputs=["version:churn/1"]
    )
    with pytest.raises(Conflict, match="used by version churn v1") as caught:
        features.deprecate("clicks", "use visits")
    assert "--yes" in caught.value.fix
    assert file.read_text() == DEFINITIONS

    code, done = run_line("features", "deprecate", "clicks", "--note", "use visits", "--yes")
    assert code == 0
    assert (done["used_by"], done["applied"]["updated"]) == (["version churn v1"], ["clicks"])
    assert [line for line in done["diff"].splitlines()[2:] if line[0] in "+-"] == [
        '-    tags={"team": "growth"},',
        '+    tags={"team": "growth", "deprecated": "use visits"},',
    ]
    clicks, spend = features.views().items
    assert (clicks.deprecated, spend.deprecated) == ("use visits", None)
    assert browsing.view(clicks)["deprecated"] == "use visits"
    assert "deprecated" not in browsing.view(spend)
    found = {hit.ref: hit.detail for hit in features.search("clicks").items}
    assert found["view:clicks"] == "2 features of user, deprecated"
    assert found["feature:clicks:rate"] == "clicks, f64, deprecated"
    entities = pl.DataFrame({"user_id": [1], "event_timestamp": [T0]})
    with pytest.warns(UserWarning, match="clicks is deprecated: use visits"):
        features.train(["clicks:rate"], entities)

    undone = features.deprecate("clicks", undo=True, apply=False)
    assert (undone.written, undone.applied) == (True, None)
    assert file.read_text() == DEFINITIONS, "as it was before"
    assert not features.deprecate("clicks", undo=True).written


def test_what_is_no_tag_is_refused(applied_shop: Project) -> None:
    features = Features(applied_shop)
    for name in ("", " ", "x" * 201, "a\nb", "a=b", TAG):
        with pytest.raises(BadRequest):
            features.tag("clicks", add={name: ""})
    with pytest.raises(BadRequest, match="No tag"):
        features.tag("clicks")
    written = features.tag("clicks", add={"a,b": "c=d"}, remove=["team"], apply=False)
    assert written.tags == {"a,b": "c=d"}


def test_the_file_keeps_its_mode_and_may_be_a_link_outside_of_the_project(
    applied_shop: Project, tmp_path: Path
) -> None:
    repo, real = tmp_path / "team" / "features", tmp_path / "team" / "real.py"
    repo.mkdir(parents=True)
    (repo / "views.py").symlink_to(real)
    real.write_bytes(b"\xef\xbb\xbf" + DEFINITIONS.encode())
    real.chmod(0o664)
    with (applied_shop.root / FILE).open("a") as settings:
        settings.write(f'\n[features]\nrepo = "{repo}"\n')
    features = Features(Project.open(applied_shop.root))
    for write in (False, True):
        done = features.tag("clicks", remove=["team"], write=write, apply=False)
        assert (done.file, done.written) == (f"{repo}/views.py", write)
    assert (repo / "views.py").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o664
    assert real.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "tags={}" in real.read_text()
