"""Upserts: rows by their key, against what DuckDB makes of the same rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.change import present
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.core.project import Project

type Meanwhile = Callable[[Callable[[], object]], None]
type Rows = Callable[..., list[dict[str, Any]]]


def files(project: Project, name: str = "t.a") -> list[str]:
    return sorted(
        file.file_path for file in present(CatalogStore(project).load(DatasetName.parse(name)))
    )


def _random(rng: Random, count: int, keys: int) -> pl.DataFrame:
    """Rows with keys of two columns, some of them equal, and values of many types."""

    def some(value: Callable[[], Any]) -> list[Any]:
        return [None if rng.random() < 0.2 else value() for _ in range(count)]

    return pl.DataFrame(
        {
            "word": [
                f"a value of more than sixteen signs {rng.randrange(keys)}" for _ in range(count)
            ],
            "day": [date(2026, 1, rng.randint(1, 2)) for _ in range(count)],
            "number": some(lambda: rng.choice([0.5, float("nan"), float("inf"), 1.5])),
            "count": some(lambda: rng.randint(0, 2)),
            "list": some(lambda: [rng.randint(0, 1)]),
            "pair": some(lambda: {"x": rng.randint(0, 1), "y": "é"}),
        },
        schema={
            "word": pl.String,
            "day": pl.Date,
            "number": pl.Float64,
            "count": pl.Int64,
            "list": pl.List(pl.Int64),
            "pair": pl.Struct({"x": pl.Int64, "y": pl.String}),
        },
    )


_MERGED = """
WITH kept AS (
    SELECT * FROM new QUALIFY row_number() OVER (PARTITION BY word, day ORDER BY n DESC) = 1
),
same AS (
    SELECT kept.word, kept.day FROM kept JOIN old AS o USING (word, day)
    GROUP BY ALL HAVING count(*) = 1 AND bool_and(
        o.number IS NOT DISTINCT FROM kept.number AND o.count IS NOT DISTINCT FROM kept.count
        AND o.list IS NOT DISTINCT FROM kept.list AND o.pair IS NOT DISTINCT FROM kept.pair
    )
)
"""


def _oracle(old: pl.DataFrame, new: pl.DataFrame) -> tuple[list[str], int, int]:
    """The rows afterwards, as text, how many are new or other ones, and how many are other ones."""
    with duckdb.connect() as connection:
        connection.register("old", old.to_arrow())
        connection.register("new", new.with_row_index("n").to_arrow())

        def ask(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(f"{_MERGED} {query}").fetchall()

        rows = ask(
            "SELECT * FROM old ANTI JOIN kept USING (word, day)"
            " UNION ALL SELECT * EXCLUDE (n) FROM kept"
        )
        written = ask("SELECT count(*) FROM kept ANTI JOIN same USING (word, day)")[0][0]
        updated = ask(
            "SELECT count(*) FROM (SELECT * FROM kept ANTI JOIN same USING (word, day))"
            " SEMI JOIN old USING (word, day)"
        )[0][0]
    return sorted(map(repr, rows)), written, updated


def _hold_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in {
        "staged._PART_BYTES": 700,
        "matching._KEYS": 25,
        "pieces._BLOCK_ROWS": 10,
        "pieces._ROW_GROUP": 7,
        "pieces._BLOCK_CELLS": 40,
        "spill._BYTES": 300,
    }.items():
        monkeypatch.setattr(f"jupyter_mlinfra.catalog.{name}", limit)


@pytest.mark.parametrize("seed", range(4))
def test_any_upsert_gives_the_rows_that_duckdb_gives(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = Random(seed)
    if seed % 2:  # more rows than are held at once
        _hold_few_rows(monkeypatch)
    old = pl.concat(_random(rng, rng.randint(1, 60), 30) for _ in range(4))
    for number in range(4):
        catalog.write(old[number * old.height // 4 : (number + 1) * old.height // 4], into="t.a")
    for _ in range(3):
        old = catalog.dataset("t.a").scan().collect()
        new = _random(rng, rng.randint(1, 50), 40)
        # half of them as the table has them
        new = pl.concat([new, old.sample(min(9, old.height), seed=seed)])
        expected, written, updated = _oracle(old, new)
        report = catalog.write(new, into="t.a", mode="upsert", key=["word", "day"])
        after = catalog.dataset("t.a").scan().collect()
        assert _oracle(after, new[:0])[0] == expected
        assert (report.rows_written, report.rows_updated) == (written, updated)
        assert catalog.show("t.a").dataset.rows.value == len(expected)
        assert catalog.verify("t.a").damaged == []


_KEYS: dict[str, tuple[Any, list[Any]]] = {
    "text": (pl.String, ["", "a", "a\0", "a\0b", "A", "é", "e\u0301", "\U0001f600", "x" * 40]),
    "decimal": (pl.Decimal(10, 2), [Decimal(n) / 4 for n in range(-4, 5)]),
    "moment": (
        pl.Datetime("us", "UTC"),
        [datetime(2026, 10, 25, h, tzinfo=UTC) for h in range(9)],
    ),
    "time": (pl.Datetime("us"), [datetime(2026, 1, 1, 0, 0, 0, n) for n in range(9)]),
    "bytes": (pl.Binary, [b"", b"\0", b"\0\0", b"a", b"\xff", b"\xff\0", b"x" * 40]),
    "truth": (pl.Boolean, [True, False]),
    "small": (pl.Int32, [-(2**31), -1, 0, 1, 2**31 - 1]),
}


@pytest.mark.parametrize("kind", _KEYS)
def test_a_key_of_any_type_finds_its_rows_and_rows_without_a_key_stay(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    _hold_few_rows(monkeypatch)
    rng = Random(kind)
    dtype, keys = _KEYS[kind]

    def some(count: int, values: list[Any]) -> pl.DataFrame:
        rows = [(rng.choice(values), rng.randrange(3)) for _ in range(count)]
        return pl.DataFrame(rows, schema={"k": dtype, "n": pl.Int64}, orient="row")

    catalog.write(some(40, [*keys, None]), into="t.a")
    catalog.write(some(9, [*keys, None]), into="t.a")
    old = catalog.dataset("t.a").scan().collect()
    new = some(30, keys[: len(keys) // 2 + 1])
    catalog.write(new, into="t.a", mode="upsert", key="k")
    last = dict(new.rows())
    expected = [row for row in old.rows() if row[0] not in last] + list(last.items())
    after = catalog.dataset("t.a").scan().collect()
    assert sorted(map(repr, after.rows())) == sorted(map(repr, expected))


def test_only_files_with_another_value_are_written_anew_and_only_such_rows(
    catalog: Catalog, project: Project, rows: Rows
) -> None:
    for start in (0, 10, 20):
        catalog.write(pl.DataFrame({"id": range(start, start + 3), "x": ["a"] * 3}), into="t.a")
    before = files(project)
    new = pl.DataFrame({"id": [0, 10, 11, 30], "x": ["a", "b", "a", "c"]})
    report = catalog.write(new, into="t.a", mode="upsert", key="id")
    assert (report.rows_written, report.rows_updated) == (2, 1)
    assert len(set(before) & set(files(project))) == 2
    assert rows("t.a") == [
        *({"id": number, "x": "a"} for number in (0, 1)),
        {"id": 10, "x": "b"},
        *({"id": number, "x": "a"} for number in (11, 12, 2, 20, 21, 22)),
        {"id": 30, "x": "c"},
    ]
    newest = catalog.snapshots("t.a").items[0]
    assert (newest.added, newest.updated, newest.removed) == (1, 1, 0)
    kept = files(project)
    again = catalog.write(new, into="t.a", mode="upsert", key="id")
    assert (again.rows_written, again.rows_updated) == (0, 0)
    assert files(project) == kept


def test_the_first_upsert_makes_the_table_and_a_later_one_adds_a_column(
    catalog: Catalog, rows: Rows
) -> None:
    first = catalog.write(pl.DataFrame({"id": [1, 2]}), into="t.a", mode="upsert", key="id")
    assert (first.rows_written, first.rows_updated) == (2, 0)
    new = pl.DataFrame({"id": [2, 3], "x": [None, "c"]})
    report = catalog.write(new, into="t.a", mode="upsert", key="id")
    assert (report.rows_written, report.rows_updated) == (1, 0)
    assert rows("t.a") == [{"id": 1, "x": None}, {"id": 2, "x": None}, {"id": 3, "x": "c"}]


def test_equal_rows_of_the_table_become_the_one_that_comes(catalog: Catalog, rows: Rows) -> None:
    catalog.write(pl.DataFrame({"id": [1, 1, 2], "x": [7, 8, 9]}), into="t.a")
    report = catalog.write(pl.DataFrame({"id": [1], "x": [7]}), into="t.a", mode="upsert", key="id")
    assert (report.rows_written, report.rows_updated) == (1, 1)
    assert rows("t.a") == [{"id": 1, "x": 7}, {"id": 2, "x": 9}]
    newest = catalog.snapshots("t.a").items[0]
    assert (newest.added, newest.updated, newest.removed) == (0, 1, 1)
    catalog.write(pl.DataFrame({"id": [3], "x": [9]}), into="t.a")
    catalog.compact("t.a")
    newest = catalog.snapshots("t.a").items[0]
    assert (newest.operation, newest.added, newest.removed) == ("overwrite", 0, 0)


def test_of_equal_keys_the_last_row_counts_and_the_report_says_so(
    catalog: Catalog, rows: Rows, file: Callable[..., Path]
) -> None:
    first, second = file("a.csv", "id,x\n1,a\n2,b\n1,c\n"), file("b.csv", "id,x\n2,d\n")
    report = catalog.ingest([first, second], into="t.a", mode="upsert", key=["id"])
    assert rows("t.a") == [{"id": 1, "x": "c"}, {"id": 2, "x": "d"}]
    assert report.notes[0] == "Left out because a later row has the same key: 2."


def test_a_row_without_a_key_is_set_aside_or_refused(
    catalog: Catalog, rows: Rows, file: Callable[..., Path]
) -> None:
    report = catalog.ingest([file("a.csv", "id,x\n1,a\n,b\n")], into="t.a", mode="upsert", key="id")
    assert (report.rows_written, report.quarantined) == (1, 1)
    assert "no value in column 'id', which needs one" in report.summary
    with pytest.raises(Unprocessable, match="no value in column 'id'"):
        catalog.write(
            pl.DataFrame({"id": [2, None], "x": ["a", "b"]}), into="t.a", mode="upsert", key="id"
        )
    assert rows("t.a") == [{"id": 1, "x": "a"}]


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"mode": "upsert"}, BadRequest, r"needs a key.*--key id"),
        ({"mode": "append", "key": "id"}, BadRequest, r"the mode is append.*it is an upsert"),
        ({"mode": "upsert", "key": ["id,no"]}, BadRequest, "'id,no' for the key.*--key A --key B"),
        ({"mode": "upsert", "key": "x"}, Unprocessable, r"'x' cannot be the key.*f64"),
        ({"mode": "merge", "key": "id"}, BadRequest, "Modes: append, replace, upsert"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_fix(
    catalog: Catalog, asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        catalog.write(pl.DataFrame({"id": [1], "x": [0.5]}), into="t.a", **asked)
    assert catalog.list().total == 0


def test_a_commit_that_came_first_is_looked_up_too(
    catalog: Catalog, project: Project, rows: Rows, meanwhile: Meanwhile, stored: Any
) -> None:
    catalog.write(pl.DataFrame({"id": [1], "x": [1]}), into="t.a")
    meanwhile(lambda: Catalog(project).write(pl.DataFrame({"id": [2], "x": [2]}), into="t.a"))
    new = pl.DataFrame({"id": [1, 2], "x": [10, 20]})
    report = catalog.write(new, into="t.a", mode="upsert", key="id")
    assert (report.rows_written, report.rows_updated) == (2, 2)
    assert rows("t.a") == [{"id": 1, "x": 10}, {"id": 2, "x": 20}]
    # the two from before, and the one that counts
    assert len([name for name in stored() if name.endswith(".parquet")]) == 3
    assert not list(project.folder("staging").iterdir())


def test_the_same_file_is_skipped_until_another_write_may_have_changed_its_rows(
    catalog: Catalog, rows: Rows, file: Callable[..., Path]
) -> None:
    first = file("a.csv", "id,x\n1,a\n2,b\n")
    one = catalog.ingest([first], into="t.a", mode="upsert", key="id")
    again = catalog.ingest([first], into="t.a", mode="upsert", key="id")
    assert (again.rows_written, again.snapshot, len(again.skipped)) == (0, one.snapshot, 1)
    catalog.ingest([file("b.csv", "id,x\n1,c\n")], into="t.a", mode="upsert", key="id")
    assert rows("t.a") == [{"id": 1, "x": "c"}, {"id": 2, "x": "b"}]
    back = catalog.ingest([first], into="t.a", mode="upsert", key="id")
    assert back.summary == "1 row is written, 1 of them in place of others"
    assert rows("t.a") == [{"id": 1, "x": "a"}, {"id": 2, "x": "b"}]
    same = catalog.ingest([file("c.csv", "id,x\n2,b\n")], into="t.a", mode="upsert", key="id")
    assert same.summary == "nothing is written, all rows are in it already as they are"


def test_a_key_that_the_dataset_does_not_have_yet_is_refused(
    catalog: Catalog, rows: Rows, file: Callable[..., Path]
) -> None:
    catalog.ingest([file("a.csv", "v\n1\n")], into="t.a")
    with pytest.raises(BadRequest, match="no column 'id' for the key yet"):
        catalog.ingest([file("b.csv", "id,v\n1,2\n")], into="t.a", mode="upsert", key="id")
    assert rows("t.a") == [{"v": 1}]


_WRITER = """
import sys
import polars as pl
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
root, me, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
catalog = Catalog(Project.open(root))
for number in range(times):
    if me % 2:
        rows = pl.DataFrame({"id": [1000 * me + number], "writer": [me], "number": [number]})
        catalog.write(rows, into="t.shared")
    else:
        rows = pl.DataFrame({"id": [0, me], "writer": [me, me], "number": [number, number]})
        catalog.write(rows, into="t.shared", mode="upsert", key=["id"])
