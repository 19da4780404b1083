"""The catalog's file, locked by another program: reading goes on, writers wait, and nothing is lost
or doubled; a wait that ends says who holds it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.cli import Session
from jupyter_mlinfra.cli import run as carry_out
from jupyter_mlinfra.core.database import Database
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project

_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


@contextmanager
def locked(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program holds a file of SQLite until the end of the block, or until its standard
    input is closed.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _LOCK, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield holder


@pytest.mark.parametrize("seconds", [0.5, pytest.param(30.0, marks=pytest.mark.slow)])
def test_writes_wait_for_a_locked_catalog_and_reading_does_not(
    catalog: Catalog, project: Project, rows: Callable[..., list[dict[str, Any]]], seconds: float
) -> None:
    catalog.write(pl.DataFrame({"id": [1], "x": ["a"]}), into="t.a")
    (project.root / "b.csv").write_text("id\n1\n")
    changed = pl.DataFrame({"id": [1], "x": ["A"]})
    for write in (
        lambda: catalog.write(pl.DataFrame({"id": [2], "x": ["b"]}), into="t.a"),
        lambda: carry_out(["catalog", "ingest", "b.csv", "--into=t.b"], Session(json=True)),
        lambda: catalog.write(changed, into="t.a", mode="upsert", key="id"),
    ):
        before = rows("t.a")
        with locked(project.home / "catalog.db") as holder, ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(write)
            assert rows("t.a") == before
            assert catalog.list().total
            assert catalog.sql("SELECT count(*) AS n FROM t.a").to_dicts() == [{"n": len(before)}]
            assert catalog.search("t.a").items
            with pytest.raises(TimeoutError):
                waiting.result(seconds)
            assert rows("t.a") == before
            holder.communicate("")
            assert waiting.result(120)
    assert rows("t.a") == [{"id": 1, "x": "A"}, {"id": 2, "x": "b"}]
    assert rows("t.b") == [{"id": 1}]


def test_a_wait_that_ends_says_who_holds_the_catalog_and_changes_nothing(project: Project) -> None:
    """In a catalog whose readers wait too: it has no log beside the file, and half a second."""
    file = project.root / "team.db"
    (project.root / "mlinfra.toml").write_text(
        f'[catalog]\nuri = "sql+sqlite:///{file}?timeout=0.5"\nwarehouse = "{project.root}/lake"\n'
    )
    (project.root / "a.csv").write_text("id\n1\n")
    catalog = Catalog(Project.open(project.root))
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    with locked(file) as holder:
        said = (
            rf"{file}: database is locked\. It is held by process {holder.pid} \(python.*Try again"
        )
        for ask in (
            lambda: catalog.list(),
            lambda: catalog.show("t.a"),
            lambda: catalog.preview("t.a"),
            lambda: catalog.search("t.a"),
            lambda: catalog.sql("SELECT * FROM t.a"),
            lambda: catalog.tag("t.a", add=["x"]),
            lambda: catalog.write(pl.DataFrame({"id": [2]}), into="t.a"),
            lambda: catalog.ingest([project.root / "a.csv"], into="t.a"),
            lambda: carry_out(["catalog", "show", "t.a"], Session(json=True)),
        ):
            with pytest.raises(Unavailable, match=said):
                ask()
    assert catalog.preview("t.a").total == 1
    assert catalog.show("t.a").dataset.tags == []
    assert len(list((project.root / "lake").glob("**/*.parquet"))) == 1


def test_a_state_that_is_busy_says_who_holds_it(project: Project) -> None:
    with project.database.read():
        pass
    busy = Database(project.database.path)
    with (
        locked(project.database.path) as holder,
        pytest.raises(Unavailable) as told,
        busy.write(busy_seconds=0.1),
    ):
        raise AssertionError("it is held")
    assert f"It is held by process {holder.pid} (python" in told.value.why
    assert str(busy.path) not in told.value.why, "arguments may hold a password"
