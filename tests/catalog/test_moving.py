"""A dataset in another tier: every snapshot is read as before, and no commit of others is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.care import moving
from jupyter_mlinfra.catalog.metadata import kind_of
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import Conflict, NotFound, Unprocessable
from jupyter_mlinfra.core.project import Project
from tests.catalog.test_foreign_deletes import PATH, POSITION, delete

NAME = DatasetName("t", "a")
MOVE = """
import sys
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
Catalog(Project.open(sys.argv[1])).move("t.a", tier="cold")
"""


@pytest.fixture
def cold(project: Project, tmp_path: Path) -> Catalog:
    """The catalog of a project with the tier `cold`, a folder."""
    text = f'[catalog.tiers.cold]\nwarehouse = "{tmp_path}/cold"\n'
    (project.root / "mlinfra.toml").write_text(text)
    return Catalog(Project.open(project.root))


def history(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every snapshot as pyiceberg itself reads them, without our catalog."""
    home = project.home
    plain = SqlCatalog("mlinfra", uri=f"sqlite:///{home}/catalog.db", warehouse=str(home))
    table = plain.load_table(("t", "a"))
    return {str(item.snapshot_id): rows(table, item.snapshot_id) for item in table.snapshots()}


def rows(table: Table, snapshot: int) -> list[tuple[Any, ...]]:
    found = pl.DataFrame(pl.from_arrow(table.scan(snapshot_id=snapshot).to_arrow()))
    return sorted(found.rows(), key=repr)


def files(project: Project) -> set[str]:
    """The data files of the newest snapshot."""
    table = CatalogStore(Project.open(project.root)).load(NAME)
    return {task.file.file_path for task in table.scan().plan_files()}


def fill(catalog: Catalog, folder: Path) -> None:
    """Appends, an upsert, another column, a tag: a history."""
    (folder / "one.csv").write_text("id,x\n1,a\n2,b\n")
    catalog.ingest([folder / "one.csv"], into="t.a")
    catalog.write(
        pl.DataFrame({"id": [2, 3], "x": ["B", "c"]}), into="t.a", mode="upsert", key="id"
    )
    catalog.write(pl.DataFrame({"id": [4], "x": ["d"], "y": [0.5]}), into="t.a")
    catalog.tag("t.a", add=["gold"])


def test_every_snapshot_is_read_as_before_without_the_old_files_and_back_again(
    cold: Catalog, project: Project, tmp_path: Path
) -> None:
    fill(cold, tmp_path)
    before, old = history(project), cold.show("t.a")
    moved = cold.move("t.a", tier="cold")
    assert (moved.tier, moved.done, moved.undo) == (
        "cold",
        True,
        "mlinfra catalog move t.a --tier hot",
    )
    shutil.rmtree(old.location.removeprefix("file://"))
    after = history(project)
    assert {snapshot: after[snapshot] for snapshot in before} == before
    assert after[str(moved.snapshot)] == before[str(old.dataset.snapshot)]
    assert all(file.startswith(f"{tmp_path}/cold/t/a-") for file in files(project))
    shown = cold.show("t.a").dataset
    assert (shown.rows.value, shown.tags, shown.name) == (4, ["gold"], "t.a")
    assert cold.dataset(f"t.a@{old.dataset.snapshot}").scan().collect().height == 4
    assert cold.care("t.a").tier == "cold"
    assert kind_of(CatalogStore.metadata_of(cold._store.load(NAME))["snapshots"][-1]) == "move"
    # what was ingested still counts, and what is written goes to the new place
    assert cold.ingest([tmp_path / "one.csv"], into="t.a").skipped
    cold.write(pl.DataFrame({"id": [5], "x": ["e"], "y": [1.5]}), into="t.a")
    assert cold.verify("t.a").checked == len(files(project))
    assert all(file.startswith(f"{tmp_path}/cold/") for file in files(project))
    cold.move("t.a", tier="hot")
    shutil.rmtree(tmp_path / "cold")
    assert {key: history(project)[key] for key in before} == before
    assert cold.move("t.a", tier="hot").done is False