"""


@pytest.mark.parametrize(
    ("writers", "times"), [(3, 2), pytest.param(8, 10, marks=pytest.mark.slow)]
)
def test_upserts_and_appends_of_several_processes_lose_and_double_nothing(
    project: Project, writers: int, times: int
) -> None:
    command = [sys.executable, "-c", _WRITER, str(project.root)]
    running = [
        subprocess.Popen([*command, str(me), str(times)], stderr=subprocess.PIPE, text=True)
        for me in range(writers)
    ]
    ended = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0] * writers, ended
    rows = Catalog(project).dataset("t.shared").scan().collect().rows()
    appended = {(1000 * me + n, me, n) for me in range(1, writers, 2) for n in range(times)}
    upserted = {(me, me, times - 1) for me in range(2, writers, 2)}
    shared = [row for row in rows if row[0] == 0]
    assert sorted(row for row in rows if row[0]) == sorted(appended | upserted)
    assert len(shared) == 1
    assert shared[0][1] % 2 == 0


def test_a_dry_run_of_an_upsert_counts_what_the_upsert_then_does(catalog, file, stored) -> None:
    start = "id,n\n" + "".join(f"{number},{number}\n" for number in range(30))
    catalog.ingest([file("a.csv", start)], into="t.a", key="id")
    text = start + "3,3\n4,400\n50,5\n50,6\n,7\n8,odd\n"
    path, before = file("b.csv", text), stored()
    tried = catalog.ingest([path], into="t.a", key=["id"], dry_run=True)
    assert stored() == before
    done = catalog.ingest([path], into="t.a", key=["id"])
    # 4 gets another value, 50 is new and there twice; the row without a key and `odd` do not fit.
    assert (done.rows_written, done.rows_updated, done.quarantined) == (2, 1, 2)
    for part in ("rows_written", "rows_updated", "quarantined", "schema", "notes"):
        assert getattr(tried, part) == getattr(done, part), part
    assert any("same key: 3" in note for note in tried.notes)
    with pytest.raises(BadRequest, match="no column 'none'"):
        catalog.ingest([path], into="t.a", key="none", dry_run=True)


def test_a_key_means_an_upsert_in_every_face(project, catalog, file, capfd, monkeypatch) -> None:
    from jupyter_mlinfra.cli.app import main

    path = file("a.csv", "id,n\n1,1\n2,2\n")
    catalog.write(pl.DataFrame({"id": [1], "n": [0]}), into="t.a", key="id")
    assert catalog.ingest([path], into="t.a", key="id").rows_updated == 1
    monkeypatch.chdir(project.root)
    words = ["catalog", "ingest", str(path), "--into", "t.a", "--key", "id"]
    for mode in ("append", "replace"):
        with pytest.raises(BadRequest, match="mode is") as refused:
            catalog.ingest([path], into="t.a", mode=mode, key="id")
        assert f"--{mode}" in refused.value.fix
        with pytest.raises(SystemExit) as ended:
            main([*words, f"--{mode}"])
        assert ended.value.code
        assert f"but the mode is {mode}" in capfd.readouterr().err
        with pytest.raises(BadRequest, match="mode is"):
            catalog.write(pl.DataFrame({"id": [1]}), into="t.a", mode=mode, key="id")
    assert catalog.ingest([path], into="t.a", mode="upsert", key="id").rows_written == 0
