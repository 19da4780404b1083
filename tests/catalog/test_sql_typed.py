"""`mlinfra catalog sql` as scripts use it."""

from __future__ import annotations

import json

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.project import Project


def _typed(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["catalog", "sql", *words])
    assert ended.value.code == 0


def test_an_answer_that_is_cut_says_so_beside_the_answer(
    catalog: Catalog,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project.root)
    catalog.write(pl.DataFrame({"n": range(101)}), into="s.t")
    for as_json in ([], ["--json"]):
        _typed("SELECT n FROM s.t", *as_json)
        out, err = capfd.readouterr()
        assert err.count("\n") == 1
        assert "more rows than these 100: --limit gives up to 10,000, --out" in err
        _typed("SELECT n FROM s.t", "--limit", "101", *as_json)
        whole, err = capfd.readouterr()
        assert not err
    assert len(json.loads(out)["rows"]) == 100
    assert json.loads(out)["more"] is True
    assert len(json.loads(whole)["rows"]) == 101
    _typed("--help")
    assert "100 if it is not given, with --json too" in " ".join(capfd.readouterr().out.split())
