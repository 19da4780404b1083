"""Rows that do not fit are a table that every reader sees, and come in once they are mended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unprocessable
from jupyter_mlinfra.workbench import Workbench

GOOD = "".join(f"{number},w{number}\n" for number in range(40))


NUMBERS = "".join(f"{number},{number}\n" for number in range(40))


@pytest.fixture
def report(catalog, file) -> Any:
    catalog.ingest([file("a.csv", "id,word\n1,a\n")], into="shop.orders")
    return catalog.ingest([file("b.csv", f"id,word\noops,b\n{GOOD}7\n")], into="shop.orders")


def test_rows_that_do_not_fit_are_a_table(catalog, project, report, tmp_path) -> None:
    assert report.quarantine == "quarantine.shop__orders"
    rows = catalog.sql(
        "SELECT dataset, file, line, `column`, reason, text FROM quarantine.shop__orders"
        " ORDER BY line"
    )
    b = str(tmp_path / "b.csv")
    assert rows.rows() == [
        ("shop.orders", b, 2, "id", "'oops' in column 'id', which is i64", "oops,b"),
        ("shop.orders", b, 43, "", "1 field instead of 2", "7"),
    ]
    block = catalog.preview("quarantine.shop__orders")
    assert (block.shown, block.total) == (2, 2)
    ingest = block.data[[column.name for column in block.columns].index("ingest")]
    assert len(set(ingest)) == 1
    listed = {item.name: item for item in catalog.list().items}
    assert listed["quarantine.shop__orders"].domain == "quarantine"
    assert catalog.show("quarantine.shop__orders").dataset.rows.value == 2
    hits = Workbench(project).search("quarantine shop__orders").items
    assert [hit.ref for hit in hits] == ["dataset:quarantine.shop__orders"]
    with pytest.raises(Conflict, match="table of quarantine"):
        catalog.write(pl.DataFrame({"n": [1]}), into="quarantine.shop__orders")


def test_the_rows_of_several_ingests_are_told_apart(catalog, report, file) -> None:
    catalog.ingest([file("c.csv", f"id,word\n{GOOD}x,c\n")], into="shop.orders")
    rows = catalog.dataset("quarantine.shop__orders").scan().collect()
    names = [name.rpartition("/")[2] for name in rows["file"]]
    assert names == ["b.csv", "b.csv", "c.csv"]
    assert rows["ingest"].n_unique() == 2
    assert rows["at"].is_sorted()


def test_mended_rows_come_in_and_leave_the_quarantine(catalog, report, rows, tmp_path) -> None:
    bad = tmp_path / "bad.csv"
    assert catalog.export_quarantine("shop.orders", bad) == 2
    assert bad.read_text() == "id,word\noops,b\n7\n"
    with pytest.raises(Conflict, match="exists already"):
        catalog.export_quarantine("shop.orders", bad)
    bad.write_text("id,word\n100,b\n107,\n")
    assert catalog.mend("shop.orders", bad).rows_written == 2
    assert {row["id"] for row in rows("shop.orders")} == {*range(40), 1, 100, 107}
    with pytest.raises(NotFound, match="has no rows"):
        catalog.export_quarantine("shop.orders", tmp_path / "more.csv")
    assert "quarantine.shop__orders" not in [item.name for item in catalog.list().items]
    with pytest.raises(BadRequest, match="--export"):
        catalog.mend("shop.orders", bad)


def test_mended_rows_of_an_upsert_take_the_place_of_those_with_their_key(
    catalog, file, rows, tmp_path
) -> None:
    catalog.ingest([file("a.csv", f"id,n\n{NUMBERS}")], into="t.a", key="id")
    catalog.ingest([file("b.csv", f"id,n\n{NUMBERS}7,odd\n")], into="t.a", key="id")
    bad = tmp_path / "bad.csv"
    catalog.export_quarantine("t.a", bad)
    bad.write_text("id,n\n7,700\n")
    report = catalog.mend("t.a", bad)
    assert (report.rows_written, report.rows_updated) == (1, 1)
    assert [row for row in rows("t.a") if row["id"] == 7] == [{"id": 7, "n": 700}]
    # Rows of several ways in: the key has to be said.
    catalog.ingest([file("c.csv", f"id,n\n{NUMBERS}8,odd\n")], into="t.a", key="id")
    catalog.ingest([file("d.csv", f"id,n\n{NUMBERS}9,odd\n")], into="t.a", again=True)
    catalog.export_quarantine("t.a", more := tmp_path / "more.csv")
    more.write_text("id,n\n8,800\n9,900\n")
    with pytest.raises(Conflict, match=r"by id.*without a key|without a key.*by id"):
        catalog.mend("t.a", more)
    assert catalog.mend("t.a", more, key="id").rows_updated == 2
    found = catalog.dataset("t.a").scan().filter(pl.col("id").is_in([8, 9])).collect()
    assert sorted(found.rows()) == [(8, 800), (9, 900)]


def test_what_still_does_not_fit_is_in_quarantine_again(catalog, report, file, tmp_path) -> None:
    bad = tmp_path / "bad.csv"
    catalog.export_quarantine("shop.orders", bad)
    catalog.ingest([file("c.csv", f"id,word\n{GOOD}late,c\n")], into="shop.orders")
    bad.write_text("id,word\n100,b\nstill,\n")
    mended = catalog.mend("shop.orders", bad, max_bad=0.5)
    assert (mended.rows_written, mended.quarantined) == (1, 1)
    found = catalog.dataset("quarantine.shop__orders").scan().collect()
    assert found["text"].to_list() == ["late,c", "still,"]


def test_a_refused_file_of_mended_rows_leaves_them_in_quarantine(catalog, report, tmp_path) -> None:
    bad = tmp_path / "bad.csv"
    catalog.export_quarantine("shop.orders", bad)
    with pytest.raises(Unprocessable, match="can be read"):
        catalog.mend("shop.orders", bad)
    assert catalog.dataset("quarantine.shop__orders").scan().collect().height == 2


@pytest.mark.parametrize("point", ["catalog-beside", "catalog-sent", "catalog-committed"])
def test_an_ingest_that_was_killed_and_run_again_has_its_bad_rows_once(
    catalog, project, file, rows, point
) -> None:
    path = file("a.csv", f"id,word\noops,b\n{GOOD}")
    ingest = [sys.executable, "-m", "jupyter_mlinfra.cli", "catalog", "ingest", str(path)]
    killed = subprocess.run(
        [*ingest, "--into", "t.a"],
        env={**os.environ, "MLINFRA_FAIL": point},
        cwd=project.root,
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    report = catalog.ingest([path], into="t.a")
    assert report.rows_written == (0 if point == "catalog-committed" else 40)
    assert len(rows("t.a")) == 40
    found = catalog.dataset("quarantine.t__a").scan().collect()
    assert found["text"].to_list() == ["oops,b"]


def test_rows_of_json_are_mended_as_json(catalog, file, rows, tmp_path) -> None:
    lines = [*(f'{{"id": {number}}}' for number in range(20)), '{"id": "x"}', "{bad"]
    catalog.ingest([file("a.jsonl", "\n".join(lines))], into="t.a", types={"id": "i64"})
    with pytest.raises(BadRequest, match=r"\.jsonl"):
        catalog.export_quarantine("t.a", tmp_path / "bad.csv")
    bad = tmp_path / "bad.jsonl"
    catalog.export_quarantine("t.a", bad)
    assert bad.read_text().splitlines() == ['{"id": "x"}', "{bad"]
    bad.write_text('{"id": 20}\n{"id": 21}\n')
    catalog.mend("t.a", bad)
    assert [row["id"] for row in rows("t.a")] == sorted(range(22), key=lambda n: repr({"id": n}))


def test_files_of_one_name_keep_their_own_columns(catalog, tmp_path) -> None:
    for folder, header in (("x", "id,word"), ("y", "word,id")):
        (tmp_path / folder).mkdir()
        lines = GOOD if folder == "x" else "".join(f"w,{number}\n" for number in range(40))
        (tmp_path / folder / "d.csv").write_text(f"{header}\n{lines}1x,2y\n")
    paths = [tmp_path / "x" / "d.csv", tmp_path / "y" / "d.csv"]
    catalog.ingest(paths, into="t.a", types={"id": "i64"})
    found = catalog.dataset("quarantine.t__a").scan().collect()
    assert list(zip(found["file"], found["header"], strict=True)) == [
        (str(tmp_path / "x" / "d.csv"), "id,word"),
        (str(tmp_path / "y" / "d.csv"), "word,id"),
    ]
    with pytest.raises(Conflict, match="different columns"):
        catalog.export_quarantine("t.a", tmp_path / "bad.csv")


def test_a_long_row_is_mended_whole_or_not_at_all(catalog, file, tmp_path, monkeypatch) -> None:
    long = "x" * 15_000
    path = file("a.csv", f"id,word\n{GOOD}oops,{long}\n")
    catalog.ingest([path], into="t.a")
    catalog.export_quarantine("t.a", tmp_path / "bad.csv")
    assert (tmp_path / "bad.csv").read_text() == f"id,word\noops,{long}\n"
    monkeypatch.setattr("jupyter_mlinfra.catalog.quarantine._MAX_BYTES", 12_000)
    catalog.ingest([path], into="t.b")
    with pytest.raises(Conflict, match=rf"Line 42 of {path}"):
        catalog.export_quarantine("t.b", tmp_path / "more.csv")
    assert not (tmp_path / "more.csv").exists()


def test_equal_bad_rows_of_an_ingest_under_way_stay(catalog, tmp_path, meanwhile) -> None:
    paths = [tmp_path / name / "day.csv" for name in ("x", "y")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        path.write_text(f"id,word\n{GOOD}{100 + number},a\noops,b\n")
    catalog.write(pl.DataFrame({"id": [1], "word": ["a"]}), into="t.a")
    meanwhile(lambda: catalog.ingest([paths[1]], into="t.a"))
    catalog.ingest([paths[0]], into="t.a")
    found = catalog.dataset("quarantine.t__a").scan().collect()
    assert sorted(found["file"]) == [str(path) for path in paths]
