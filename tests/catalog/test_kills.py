"""Writers that were killed, at each point of a commit: nothing is lost or doubled, and the next
write deletes what they left, once it is certain that nobody needs it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.abandoned import _files
from jupyter_mlinfra.catalog.pending import Demand
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.project import Project

NAME = DatasetName("t", "a")
_WRITE = """
import sys
import polars as pl
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
rows = pl.DataFrame({"id": [1, 2], "x": ["b", "c"]})
key = ["id"] if sys.argv[2] == "upsert" else []
Catalog(Project.open(sys.argv[1])).write(rows, into="t.a", mode=sys.argv[2], key=key, once="it")
"""


def kill(project: Project, point: str, mode: str) -> None:
    """Write two rows, of which the upsert changes one that is there, and die at that point."""
    killed = subprocess.run(
        [sys.executable, "-c", _WRITE, str(project.root), mode],
        env={**os.environ, "MLINFRA_FAIL": point},
        timeout=120,
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def unneeded(project: Project, folder: Path | None = None) -> set[str]:
    """The data files on disk that no snapshot has."""
    found = (folder or project.home / "warehouse").glob("**/*.parquet")
    return {str(file) for file in found} - {
        name.removeprefix("file://") for name in _files(CatalogStore(project).load(NAME))
    }


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize(
    ("point", "landed"),
    [
        pytest.param("catalog-files", False, marks=pytest.mark.slow),
        pytest.param("catalog-staged", False, marks=pytest.mark.slow),
        ("catalog-sent", False),
        ("catalog-committed", True),
        pytest.param("catalog-told", True, marks=pytest.mark.slow),
    ],
)
def test_a_killed_write_done_again_is_there_once_and_leaves_no_file(
    catalog: Catalog,
    project: Project,
    rows: Callable[..., list[dict[str, Any]]],
    point: str,
    landed: bool,
    mode: Any,
) -> None:
    catalog.write(pl.DataFrame({"id": [1], "x": ["a"]}), into="t.a")
    kill(project, point, mode)
    new = [{"id": 1, "x": "b"}, {"id": 2, "x": "c"}]
    whole = new if mode == "upsert" else [{"id": 1, "x": "a"}, *new]
    assert rows("t.a") == (whole if landed else [{"id": 1, "x": "a"}])
    assert bool(unneeded(project)) is not landed
    again = catalog.write(
        pl.DataFrame(new), into="t.a", mode=mode, key=["id"] if mode == "upsert" else (), once="it"
    )
    assert again.rows_written == (0 if landed else 2)
    assert rows("t.a") == whole
    catalog.write(pl.DataFrame({"id": [3], "x": ["d"]}), into="t.a")
    assert unneeded(project) == set()
    assert not list((project.home / "catalog" / "pending").iterdir())


def test_in_a_catalog_of_others_files_stay_until_the_commit_can_no_longer_land(
    project: Project, tmp_path: Path
) -> None:
    """The process is dead, but its last request may still be on its way."""
    (project.root / "mlinfra.toml").write_text(
        f'[catalog]\nuri = "sql+sqlite:///{tmp_path}/shared.db"\nwarehouse = "{tmp_path}/lake"\n'
    )
    project = Project.open(project.root)
    catalog = Catalog(project)
    catalog.write(pl.DataFrame({"id": [1], "x": ["a"]}), into="t.a")
    kill(project, "catalog-sent", "append")
    assert len(unneeded(project, tmp_path / "lake")) == 1
    catalog.write(pl.DataFrame({"id": [3], "x": ["d"]}), into="t.a")
    assert len(unneeded(project, tmp_path / "lake")) == 1
    catalog.write(pl.DataFrame({"id": [4], "x": ["e"]}), into="t.a")
    assert unneeded(project, tmp_path / "lake") == set()


def test_files_stay_when_their_table_was_renamed_and_another_has_its_name(
    catalog: Catalog, project: Project, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    """Killed after its commit and before its record was gone."""
    kill(project, "catalog-committed", "append")
    CatalogStore(project).iceberg.rename_table(NAME.identifier, ("t", "renamed"))
    catalog.write(pl.DataFrame({"id": [3]}), into="t.a")
    assert rows("t.renamed") == [{"id": 1, "x": "b"}, {"id": 2, "x": "c"}]
    assert not list((project.home / "catalog" / "pending").iterdir())


def test_a_file_that_the_table_has_stays_whatever_a_record_says(
    catalog: Catalog, project: Project, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    """The snapshot of the killed write may have expired since; its rows have not."""
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    store = CatalogStore(project)
    (file,) = (name for name in _files(store.load(NAME)) if name.endswith(".parquet"))
    with store.pending.attempt("t.a") as record:
        record.makes(file)
        record.makes(f"{file}.never-made")
        record.asks(Demand(base=7, creates=False))
    catalog.write(pl.DataFrame({"id": [2]}), into="t.a")
    assert rows("t.a") == [{"id": 1}, {"id": 2}]
    assert not list((project.home / "catalog" / "pending").iterdir())


def test_the_files_of_a_write_that_lives_are_left_alone_and_a_torn_record_is_read(
    catalog: Catalog, project: Project, tmp_path: Path
) -> None:
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    store, file = CatalogStore(project), tmp_path / "data.parquet"
    file.touch()
    with store.pending.attempt("t.a") as record:
        record.makes(str(file))
        record.asks(Demand(base=None, creates=False))
        catalog.write(pl.DataFrame({"id": [2]}), into="t.a")
        assert file.exists()
    (path,) = (project.home / "catalog" / "pending").iterdir()
    with path.open("a") as torn:
        torn.write('{"base": 7, "crea')
    catalog.write(pl.DataFrame({"id": [2]}), into="t.b")
    assert file.exists()
    catalog.write(pl.DataFrame({"id": [3]}), into="t.a")
    assert not file.exists()
