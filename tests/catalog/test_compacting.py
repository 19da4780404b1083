"""Small files into large ones: the same rows in the same order, and all else still counts."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.transforms import DayTransform

from jupyter_mlinfra.catalog import Advance, Catalog, DatasetName, Position
from jupyter_mlinfra.catalog.care import compacting
from jupyter_mlinfra.catalog.metadata import kind_of
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.project import Project
from tests.catalog.test_foreign_deletes import PATH, POSITION, delete, load
from tests.support import tools

PACKAGES = ["iceberg-zamboni==0.7.0", "pyiceberg[sql-sqlite,pyarrow]==0.12.0"]
SIZES = [3, 1, 4, 1, 5, 9, 2, 6]


@pytest.fixture
def table(catalog: Catalog) -> list[tuple[Any, ...]]:
    """Eight files, of which the last have a column more; the rows as they are read."""
    start = 0
    for number, size in enumerate(SIZES):
        frame = pl.DataFrame({"id": range(start, start + size)})
        more = {"x": [f"{number}"] * size} if number > 4 else {}
        catalog.write(frame.with_columns(**{k: pl.Series(v) for k, v in more.items()}), into="t.a")
        start += size
    return catalog.dataset("t.a").scan().collect().rows()


def foreign(project: Project) -> list[tuple[Any, ...]]:
    """All rows as pyiceberg itself reads them."""
    home = project.home
    plain = SqlCatalog("mlinfra", uri=f"sqlite:///{home}/catalog.db", warehouse=str(home))
    found = pl.DataFrame(pl.from_arrow(plain.load_table(("t", "a")).scan().to_arrow()))
    return sorted(found.rows(), key=repr)


def test_rows_and_their_order_stay_and_a_plan_changes_nothing(
    catalog: Catalog, project: Project, table: list[tuple[Any, ...]]
) -> None:
    snapshots = catalog.snapshots("t.a").total
    plan = catalog.compact("t.a", really=False)
    assert (plan.files_before, plan.files_after, plan.done) == (8, 1, False)
    assert catalog.snapshots("t.a").total == snapshots
    old = catalog.snapshots("t.a").items[0].id
    done = catalog.compact("t.a")
    assert (done.files_before, done.files_after, done.done) == (8, 1, True)
    assert catalog.dataset("t.a").scan().collect().rows() == table
    assert foreign(project) == sorted(table, key=repr)
    assert catalog.dataset(f"t.a@{old}").scan().collect().rows() == table
    assert catalog.show("t.a").dataset.rows.value == sum(SIZES)
    assert catalog.verify("t.a").checked == 1
    again = catalog.compact("t.a")
    assert (again.done, again.files_after) == (False, 1)


def test_ingested_files_cursors_and_those_who_follow_the_growth_still_count(
    catalog: Catalog, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "one.csv").write_text("id\n1\n2\n")
    first = catalog.ingest([tmp_path / "one.csv"], into="t.a").snapshot
    advance = Advance("stream", lambda _: "7")
    catalog.write(pl.DataFrame({"id": [3]}), into="t.a", once="three", advance=advance)
    catalog.compact("t.a")
    catalog.write(pl.DataFrame({"id": [4]}), into="t.a")
    assert catalog.ingest([tmp_path / "one.csv"], into="t.a").skipped
    assert catalog.written("t.a", "three")
    assert catalog.position("t.a", "stream") == Position("7")
    assert catalog.grown_from("t.a", [str(first)]) == first
    assert sorted(catalog.appended("t.a", str(first)).collect()["id"]) == [3, 4]


def test_deleted_rows_are_out_of_the_files_and_counted_no_more(
    catalog: Catalog, project: Project, table: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    found = load(project)
    task = max(found.scan().plan_files(), key=lambda task: task.file.record_count)
    place = {"file_path": [task.file.file_path], "pos": [2]}
    delete(found, place, [PATH, POSITION], tmp_path / "positions.parquet")
    delete(load(project), {"id": [0, 1]}, [1], tmp_path / "values.parquet")
    before = catalog.dataset("t.a").scan().collect().rows()
    assert len(before) == sum(SIZES) - 3
    assert catalog.compact("t.a").done
    assert catalog.dataset("t.a").scan().collect().rows() == before
    assert foreign(project) == sorted(before, key=repr)
    shown = catalog.show("t.a").dataset.rows
    assert (shown.value, shown.basis) == (len(before), "exact")
    assert catalog.care("t.a").deletes == 0
    # to those who watch how many rows come, none has come
    newest = CatalogStore.metadata_of(load(project))["snapshots"][-1]
    assert kind_of(newest) == "compact"


def test_files_are_joined_within_their_partition_and_large_ones_stay(
    catalog: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.DataFrame({"day": [date(2026, 1, 1)] * 3, "id": [1, 2, 3]})
    catalog.write(frame.clear(), into="t.a")
    with CatalogStore(project).load(DatasetName("t", "a")).update_spec() as update:
        update.add_field("day", DayTransform(), "day_day")
    days = [date(2026, 1, 1), date(2026, 1, 2)]
    for number in range(3):
        for day in days:
            catalog.write(frame.with_columns(day=day, id=pl.col("id") - 10 * number), into="t.a")
    large = pl.DataFrame({"day": [days[0]] * 9000, "id": range(100, 9100)})
    catalog.write(large, into="t.a")
    monkeypatch.setattr(compacting, "SMALL_BYTES", 10_000)
    before = catalog.dataset("t.a").scan().collect()
    done = catalog.compact("t.a")
    assert (done.files_before, done.files_after) == (7, 3)
    after = catalog.dataset("t.a").scan().collect()
    assert after.height == before.height
    for day in days:
        order = [
            found.filter(pl.col("id") < 100, day=day)["id"].to_list() for found in (before, after)
        ]
        assert order[0] == order[1] == [-19, -18, -17, -9, -8, -7, 1, 2, 3]
    partitions = CatalogStore(project).load(DatasetName("t", "a")).inspect.partitions()
    assert sorted(partitions["file_count"].to_pylist()) == [1, 2]


def test_what_others_append_meanwhile_is_not_lost(
    catalog: Catalog, project: Project, table: list[tuple[Any, ...]], meanwhile: Any
) -> None:
    other = Catalog(Project.open(project.root))
    meanwhile(lambda: other.write(pl.DataFrame({"id": [99], "x": ["new"]}), into="t.a"))
    done = catalog.compact("t.a")
    assert (done.files_before, done.files_after) == (9, 1)
    assert sorted(catalog.dataset("t.a").scan().collect()["id"]) == [*range(sum(SIZES)), 99]


_ZAMBONI = """
import json, sys
import duckdb, zamboni
from pyiceberg.catalog.sql import SqlCatalog
home = sys.argv[1]
catalog = SqlCatalog("mlinfra", uri=f"sqlite:///{home}/catalog.db", warehouse=home)
session = zamboni.CatalogSession.from_catalog(catalog)
orphans = zamboni.OrphanCleaner(older_than_days=3, dry_run=True).run(catalog.load_table("t.a"))
config = zamboni.CompactionConfig(skip_partitions_newer_than_windows=0)
zamboni.TableCompactor(session, "t.a", config).execute()
table = catalog.load_table("t.a")
print(json.dumps({
    "rows": sorted(table.scan().to_arrow().to_pylist(), key=repr),
    "files": len(list(table.scan().plan_files())),
    "orphans": orphans.orphans,
}))
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)  # its environment may have to be made first
def test_iceberg_zamboni_makes_the_same_of_the_same_table(project: Project, tmp_path: Path) -> None:
    """The package that others use for this, on a table like ours."""
    found = {}
    for who in ("ours", "theirs"):
        root = tmp_path / who
        root.mkdir()
        (root / "mlinfra.toml").touch()
        other = Project.open(root)
        catalog = Catalog(other)
        for number, size in enumerate(SIZES):
            catalog.write(pl.DataFrame({"id": [number] * size, "x": ["a"] * size}), into="t.a")
        largest = max(load(other).scan().plan_files(), key=lambda task: task.file.record_count)
        place = {"file_path": [largest.file.file_path], "pos": [0]}
        data = other.home / "warehouse" / "t" / "a" / "data"
        delete(load(other), place, [PATH, POSITION], data / f"00000-8-{uuid4()}.parquet")
        orphan = data / f"00000-7-{uuid4()}.parquet"
        orphan.write_bytes(b"x")
        os.utime(orphan, (0, 0))
        if who == "ours":
            (item,) = catalog.clean("t.a", really=False).orphans
            assert item.file.endswith(orphan.name)
            catalog.compact("t.a")
            found[who] = (foreign(other), len(files(other)))
            continue
        done = subprocess.run(
            [tools.interpreter("zamboni", PACKAGES), "-c", _ZAMBONI, str(other.home)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout.splitlines()[-1])
        assert answer["orphans"] == 1
        rows = [tuple(row.values()) for row in answer["rows"]]
        found[who] = (sorted(rows, key=repr), answer["files"])
    assert sum(SIZES) - 1 == len(found["ours"][0])
    assert found["ours"] == found["theirs"]


def files(project: Project) -> list[str]:
    """The data files of the newest snapshot."""
    return [task.file.file_path for task in load(project).scan().plan_files()]
