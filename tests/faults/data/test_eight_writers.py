"""Eight processes write one dataset at once. Whoever reads its history afterwards sees each
acknowledged write once, and nothing else: every snapshot is the one before it with one of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import writers
from servers import postgres

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project

Rows = dict[int, str]

MIXED = ["append", "append", "append", "upsert", "upsert", "upsert", "replace", "replace"]


def after(before: Rows, write: dict[str, Any]) -> Rows:
    """What a write makes of rows whose keys are unique."""
    new = dict.fromkeys(write["keys"], write["by"])
    if write["mode"] == "append":
        assert not before.keys() & new.keys()
    return new if write["mode"] == "replace" else before | new


def check(root: Path, modes: list[str], times: int) -> None:
    command = [sys.executable, writers.__file__, str(root), str(times), *modes]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    told = {write["snapshot"]: write for write in map(json.loads, done.stdout.splitlines())}
    assert len(told) == len(modes) * times
    catalog = Catalog(Project.open(root))
    history = list(reversed(catalog.snapshots(writers.NAME, limit=500).items))
    rows: Rows = {}
    for state in history:
        rows = after(rows, told.pop(state.id))
        frame = catalog.dataset(f"{writers.NAME}@{state.id}").scan().collect()
        assert sorted(frame.select("id", "by").rows()) == sorted(rows.items())
    assert told == {}
    assert not list((root / ".mlinfra/catalog/pending").glob("*"))


@pytest.mark.parametrize(
    ("modes", "times"),
    [
        pytest.param(MIXED, 2, id="mixed"),
        pytest.param(MIXED, 8, id="mixed-long", marks=pytest.mark.slow),
        pytest.param(["append"] * 8, 8, id="append", marks=pytest.mark.slow),
        pytest.param(["upsert"] * 8, 8, id="upsert", marks=pytest.mark.slow),
        pytest.param(["replace"] * 8, 8, id="replace", marks=pytest.mark.slow),
    ],
)
def test_in_the_projects_own_catalog_every_write_is_there_once(
    project: Project, modes: list[str], times: int
) -> None:
    check(project.root, modes, times)


@pytest.mark.slow
def test_in_postgresql_every_write_is_there_once(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres() as server:
        uri = f"sql+postgresql+psycopg://postgres:secret@127.0.0.1:{server.port}/postgres"
        monkeypatch.setenv("LAKE_URI", uri)
        (project.root / "mlinfra.toml").write_text(
            f'[catalog]\nuri = "env:LAKE_URI"\nwarehouse = "{tmp_path}/lake"\n'
        )
        check(project.root, MIXED, 4)
