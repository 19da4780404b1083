"""Changes of a table by files: what a commit does for one that it knows only by the protocol."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Advance, Catalog, DatasetName, Position
from jupyter_mlinfra.catalog.change import FileChange, present
from jupyter_mlinfra.catalog.commit import Committed, Terms, commit
from jupyter_mlinfra.catalog.conform import Target
from jupyter_mlinfra.catalog.datafiles import DataFiles
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.core.project import Project

if TYPE_CHECKING:
    from pyiceberg.table import Table

NAME = DatasetName("t", "a")
type Meanwhile = Callable[[Callable[[], object]], None]


@dataclass
class OneFile:
    """The rows of all files, in one file instead or besides; `says` what is kept."""

    says: Mapping[str, bool] = field(default_factory=lambda: {"keeps_rows": True})
    locks: bool = False
    creates: bool = False
    rebases: bool = False
    instead: bool = True
    fails: bool = False
    seen: list[int] = field(default_factory=list)

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        assert existing is not None
        return existing

    def files(
        self, table: Table | None, out: DataFiles, targets: Mapping[str, Target]
    ) -> FileChange:
        old = present(table)
        self.seen.append(len(old))
        out.add(pl.read_parquet([file.file_path for file in old]).select(list(targets)))
        added = out.close()
        if self.fails:
            raise RuntimeError("the second file cannot be written")
        return FileChange(added=added, removed=old if self.instead else (), **self.says)


@pytest.fixture
def change(project: Project) -> Callable[..., Committed]:
    def make(
        asked: OneFile, name: DatasetName = NAME, undone: list[str] | None = None
    ) -> Committed:
        terms = Terms(
            summary=dict,
            undo=lambda: undone.append("undone") if undone is not None else None,
            stale=lambda _: False,
        )
        return commit(CatalogStore(project), name, asked, owner="ana", terms=terms)

    return make


@pytest.fixture
def grown(catalog: Catalog, file: Callable[..., Path]) -> str:
    """Three rows in three files: of a file, of a write with a key, of one that moves a position.
    The first snapshot.
    """
    first = catalog.ingest([file("a.csv", "id\n0\n")], into="t.a").snapshot
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a", once="one")
    advance = Advance("s", lambda _: "2")
    catalog.write(pl.DataFrame({"id": [2]}), into="t.a", once="two", advance=advance)
    return first


def data_files(project: Project) -> int:
    return len(present(CatalogStore(project).load(NAME)))


def numbers(frame: pl.LazyFrame) -> list[int]:
    return sorted(frame.collect()["id"].to_list())


def test_files_that_keep_the_rows_change_nothing_for_those_who_know_the_table(
    catalog: Catalog,
    project: Project,
    file: Callable[..., Path],
    grown: str,
    change: Callable[..., Committed],
) -> None:
    before = catalog.show("t.a").dataset
    assert data_files(project) == 3
    done = change(OneFile())
    assert data_files(project) == 1
    after, newest = catalog.show("t.a").dataset, catalog.snapshots("t.a").items[0]
    assert (done.rows, list(done.schema)) == (0, ["id"])
    assert (after.snapshot, after.rows) == (done.snapshot, before.rows)
    assert (newest.operation, newest.added, newest.removed) == ("overwrite", 0, 0)
    assert numbers(catalog.dataset("t.a").scan()) == [0, 1, 2]
    assert catalog.verify("t.a").checked == 1
    # what was brought in before is in it still, under the snapshots of then
    again = catalog.ingest([file("a.csv", "id\n0\n")], into="t.a")
    assert (again.rows_written, again.snapshot) == (0, grown)
    assert catalog.written("t.a", "one")
    assert catalog.position("t.a", "s") == Position("2")
    catalog.write(pl.DataFrame({"id": [3]}), into="t.a")
    assert catalog.grown_from("t.a", {grown}) == grown
    assert numbers(catalog.appended("t.a", grown)) == [1, 2, 3]
    assert numbers(catalog.appended("t.a", done.snapshot)) == [3]


@pytest.mark.parametrize("kept", [True, False])
def test_earlier_files_count_where_only_they_are_kept_and_nothing_does_by_default(
    catalog: Catalog,
    file: Callable[..., Path],
    grown: str,
    change: Callable[..., Committed],
    kept: bool,
) -> None:
    change(OneFile({"keeps_files": True} if kept else {}))
    assert (catalog.written("t.a", "one") is not None) is kept
    assert catalog.position("t.a", "s") == Position("2", kept=kept)
    again = catalog.ingest([file("a.csv", "id\n0\n")], into="t.a")
    assert again.rows_written == (0 if kept else 1)
    with pytest.raises(Conflict, match="not only grown"):
        catalog.grown_from("t.a", {grown})


def test_a_change_that_follows_no_other_commit_is_made_again_after_one(
    catalog: Catalog,
    project: Project,
    grown: str,
    change: Callable[..., Committed],
    meanwhile: Meanwhile,
    stored: Callable[[], set[str]],
) -> None:
    undone: list[str] = []
    meanwhile(lambda: Catalog(project).write(pl.DataFrame({"id": [3]}), into="t.a"))
    change(asked := OneFile(), undone=undone)
    assert (asked.seen, undone) == ([3, 4], ["undone"])
    assert data_files(project) == 1
    assert numbers(catalog.dataset("t.a").scan()) == [0, 1, 2, 3]
    # the four from before, and the one that counts
    assert len([name for name in stored() if name.endswith(".parquet")]) == 5


@pytest.mark.parametrize("rebases", [True, False])
def test_further_files_follow_other_commits_if_they_may(
    catalog: Catalog,
    project: Project,
    grown: str,
    change: Callable[..., Committed],
    meanwhile: Meanwhile,
    rebases: bool,
) -> None:
    meanwhile(lambda: Catalog(project).write(pl.DataFrame({"id": [3]}), into="t.a"))
    change(asked := OneFile(instead=False, rebases=rebases))
    assert asked.seen == ([3] if rebases else [3, 4])
    copied = [0, 1, 2] if rebases else [0, 1, 2, 3]
    assert numbers(catalog.dataset("t.a").scan()) == sorted([0, 1, 2, 3, *copied])


def test_two_changes_of_the_same_files_do_not_both_count(
    catalog: Catalog,
    project: Project,
    grown: str,
    change: Callable[..., Committed],
    meanwhile: Meanwhile,
) -> None:
    """The files that the later one takes out are gone, so it looks again."""
    meanwhile(lambda: change(OneFile()))
    change(asked := OneFile(rebases=True))
    assert asked.seen == [3, 1]
    assert numbers(catalog.dataset("t.a").scan()) == [0, 1, 2]


def test_a_change_that_fails_leaves_everything_as_it_was(
    catalog: Catalog,
    grown: str,
    change: Callable[..., Committed],
    stored: Callable[[], set[str]],
) -> None:
    before, undone = (stored(), catalog.fingerprint("t.a")), list[str]()
    with pytest.raises(RuntimeError, match="second file"):
        change(OneFile(fails=True), undone=undone)
    assert (stored(), catalog.fingerprint("t.a")) == before
    assert undone == ["undone"]


def test_a_missing_table_is_not_found_by_a_change_that_makes_none(
    catalog: Catalog, grown: str, change: Callable[..., Committed]
) -> None:
    with pytest.raises(NotFound) as missing:
        change(asked := OneFile(), name=DatasetName("t", "b"))
    assert (missing.value.fix, asked.seen) == ("Perhaps: t.a.", [])
    assert catalog.list().total == 1


@pytest.mark.parametrize("locks", [True, False])
def test_only_a_change_that_asks_for_the_lock_holds_it(
    grown: str, change: Callable[..., Committed], monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    held: list[str] = []
    real = CatalogStore.lock

    @contextmanager
    def lock(self: CatalogStore, name: DatasetName) -> Iterator[None]:
        with real(self, name):
            held.append(name.text)
            yield

    monkeypatch.setattr(CatalogStore, "lock", lock)
    change(OneFile(locks=locks))
    assert held == (["t.a"] if locks else [])


_INGEST = """
import sys
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
Catalog(Project.open(sys.argv[1])).ingest([sys.argv[2]], into="t.a", mode=sys.argv[3])
"""


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize(
    ("point", "landed"),
    [
        pytest.param("catalog-files", False, marks=pytest.mark.slow),
        ("catalog-staged", False),
        ("catalog-committed", True),
        pytest.param("catalog-told", True, marks=pytest.mark.slow),
    ],
)
def test_an_ingest_that_is_killed_is_there_whole_or_not_at_all_and_once_when_done_again(
    catalog: Catalog,
    project: Project,
    file: Callable[..., Path],
    rows: Callable[..., list[dict[str, Any]]],
    point: str,
    landed: bool,
    mode: str,
) -> None:
    catalog.write(pl.DataFrame({"id": [0]}), into="t.a")
    path = file("a.csv", "id\n1\n2\n")
    killed = subprocess.run(
        [sys.executable, "-c", _INGEST, str(project.root), str(path), mode],
        env={**os.environ, "MLINFRA_FAIL": point},
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    whole = [{"id": 1}, {"id": 2}] if mode == "replace" else [{"id": 0}, {"id": 1}, {"id": 2}]
    assert rows("t.a") == (whole if landed else [{"id": 0}])
    again = catalog.ingest([path], into="t.a", mode=mode)  # type: ignore[arg-type]
    assert again.rows_written == (0 if landed and mode == "append" else 2)
    assert rows("t.a") == whole
