"""Tables of format version 3, in which another engine deleted rows by deletion vectors, as Spark 4
does: they are read right, and not written.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from puffin import delete

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.change import present
from jupyter_mlinfra.catalog.grid.spec import Filter, GridQuery, Sort
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import MLInfraError, Unprocessable
from jupyter_mlinfra.core.project import Project

LEFT = [(1, "a"), (3, None), (5, "b")]
"""What is left of six rows."""


def load(project: Project) -> Any:
    return CatalogStore(project).load(DatasetName("t", "a"))


def rows(catalog: Catalog, name: str = "t.a") -> list[tuple[Any, ...]]:
    return catalog.dataset(name).scan().sort("id").collect().rows()


@pytest.fixture
def before(catalog: Catalog, project: Project) -> str:
    """Six rows in two files, known to the profile, of which one Puffin file deletes three. The
    snapshot with all six.
    """
    catalog.write(pl.DataFrame({"id": [1, 2, 3], "x": ["a", "b", None]}), into="t.a")
    report = catalog.write(pl.DataFrame({"id": [4, 5, 6], "x": ["a", "b", None]}), into="t.a")
    assert catalog.profile("t.a", tier="exact").rows == 6
    table = load(project)
    vectors = {
        file.file_path: [1] if 1 in pl.read_parquet(file.file_path)["id"] else [0, 2]
        for file in present(table)
    }
    delete(table, vectors, Path(table.location().removeprefix("file://")) / "data/1.puffin")
    return report.snapshot


def test_every_reading_verb_leaves_the_deleted_rows_out(
    catalog: Catalog, project: Project, before: str
) -> None:
    assert load(project).metadata.format_version == 3
    assert rows(catalog) == LEFT
    assert catalog.dataset("t.a").scan().select(pl.len()).collect().item() == 3
    assert catalog.dataset("t.a").scan().filter(pl.col("x") == "a").collect().rows() == [(1, "a")]
    assert len(rows(catalog, f"t.a@{before}")) == 6
    shown = catalog.preview("t.a")
    assert (sorted(shown.data[0]), shown.total) == ([1, 3, 5], 3)
    query = GridQuery(
        filters=[Filter(column="id", op=">", value=1)], sort=[Sort(column="id", descending=True)]
    )
    assert catalog.grid("t.a", query).data[0] == [5, 3]
    assert catalog.sql("SELECT count(*), sum(id) FROM t.a").row(0) == (3, 9)
    assert catalog.show("t.a").dataset.rows.value == 3


def test_figures_are_those_of_the_rows_that_are_left(catalog: Catalog, before: str) -> None:
    for tier in ("sample", "exact"):
        found = catalog.profile("t.a", tier=tier)
        numbers, words = found.columns["id"], found.columns["x"]
        assert (found.rows, numbers.max, numbers.mean, words.nulls) == (3, 5, 3.0, 1), tier
    footer = catalog.profile("t.a", tier="footer").columns["id"]
    assert set(footer.basis.values()) == {"approximate"}
    assert catalog.profile(f"t.a@{before}", tier="exact").columns["id"].max == 6
    catalog.rule("t.a", "x not null", severity="warn")
    (rule,) = catalog.quality("t.a").rules
    assert (rule.failed_rows, rule.rows) == (1, 3)
    for key in ("id", ()):
        changes = catalog.diff("t.a", before, key=key)
        assert (changes.added, changes.removed) == (0, 3)
    found_again = catalog.verify("t.a")
    assert (found_again.checked, found_again.damaged) == (2, [])
    assert [file[-8:] for file in found_again.unchecked] == ["1.puffin"]


@pytest.mark.parametrize(
    "change",
    [
        lambda catalog, _: catalog.write(pl.DataFrame({"id": [7], "x": ["c"]}), into="t.a"),
        lambda catalog, _: catalog.write(
            pl.DataFrame({"id": [1], "x": ["c"]}), into="t.a", mode="upsert", key="id"
        ),
        lambda catalog, _: catalog.compact("t.a"),
        lambda catalog, _: catalog.compact("t.a", really=False),
        lambda catalog, before: catalog.restore("t.a", before),
        lambda catalog, _: catalog.tag("column:t.a.x", add=["pii"]),
        lambda catalog, before: catalog.tag(f"t.a@{before}", add=["gold"]),
    ],
)
def test_what_would_write_it_is_refused_with_what_to_do(
    catalog: Catalog, project: Project, before: str, change: Callable[[Catalog, str], object]
) -> None:
    here = set(project.home.glob("warehouse/**/*"))
    with pytest.raises(Unprocessable, match=r"format version 3.*read here.*Change it with"):
        change(catalog, before)
    assert set(project.home.glob("warehouse/**/*")) == here
    assert rows(catalog) == LEFT


def test_it_is_copied_cleaned_deleted_and_restored_with_its_vectors(
    catalog: Catalog, project: Project, before: str
) -> None:
    catalog.write(catalog.dataset("t.a").scan(), into="t.copy")
    assert rows(catalog, "t.copy") == LEFT
    for file in project.home.glob("warehouse/**/*"):
        os.utime(file, (0, 0))
    assert catalog.clean("t.a").orphans_total == 0
    assert catalog.care("t.a").suggestion is None
    catalog.delete("t.a", force=True)  # the copy was made from it
    catalog.restore_deleted(catalog.trash().items[0].id)
    assert rows(catalog) == LEFT
    assert len(rows(catalog, f"t.a@{before}")) == 6


def test_a_copied_project_does_not_lose_its_deletions_by_naming_its_files_anew(
    project: Project, before: str
) -> None:
    """The vectors name data files by their place, which a copy of them would not have."""
    copy = project.root.with_name("copy")
    shutil.copytree(project.root, copy, symlinks=True)
    catalog = Catalog(Project.open(copy))
    (found,) = catalog.relocate().items
    assert (found.dataset, found.done) == ("t.a", False)
    assert "format version 3" in found.note
    with pytest.raises(MLInfraError):
        rows(catalog)
    assert rows(Catalog(project)) == LEFT
    assert len(rows(Catalog(project), f"t.a@{before}")) == 6