def test_an_s3_server_of_ones_own_as_cold_tier_with_deleted_rows(
    project: Project, elsewhere: list[str], s3: str, tmp_path: Path
) -> None:
    """The keys are the tier's alone: the warehouse is a folder."""
    text = (
        f'[catalog.tiers.cold]\nwarehouse = "s3://lake/cold"\n[catalog.tiers.cold.properties]\n{s3}'
    )
    (project.root / "mlinfra.toml").write_text(text)
    lake = Catalog(Project.open(project.root))
    lake.write(pl.DataFrame({"id": [1, 2, 3]}), into="t.a")
    (file,) = files(project)
    delete(
        CatalogStore(project).load(NAME),
        {"file_path": [file], "pos": [1]},
        [PATH, POSITION],
        tmp_path / "deleted.parquet",
        lower_bounds={PATH: file.encode()},
        upper_bounds={PATH: file.encode()},
    )
    first = lake.snapshots("t.a").items[-1].id
    lake.move("t.a", tier="cold")
    shutil.rmtree(project.home / "warehouse")
    (tmp_path / "deleted.parquet").unlink()
    fresh = Catalog(Project.open(project.root))
    assert sorted(fresh.dataset("t.a").scan().collect()["id"]) == [1, 3]
    assert fresh.dataset(f"t.a@{first}").scan().collect().height == 3
    assert fresh.preview("t.a").total == 2
    fresh.write(pl.DataFrame({"id": [4]}), into="t.a")
    fresh.write(pl.DataFrame({"id": [3]}), into="t.a", mode="upsert", key="id")
    assert sorted(fresh.dataset("t.a").scan().collect()["id"]) == [1, 3, 4]
    assert fresh.show("t.a").location.startswith("s3://lake/cold/t/a-")
    assert elsewhere == []


def test_what_others_commit_while_it_is_copied_moves_too(
    cold: Catalog, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold.write(pl.DataFrame({"id": [1]}), into="t.a")
    left = [2, 3]

    def meanwhile(point: str) -> None:
        if point == "catalog-move-copied" and left:
            other = Catalog(Project.open(project.root))
            other.write(pl.DataFrame({"id": [left.pop()]}), into="t.a")

    # writers of another machine, which do not wait
    monkeypatch.setattr(CatalogStore, "before_appends", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(moving, "failpoint", meanwhile)
    monkeypatch.setattr(moving, "_ATTEMPTS", 3)
    cold.move("t.a", tier="cold")
    assert sorted(cold.dataset("t.a").scan().collect()["id"]) == [1, 2, 3]
    assert all(file.startswith(f"{tmp_path}/cold/") for file in files(project))


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_write_that_began_before_the_move_begins_again_in_the_new_place(
    cold: Catalog, project: Project, tmp_path: Path, meanwhile: Any, mode: Any
) -> None:
    cold.write(pl.DataFrame({"id": [1]}), into="t.a")
    meanwhile(lambda: Catalog(Project.open(project.root)).move("t.a", tier="cold"))
    key = "id" if mode == "upsert" else ()
    cold.write(pl.DataFrame({"id": [2]}), into="t.a", mode=mode, key=key)
    assert sorted(cold.dataset("t.a").scan().collect()["id"]) == [1, 2]
    assert len(files(project)) == 2
    assert all(file.startswith(f"{tmp_path}/cold/") for file in files(project))


@pytest.mark.parametrize(
    ("point", "done"), [("catalog-move-copied", False), ("catalog-move-done", True)]
)
def test_a_killed_move_leaves_the_table_whole_and_what_it_copied_is_found(
    cold: Catalog, project: Project, tmp_path: Path, point: str, done: bool
) -> None:
    fill(cold, tmp_path)
    before, old = history(project), cold.show("t.a").location
    killed = subprocess.run(
        [sys.executable, "-c", MOVE, str(project.root)],
        env={**os.environ, "MLINFRA_FAIL": point},
        timeout=120,
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    after = history(project)
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + done
    assert (cold.show("t.a").location != old) is done
    # nothing is deleted that a reader may still be at
    plan = cold.clean("t.a")
    assert not plan.orphans
    assert len(plan.kept) > 5
    assert {item.why.partition(":")[0] for item in plan.kept} == {"it is younger than 72 h"}


def test_what_cannot_be_moved_is_refused(
    cold: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold.write(pl.DataFrame({"id": [1]}), into="t.a")
    with pytest.raises(NotFound, match=r"no tier 'ice'.*hot, cold"):
        cold.move("t.a", tier="ice")
    (file,) = files(project)
    whole = Path(file.removeprefix("file://")).read_bytes()
    Path(file.removeprefix("file://")).write_bytes(whole[:9] + b"\0" + whole[10:])
    with pytest.raises(Unprocessable, match="not what was written"):
        cold.move("t.a", tier="cold")
    assert files(project) == {file}
    monkeypatch.setattr("pyiceberg.catalog.sql.SqlCatalog", dict)  # as if it were a REST catalog
    with pytest.raises(Conflict, match="no request that exchanges"):
        cold.move("t.a", tier="cold")


def test_a_deleted_dataset_is_purged_where_it_was_before_too(
    cold: Catalog, project: Project, tmp_path: Path
) -> None:
    cold.write(pl.DataFrame({"id": [1]}), into="t.a")
    cold.write(pl.DataFrame({"id": [2]}), into="t.b")
    cold.move("t.a", tier="cold")
    deleted = cold.delete("t.a")
    assert [item.name for item in cold.purge(deleted.trash).items] == ["t.a"]
    places = [tmp_path / "cold", project.home / "warehouse" / "t" / "a"]
    assert [path for place in places for path in place.rglob("*") if path.is_file()] == []
    assert cold.dataset("t.b").scan().collect()["id"].to_list() == [2]
