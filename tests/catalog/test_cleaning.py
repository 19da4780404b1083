"""Files that no snapshot has: what is found, what is kept all the same, and what is deleted."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.pending import Demand
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from tests.catalog.test_kills import kill

NAME = DatasetName("t", "a")
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def age(folder: Path, hours: float = 100) -> None:
    """Make all files old."""
    for file in folder.rglob("*"):
        if file.is_file():
            os.utime(file, (time.time() - hours * 3600,) * 2)


def on_disk(folder: Path) -> set[str]:
    return {str(file) for file in folder.rglob("*") if file.is_file()}


def test_a_killed_writer_s_files_go_and_those_of_others_and_of_the_young_stay(
    catalog: Catalog, project: Project, tmp_path: Path
) -> None:
    catalog.write(pl.DataFrame({"id": [1], "x": ["a"]}), into="t.a")
    catalog.write(pl.DataFrame({"id": [2], "x": ["b"]}), into="t.a", mode="replace")
    folder = project.home / "warehouse" / "t" / "a"
    whole = on_disk(folder)
    kill(project, "catalog-sent", "append")
    left = on_disk(folder) - whole  # a data file, its manifest, the list
    data, metadata = folder / "data", folder / "metadata"
    foreign = {data / "notes.txt", data / "mine.parquet", metadata / "version-hint.text"}
    for file in foreign:
        file.write_text("of somebody else")
    (metadata / f"00009-{UUID}.metadata.json").write_text("{}")  # a commit that was refused
    age(folder)
    young = data / f"00000-7-{UUID}.parquet"
    young.write_bytes(b"of a client that is writing")
    plan = catalog.clean("t.a", really=False)
    # what the killed process made is settled by the clean-up itself: before, it is not certain
    why = {Path(item.file).name: item.why for item in plan.kept}
    assert {why[file.name] for file in foreign} == {
        "its name is not one of Iceberg's: somebody else put it there"
    }
    assert "a write that is not settled made it" in why.values()
    assert why[young.name].startswith("it is younger than 72 h")
    assert not plan.done
    assert left <= on_disk(folder)
    done = catalog.clean("t.a")
    assert done.done
    assert on_disk(folder) == whole | {str(file) for file in foreign} | {str(young)}
    assert catalog.dataset("t.a").scan().collect()["id"].to_list() == [2]
    assert {
        catalog.dataset(s.ref).scan().collect().height for s in catalog.snapshots("t.a").items
    } == {1}
    assert catalog.clean("t.a", hours=1).orphans == []


def test_the_files_of_a_commit_that_may_still_land_stay(project: Project, tmp_path: Path) -> None:
    """The process is dead, its request to the catalog of others is under way."""
    (project.root / "mlinfra.toml").write_text(
        f'[catalog]\nuri = "sql+sqlite:///{tmp_path}/shared.db"\nwarehouse = "{tmp_path}/lake"\n'
    )
    catalog = Catalog(Project.open(project.root))
    catalog.write(pl.DataFrame({"id": [1], "x": ["a"]}), into="t.a")
    whole = on_disk(tmp_path / "lake")
    kill(project, "catalog-sent", "append")
    data = {file for file in on_disk(tmp_path / "lake") - whole if file.endswith(".parquet")}
    age(tmp_path / "lake")
    assert data <= {item.file for item in catalog.clean("t.a", hours=1).kept}
    assert data <= on_disk(tmp_path / "lake")


def test_while_somebody_writes_nothing_is_deleted(catalog: Catalog, project: Project) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    folder = project.home / "warehouse" / "t" / "a"
    (folder / "data" / f"00000-7-{UUID}.parquet").write_bytes(b"x")
    age(folder)
    with CatalogStore(project).pending.attempt("t.a") as record:
        record.makes("/somewhere/else.parquet")
        record.asks(Demand(base=None, creates=False))
        (item,) = catalog.clean("t.a").kept
        assert item.why == "the dataset is being written"
        record.ended()
    assert len(catalog.clean("t.a").orphans) == 1


def test_the_old_place_of_a_moved_table_is_cleaned_when_nobody_reads_there_any_more(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "mlinfra.toml").write_text(
        f'[catalog.tiers.cold]\nwarehouse = "{tmp_path}/cold"\n'
    )
    catalog = Catalog(Project.open(project.root))
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    catalog.write(pl.DataFrame({"id": [2]}), into="t.b")
    old = project.home / "warehouse"
    catalog.move("t.a", tier="cold")
    age(old)  # however old the files are, the move is young
    assert not catalog.clean_all().items
    later = time.time() + 80 * 3600
    monkeypatch.setattr("time.time", lambda: later)
    whole = on_disk(tmp_path / "cold")
    (plan,) = catalog.clean_all().items
    assert {item.why for item in plan.orphans} == {"the dataset has moved away"}
    assert on_disk(old / "t" / "a") == set()
    assert on_disk(tmp_path / "cold") == whole
    assert not list((project.home / "catalog" / "moves").iterdir())
    assert catalog.dataset("t.b").scan().collect()["id"].to_list() == [2]


def test_where_a_file_that_is_needed_is_not_listed_nothing_is_judged(
    catalog: Catalog, project: Project
) -> None:
    """As if the storage listed only a part, or with other names."""
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    catalog.write(pl.DataFrame({"id": [2]}), into="t.a")
    data = project.home / "warehouse" / "t" / "a" / "data"
    lost = next(data.iterdir())
    lost.rename(project.home / lost.name)
    (data / f"00000-7-{UUID}.parquet").write_bytes(b"x")
    age(data)
    with pytest.raises(Unprocessable, match="not in the listing"):
        catalog.clean("t.a")
    assert (data / f"00000-7-{UUID}.parquet").exists()


def test_what_another_project_of_the_same_catalog_has_in_its_trash_stays(tmp_path: Path) -> None:
    """The new table of that name has the same folder."""
    catalogs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mlinfra.toml").write_text(
            f'[catalog]\nuri = "sql+sqlite:///{tmp_path}/shared.db"\n'
            f'warehouse = "{tmp_path}/lake"\n'
        )
        catalogs.append(Catalog(Project.open(tmp_path / name)))
    one, two = catalogs
    one.write(pl.DataFrame({"id": [1, 2]}), into="t.a")
    one.delete("t.a")
    two.write(pl.DataFrame({"word": ["x"]}), into="t.a")
    age(tmp_path / "lake")
    assert two.clean("t.a", hours=1).orphans == []
    one.restore_deleted("t.a", into="t.back")
    assert one.dataset("t.back").scan().collect()["id"].to_list() == [1, 2]
