"""Earlier versions of Delta tables in place; judged by `DeltaTable(version=…)` of deltalake."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.grid.spec import GridQuery
from jupyter_mlinfra.cli.app import main
from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.core.project import Project

NAME = "lake.orders"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Six versions: 3 rows, 1 more, one deleted, one updated, a column more, compacted."""
    place = tmp_path / "orders"
    write_deltalake(
        place,
        pl.DataFrame({"id": [1, 2, 3], "v": [1.0, 2.0, 3.0]}),
        commit_properties=CommitProperties(custom_metadata={"userName": "ann"}),
    )
    write_deltalake(place, pl.DataFrame({"id": [4], "v": [4.0]}), mode="append")
    DeltaTable(place).delete("id = 2")
    DeltaTable(place).update(updates={"v": "9"}, predicate="id = 3")
    more = pl.DataFrame({"id": [5], "v": [5.0], "word": ["x"]})
    write_deltalake(place, more, mode="append", schema_mode="merge")
    DeltaTable(place).optimize.compact()
    return place


@pytest.fixture
def lake(catalog: Catalog, place: Path) -> Catalog:
    catalog.register(place, name=NAME)
    return catalog


def rows_of(place: Path, version: int) -> Sequence[tuple[object, ...]]:
    """What deltalake itself reads of a version."""
    table = DeltaTable(place, version=version).to_pyarrow_table()
    return sorted(pl.DataFrame(table).rows())


def test_its_snapshots_are_its_versions_with_time_operation_and_user(
    lake: Catalog, place: Path
) -> None:
    found = lake.snapshots(NAME).items
    history = DeltaTable(place).history()
    assert [int(item.id) for item in found] == [entry["version"] for entry in history]
    assert [item.at.timestamp() * 1000 for item in found] == pytest.approx(
        [entry["timestamp"] for entry in history]
    )
    told = [(item.operation, item.added, item.removed) for item in found]
    assert told == [
        ("optimize", 0, 0),
        ("write", 1, 0),
        ("update", 0, 0),
        ("delete", 0, 1),
        ("write", 1, 0),
        ("write", 3, 0),
    ]
    assert (found[-1].written_by, found[0].written_by[:8]) == ("ann", "delta-rs")
    page = lake.snapshots(NAME, limit=2)
    assert (page.total, [item.id for item in page.items]) == (6, ["5", "4"])
    shown = lake.show(NAME)
    assert (shown.snapshots, shown.newer, shown.dataset.snapshot) == (6, 0, "5")


def test_rows_that_were_overwritten_are_unknown(lake: Catalog, place: Path) -> None:
    """The log does not tell them."""
    rows = pl.DataFrame({"id": [6], "v": [6.0], "word": ["x"]})
    write_deltalake(place, rows, mode="overwrite")
    newest = lake.snapshots(NAME).items[0]
    assert (newest.operation, newest.added, newest.removed) == ("write", 1, None)


def test_every_version_is_read_as_deltalake_reads_it(lake: Catalog, place: Path) -> None:
    for item in lake.snapshots(NAME).items:
        version, then = int(item.id), rows_of(place, int(item.id))
        at = item.at.isoformat()
        assert sorted(lake.dataset(f"{NAME}@{version}").scan().collect().rows()) == then
        assert sorted(lake.dataset(NAME).scan(snapshot=at).collect().rows()) == then
        assert lake.preview(NAME, snapshot=version).total == len(then)
        for words in (f"VERSION AS OF {version}", f"TIMESTAMP AS OF '{at}'"):
            assert sorted(lake.sql(f"SELECT * FROM {NAME} FOR {words}").rows()) == then
        assert lake.grid(f"{NAME}@{version}", GridQuery(), start=0, count=9).total == len(then)
        shown = lake.show(f"{NAME}@{version}")
        assert (shown.newer, shown.dataset.updated_at) == (5 - version, item.at)
        assert f"catalog show {NAME}@{version}" in shown.code["cli"]
    profile = lake.profile(f"{NAME}@1", tier="exact")
    assert (profile.rows, profile.columns["v"].max) == (4, 4.0)


