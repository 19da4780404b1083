"""Eight processes append, upsert, compact, expire, restore and tag at once for a minute. Readers
that nobody here wrote, pyiceberg and DuckDB, then see each acknowledged row once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import mixed_writers
import polars as pl
import pytest
from duckdb_reader import read
from mixed_writers import RESTORED, SHARED, WORKS
from servers import postgres

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.project import Project

SECONDS = 60
Rows = list[list[Any]]


def by_others(project: Project, name: str) -> tuple[Rows, Rows]:
    """The rows of now, as pyiceberg and as DuckDB read them."""
    dataset = DatasetName.parse(name)
    table = CatalogStore(project).iceberg.load_table(dataset.identifier)
    arrow = table.scan().to_arrow().select(["id", "by"])
    snapshot = table.current_snapshot()
    assert snapshot is not None
    (rows,) = read([(table.metadata_location, str(snapshot.snapshot_id))])
    return sorted(zip(*arrow.to_pydict().values(), strict=True), key=repr), sorted(rows, key=repr)


def check_restored(catalog: Catalog, written: list[dict[str, Any]]) -> None:
    """Each state is the one before it with one acknowledged write, or is an earlier one."""
    writes = {write["snapshot"]: dict(map(tuple, write["rows"])) for write in written}
    states: list[dict[int, str]] = [{}]
    for state in reversed(catalog.snapshots(RESTORED, limit=500).items):
        frame = catalog.dataset(f"{RESTORED}@{state.id}").scan().collect()
        rows = dict(frame.select("id", "by").rows())
        assert len(rows) == frame.height, "a row is there twice"
        if state.id in writes:
            assert rows == states[-1] | writes.pop(state.id)
        else:
            assert rows in states
        states.append(rows)
    assert writes == {}, "a state is gone"


def check(root: Path) -> None:
    project = Project.open(root)
    catalog = Catalog(project)
    for name in (SHARED, RESTORED):
        catalog.write(pl.DataFrame({"id": [-1], "by": ["first"]}), into=name)
    first = catalog.snapshots(RESTORED).items[0].id
    command = [sys.executable, mixed_writers.__file__, str(root), str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    times = Counter(item["work"] for item in told)
    assert set(times) == {work.__name__ for work in WORKS}, f"some came never: {times}"
    expected: dict[int, str] = {-1: "first"}
    for item in told:  # a key has one writer, whose lines are in order
        if item.get("dataset") == SHARED:
            expected |= dict(map(tuple, item["rows"]))
    for rows in by_others(project, SHARED):
        assert [tuple(row) for row in rows] == sorted(expected.items(), key=repr)
    written = [item for item in told if item["work"] == "append_restored"]
    check_restored(catalog, [{"snapshot": first, "rows": [(-1, "first")]}, *written])
    seen = sorted(catalog.dataset(RESTORED).scan().collect().select("id", "by").rows(), key=repr)
    for rows in by_others(project, RESTORED):
        assert [tuple(row) for row in rows] == seen
    tags = {item["tag"]: item["snapshot"] for item in told if item["work"] == "tag"}
    kept = {
        name: item.id for item in catalog.snapshots(SHARED, limit=500).items for name in item.refs
    }
    assert tags.items() <= kept.items(), "a tagged state is gone"
    assert not list((project.home / "catalog" / "pending").glob("*"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("catalog", ["sqlite", "postgresql"])
def test_each_acknowledged_row_is_there_once_whatever_others_did_meanwhile(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: str
) -> None:
    if catalog == "sqlite":
        check(project.root)
        return
    with postgres() as server:
        uri = f"sql+postgresql+psycopg://postgres:secret@127.0.0.1:{server.port}/postgres"
        monkeypatch.setenv("LAKE_URI", uri)
        (project.root / "mlinfra.toml").write_text(
            f'[catalog]\nuri = "env:LAKE_URI"\nwarehouse = "{tmp_path}/lake"\n'
        )
        check(project.root)
