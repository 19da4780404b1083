"""Several processes write one table at once, or change it while another writes; for eight of them
see tests/faults/data.
"""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Unprocessable

_WRITER = """
import sys
import polars as pl
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
root, me, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
catalog = Catalog(Project.open(root))
for number in range(times):
    columns = {"writer": [me], "number": [number], f"own_{me}": [number]}
    try:
        catalog.write(pl.DataFrame(columns), into="t.shared")
    except Exception as error:
        if "no column" not in str(error):
            raise
        known = [column.name for column in catalog.show("t.shared").schema]
        names = [*known, *(name for name in columns if name not in known)]
        rows = pl.DataFrame({name: columns.get(name, [None]) for name in names})
        catalog.write(rows, into="t.shared")
    print(number, flush=True)
"""


def _together(project, *, writers, times):
    command = [sys.executable, "-c", _WRITER, str(project.root)]
    running = [
        subprocess.Popen(
            [*command, str(me), str(times)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(writers)
    ]
    ended = [process.communicate(timeout=150) for process in running]
    assert [process.returncode for process in running] == [0] * writers, [
        error for _, error in ended
    ]
    return {(me, int(number)) for me, (out, _) in enumerate(ended) for number in out.split()}


def test_columns_that_two_writers_add_at_once_are_both_there(project):
    acknowledged = _together(project, writers=2, times=3)
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


def _rename(project, old, new):
    """What another engine does: a change of the columns without a snapshot."""
    with Catalog(project)._store.iceberg.load_table(("t", "a")).update_schema() as update:
        update.rename_column(old, new)


def test_an_append_that_a_replacing_write_overtook_keeps_its_values(
    catalog, project, rows, stored, meanwhile
):
    """Their column is another one by now: without a new attempt they would read back as null."""
    catalog.write(pl.DataFrame({"id": [1], "x": [1]}), into="t.a")
    meanwhile(
        lambda: Catalog(project).write(
            pl.DataFrame({"id": [9], "x": ["nine"]}), into="t.a", mode="replace"
        )
    )
    catalog.write(pl.DataFrame({"id": [3], "x": [3]}), into="t.a")
    assert rows("t.a") == [{"id": 3, "x": "3"}, {"id": 9, "x": "nine"}]
    assert len([name for name in stored() if name.endswith(".parquet")]) == 3


def test_an_append_that_no_longer_fits_is_refused_and_leaves_no_file(
    catalog, project, rows, stored, meanwhile
):
    catalog.write(pl.DataFrame({"id": [1], "x": ["one"]}), into="t.a")
    meanwhile(
        lambda: Catalog(project).write(
            pl.DataFrame({"id": [9], "x": [9]}), into="t.a", mode="replace"
        )
    )
    with pytest.raises(Unprocessable, match=r"It holds str; the dataset has i64"):
        catalog.write(pl.DataFrame({"id": [3], "x": ["three"]}), into="t.a")
    assert rows("t.a") == [{"id": 9, "x": 9}]
    assert len([name for name in stored() if name.endswith(".parquet")]) == 2


def test_a_column_that_a_replacing_write_took_is_made_again_by_an_append(
    catalog, project, rows, meanwhile
):
    catalog.write(pl.DataFrame({"id": [1], "y": [1.5]}), into="t.a")
    meanwhile(lambda: Catalog(project).write(pl.DataFrame({"id": [9]}), into="t.a", mode="replace"))
    report = catalog.write(pl.DataFrame({"id": [3], "y": [3.5]}), into="t.a")
    assert report.rows_written == 1
    assert rows("t.a") == [{"id": 3, "y": 3.5}, {"id": 9, "y": None}]


def test_an_append_minds_a_change_of_columns_without_rows(catalog, project, rows, meanwhile):
    catalog.write(pl.DataFrame({"id": [1], "y": [1.5]}), into="t.a")
    meanwhile(lambda: _rename(project, "y", "z"))
    with pytest.raises(Unprocessable, match="no column 'z'"):
        catalog.write(pl.DataFrame({"id": [3], "y": [3.5]}), into="t.a")
    assert catalog.sql("SELECT * FROM t.a").to_dicts() == [{"id": 1, "z": 1.5}]


def test_an_append_to_a_table_that_was_made_anew_lands_in_the_new_one(
    catalog, project, rows, meanwhile
):
    catalog.write(pl.DataFrame({"id": [1], "y": [1.5]}), into="t.a")

    def anew():
        Catalog(project)._store.iceberg.drop_table(("t", "a"))
        Catalog(project).write(pl.DataFrame({"y": [9.5], "id": [9]}), into="t.a")

    meanwhile(anew)
    catalog.write(pl.DataFrame({"id": [3], "y": [3.5]}), into="t.a")
    assert rows("t.a") == [{"y": 3.5, "id": 3}, {"y": 9.5, "id": 9}]


@pytest.mark.parametrize("word", [7, "seven"])
def test_a_replacing_write_that_an_append_overtook_replaces_it_too(
    catalog, project, rows, meanwhile, word
):
    catalog.write(pl.DataFrame({"id": [1], "x": [1]}), into="t.a")
    meanwhile(lambda: Catalog(project).write(pl.DataFrame({"id": [3], "x": [3]}), into="t.a"))
    catalog.write(pl.DataFrame({"id": [9], "x": [word]}), into="t.a", mode="replace")
    assert rows("t.a") == [{"id": 9, "x": word}]


def test_an_append_that_another_append_overtook_writes_its_files_once(
    catalog, project, rows, stored, meanwhile
):
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    meanwhile(lambda: Catalog(project).write(pl.DataFrame({"id": [2]}), into="t.a"))
    catalog.write(pl.DataFrame({"id": [3]}), into="t.a")
    assert rows("t.a") == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert len([name for name in stored() if name.endswith(".parquet")]) == 3