def test_a_version_that_is_open_stays_while_others_write(lake: Catalog, place: Path) -> None:
    table = lake.dataset(NAME)
    write_deltalake(place, pl.DataFrame({"id": [6], "v": [6.0], "word": [""]}), mode="append")
    assert table.scan().collect().height == len(rows_of(place, 5))
    assert lake.dataset(NAME).scan().collect().height == len(rows_of(place, 6))


def test_two_versions_are_compared_and_only_files_of_one_are_read(
    lake: Catalog, place: Path
) -> None:
    diff = lake.diff(NAME, 0, 2, key="id")
    assert (diff.added, diff.removed, diff.changed) == (1, 1, 0)
    assert (diff.examples.added.data, diff.examples.removed.data) == ([[4], [4.0]], [[2], [2.0]])
    diff = lake.diff(NAME, 2, key="id")
    assert (diff.before, diff.after) == ("2", "5")
    assert (diff.added, diff.removed, diff.changed) == (1, 0, 1)
    assert (diff.schema.added, diff.examples.changed.before) == (
        {"word": "str"},
        [[3], [3.0], [None]],
    )
    assert lake.diff(NAME, 0, 1).files_read == 1
    assert lake.dataset(NAME).diff(4).added == 0
    lake.tag(f"column:{NAME}.v", add=["pii"])
    assert "9.0" not in repr(lake.diff(NAME, 2, key="id"))


def test_what_is_not_kept_any_more_says_so(lake: Catalog, place: Path) -> None:
    for at, words in (
        (77, "no version 77.*from 0 to 5"),
        ("gold", "no tag or branch 'gold'"),
        ("2001-01-01", "no version of 2001-01-01"),
    ):
        with pytest.raises(NotFound, match=words):
            lake.preview(NAME, snapshot=at)
    DeltaTable(place).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    for read in (
        lambda: lake.preview(NAME, snapshot=2),
        lambda: lake.dataset(f"{NAME}@2").scan(),
        lambda: lake.sql(f"SELECT * FROM {NAME} VERSION AS OF 2"),
        lambda: lake.diff(NAME, 2, 5),
    ):
        with pytest.raises(NotFound, match=r"2 of lake\.orders cannot be read.*removed \(VACUUM\)"):
            read()
    assert lake.preview(NAME).total == 4
    DeltaTable(place).create_checkpoint()
    for version in range(3):
        (place / "_delta_log" / f"{version:020}.json").unlink()
    kept = [item.id for item in lake.snapshots(NAME).items if int(item.id) < 7]
    assert kept == ["7", "6", "5"][3 - len(kept) :]
    with pytest.raises(NotFound, match="no version 3"):
        lake.preview(NAME, snapshot=3)


def test_it_is_never_taken_back_nor_let_go(
    lake: Catalog, place: Path, project: Project, monkeypatch, capfd
) -> None:
    before = sorted(place.rglob("*"))
    for verb in (
        lambda: lake.restore(NAME, 0),
        lambda: lake.expire(NAME, older_than=timedelta(0), preview=False),
        lambda: lake.tag(f"{NAME}@1", add=["gold"]),
        lambda: lake.compact(NAME),
    ):
        with pytest.raises(Conflict, match=r"keeps its versions.*RESTORE TABLE.*--out NS\.TABLE"):
            verb()
    assert sorted(place.rglob("*")) == before
    monkeypatch.chdir(project.root)

    def typed(line: str) -> dict[str, Any]:
        with pytest.raises(SystemExit) as end:
            main([*shlex.split(line), "--json"])
        assert not end.value.code
        told: dict[str, Any] = json.loads(capfd.readouterr().out)
        return told

    typed(f"catalog sql 'FROM {NAME}' --out own.orders")
    assert lake.dataset("own.orders").scan().collect().height == 4
    assert typed(f"catalog snapshots {NAME} --limit 1")["items"][0]["id"] == "5"
    assert typed(f"catalog diff {NAME} 0 1")["added"] == 1


def test_files_in_place_have_no_snapshots(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    catalog.register(tmp_path / "a.csv", name="lake.text")
    for read in (
        lambda: catalog.preview("lake.text", snapshot=1),
        lambda: catalog.preview("lake.text@2026-01-01"),
    ):
        with pytest.raises(NotFound, match="are read as they are now"):
            read()
    with pytest.raises(Conflict, match="has no snapshots"):
        catalog.snapshots("lake.text")
