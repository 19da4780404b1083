"""The lineage of an ingest: of which columns of files those of the dataset were made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, fromfiles
from jupyter_mlinfra.core.project import Project

Pairs = Mapping[str, set[tuple[str, str]]]


@pytest.fixture
def pairs(project: Project) -> Callable[[str], Pairs]:
    def of(dataset: str) -> Pairs:
        edges = project.lineage.around(f"dataset:{dataset}").items
        return {edge.input.rpartition("/")[2]: set(edge.columns) for edge in edges}

    return of


def test_a_column_comes_from_that_of_each_file_which_has_it(
    catalog: Catalog, project: Project, tmp_path: Path, pairs: Callable[[str], Pairs]
) -> None:
    (tmp_path / "a.csv").write_text("id, paid ,id\n1,2.5,3\n")
    pl.DataFrame({"id": [4], "city": ["x"]}).write_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.jsonl").write_text('{"id": 5, "paid": 1.5}\n')
    files = [tmp_path / name for name in ("a.csv", "b.parquet", "c.jsonl")]
    catalog.ingest(files, into="t.a", union=True)
    assert pairs("t.a") == {
        "a.csv": {("id", "id"), ("paid", "paid"), ("id", "id_2")},
        "b.parquet": {("id", "id"), ("city", "city")},
        "c.jsonl": {("id", "id"), ("paid", "paid")},
    }
    one = project.lineage.around("dataset:t.a", column="city").items
    assert [(edge.input.rpartition("/")[2], list(edge.columns)) for edge in one] == [
        ("b.parquet", [("city", "city")])
    ]


def test_a_file_without_a_header_has_the_names_that_were_given(
    catalog: Catalog, tmp_path: Path, pairs: Callable[[str], Pairs]
) -> None:
    (tmp_path / "a.csv").write_text("1,x\n2,y\n")
    catalog.ingest([tmp_path / "a.csv"], into="t.a", header=False)
    assert pairs("t.a")["a.csv"] == {("column_1", "column_1"), ("column_2", "column_2")}


def test_a_table_of_a_database(
    catalog: Catalog, tmp_path: Path, pairs: Callable[[str], Pairs]
) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id, 'x' AS word")
    catalog.ingest([f"sqlite:///{tmp_path / 'shop.db'}#t"], into="t.a")
    assert pairs("t.a") == {"shop.db#t": {("id", "id"), ("word", "word")}}


def test_so_many_columns_that_the_event_would_be_huge_are_not_named(
    catalog: Catalog,
    tmp_path: Path,
    pairs: Callable[[str], Pairs],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fromfiles, "MOST", 3)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"id,word\n1,{name}\n")
    catalog.ingest([tmp_path / "a.csv", tmp_path / "b.csv"], into="t.a")
    assert pairs("t.a") == {"a.csv": set(), "b.csv": set()}
