"""The catalog's file, locked by another program: writers wait, and nothing is lost or doubled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project

_LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@contextmanager
def locked(project: Project, seconds: float) -> Iterator[None]:
    command = [sys.executable, "-c", _LOCK, str(project.home / "catalog.db"), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield


@pytest.mark.parametrize("seconds", [2.0, pytest.param(30.0, marks=pytest.mark.slow)])
def test_writes_wait_for_a_locked_catalog_and_reading_does_not(
    catalog: Catalog, project: Project, rows: Callable[..., list[dict[str, Any]]], seconds: float
) -> None:
    catalog.write(pl.DataFrame({"id": [1], "x": ["a"]}), into="t.a")
    with locked(project, seconds):
        started = time.monotonic()
        assert rows("t.a") == [{"id": 1, "x": "a"}]
        assert catalog.list().total == 1
        assert time.monotonic() - started < seconds
        catalog.write(pl.DataFrame({"id": [2], "x": ["b"]}), into="t.a")
        assert time.monotonic() - started > seconds * 0.8
    with locked(project, seconds):
        catalog.write(pl.DataFrame({"id": [1]}), into="t.b")
    with locked(project, seconds):
        changed = pl.DataFrame({"id": [1], "x": ["A"]})
        report = catalog.write(changed, into="t.a", mode="upsert", key="id")
    assert (report.rows_written, report.rows_updated) == (1, 1)
    assert rows("t.a") == [{"id": 1, "x": "A"}, {"id": 2, "x": "b"}]
    assert rows("t.b") == [{"id": 1}]
