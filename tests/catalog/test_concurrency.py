"""Several processes write one table at once: every acknowledged row is there, once."""

from __future__ import annotations

import subprocess
import sys

import polars as pl

from jupyter_mlinfra.catalog import Catalog

_WRITER = """
import sys
import polars as pl
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
root, me, times, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
catalog = Catalog(Project.open(root))
for number in range(times):
    columns = {"writer": [me], "number": [number]} | ({f"own_{me}": [number]} if how == "columns" else {})
    try:
        catalog.write(pl.DataFrame(columns), into="t.shared")
    except Exception as error:
        if how != "columns" or "no column" not in str(error):
            raise
        known = [column.name for column in catalog.show("t.shared").schema]
        catalog.write(pl.DataFrame({name: columns.get(name, [None]) for name in [*known, *(name for name in columns if name not in known)]}), into="t.shared")
    print(number, flush=True)
"""


def _together(project, how, *, writers, times):
    command = [sys.executable, "-c", _WRITER, str(project.root)]
    running = [subprocess.Popen([*command, str(me), str(times), how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for me in range(writers)]
    ended = [process.communicate(timeout=150) for process in running]
    assert [process.returncode for process in running] == [0] * writers, [error for _, error in ended]
    return {(me, int(number)) for me, (out, _) in enumerate(ended) for number in out.split()}


def test_no_acknowledged_append_is_lost_or_doubled(project):
    """Four processes make the table and append to it at the same time."""
    acknowledged = _together(project, "plain", writers=4, times=6)
    assert len(acknowledged) == 24
    catalog = Catalog(project)
    rows = catalog.dataset("t.shared").scan().collect().rows()
    assert len(rows) == 24
    assert set(rows) == acknowledged
    assert catalog.snapshots("t.shared").total == 24
    assert catalog.show("t.shared").dataset.rows.value == 24


def test_columns_that_two_writers_add_at_once_are_both_there(project):
    acknowledged = _together(project, "columns", writers=2, times=3)
    frame = Catalog(project).dataset("t.shared").scan().collect()
    assert set(frame.select("writer", "number").rows()) == acknowledged
    assert {"own_0", "own_1"} <= set(frame.columns)
    for me in (0, 1):
        assert sorted(frame.filter(pl.col("writer") == me)[f"own_{me}"].to_list()) == [0, 1, 2]


def test_tags_that_threads_put_on_at_once_are_all_there(catalog):
    from concurrent.futures import ThreadPoolExecutor

    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: catalog.tag("t.a", add=[f"tag{number}"]), range(12)))
    assert set(catalog.show("t.a").dataset.tags) == {f"tag{number}" for number in range(12)}
