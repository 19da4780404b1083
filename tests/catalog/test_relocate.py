"""A project that was moved or copied: its tables name files by absolute paths."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project

ROWS = pl.DataFrame({"id": range(5), "name": list("abcde")})


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, dict[str, list[dict[str, object]]]]:
    """A project's folder, and the rows of each snapshot of its tables."""
    root = tmp_path / "old place"
    root.mkdir()
    (root / "mlinfra.toml").write_text('[project]\nname = "p"\n')
    catalog = Catalog(Project(root))
    catalog.write(ROWS, into="a.t")
    catalog.write(ROWS.with_columns(pl.col("id") + 5), into="a.t")
    catalog.write(ROWS.with_columns(name=pl.lit("z")).head(2), into="a.t", mode="upsert", key="id")
    catalog.tag(f"a.t@{catalog.snapshots('a.t').items[-1].id}", add=["first"])
    catalog.write(ROWS, into="b.u")
    rows = {
        f"{name}@{item.id}": read(catalog, f"{name}@{item.id}")
        for name in ("a.t", "b.u")
        for item in catalog.snapshots(name).items
    }
    return root, rows


def read(catalog: Catalog, name: str) -> list[dict[str, object]]:
    return catalog.dataset(name).scan().sort("id", "name").collect().to_dicts()


def test_a_moved_project_says_what_to_do_and_has_all_snapshots_afterwards(
    made: tuple[Path, dict[str, list[dict[str, object]]]], tmp_path: Path
) -> None:
    old, rows = made
    new = tmp_path / "new#place"
    shutil.move(old, new)
    catalog = Catalog(Project(new))
    for ask in (
        lambda: catalog.show("a.t"),
        lambda: catalog.preview("a.t"),
        lambda: catalog.write(ROWS, into="a.t"),
        lambda: catalog.sql("SELECT * FROM a.t"),
    ):
        with pytest.raises(Conflict, match="mlinfra catalog relocate"):
            ask()
    told = ("moved or copied", "mlinfra catalog relocate")
    assert all(word in item.description for item in catalog.list().items for word in told)
    found = catalog.relocate()
    assert [(item.dataset, item.done) for item in found.items] == [("a.t", True), ("b.u", True)]
    again = catalog.relocate()
    assert (again.items, again.note) == (
        [],
        "There is nothing to relocate: all tables name files in this folder.",
    )
    assert {name: read(catalog, name) for name in rows} == rows
    assert read(catalog, "a.t@first") == ROWS.to_dicts()
    assert catalog.verify("a.t").damaged == []
    catalog.write(ROWS, into="b.u")
    assert catalog.dataset("b.u").scan().collect().height == 10
    assert not old.exists()


def test_a_copy_no_longer_reaches_into_the_project_that_it_was_copied_from(
    made: tuple[Path, dict[str, list[dict[str, object]]]], tmp_path: Path
) -> None:
    old, rows = made
    copy = tmp_path / "copy"
    shutil.copytree(old, copy)
    before = {path: path.stat().st_mtime_ns for path in (old / ".mlinfra/warehouse").rglob("*")}
    catalog = Catalog(Project(copy))
    with pytest.raises(Conflict, match="old place"):
        catalog.write(ROWS, into="a.t")
    catalog.relocate()
    catalog.write(ROWS, into="a.t", mode="replace")
    assert read(catalog, "a.t") == ROWS.to_dicts()
    assert before == {
        path: path.stat().st_mtime_ns for path in (old / ".mlinfra/warehouse").rglob("*")
    }
    shutil.rmtree(old)
    assert {name: read(catalog, name) for name in rows} == rows


def test_the_same_folder_by_another_path_is_the_same(
    made: tuple[Path, dict[str, list[dict[str, object]]]], tmp_path: Path
) -> None:
    old, rows = made
    link = tmp_path / "link"
    link.symlink_to(old)
    catalog = Catalog(Project(link))
    assert {name: read(catalog, name) for name in rows} == rows
    assert not catalog.relocate().items
