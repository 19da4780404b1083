"""SQL over columns that differ only in case: each name gives its own values, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, MLInfraError
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK

TWINS = pl.DataFrame({"a": [1, 10], "A": [2, 20], "a_1": [3, 30], "date": [4, 40], "Date": [5, 50]})


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    root = tmp_path_factory.mktemp("project")
    (root / "mlinfra.toml").write_text('[project]\nname = "test"\n')
    project = Project.open(root)
    catalog = Catalog(project)
    catalog.write(TWINS, into="k.tw")
    catalog.write(pl.DataFrame({"a": [1], "w": ["one"]}), into="k.other")
    fields = {"k": [1], "s": [{"x": 1, "X": 2, "y": 3}], "m": [[{"x": 1, "X": 2}]]}
    pl.DataFrame(fields).write_parquet(root / "tw.parquet")
    catalog.register("tw.parquet", name="lk.tw")
    yield catalog
    project.database.close()


@pytest.mark.parametrize(
    ("query", "columns", "rows"),
    [
        ('SELECT "A" AS x, "a" AS y FROM k.tw', ["x", "y"], [(2, 1), (20, 10)]),
        ("SELECT A, a FROM k.tw WHERE A > 2", ["A", "a"], [(20, 10)]),
        ("SELECT * FROM k.tw WHERE tw.a = 1", TWINS.columns, [(1, 2, 3, 4, 5)]),
        ("SELECT * EXCLUDE (a, A, a_1) FROM k.tw", ["date", "Date"], [(4, 5), (40, 50)]),
        ('SELECT "Date", "date"::VARCHAR FROM k.tw', None, [(5, "4"), (50, "40")]),
        ("SELECT t.A + 1 AS a FROM k.tw t ORDER BY a DESC", ["a"], [(21,), (3,)]),
        ("SELECT A_1 FROM k.tw", None, [(3,), (30,)]),
        ("SELECT sum(A) FROM k.tw", ["sum(A)"], [(22,)]),
        ("SELECT a FROM k.tw QUALIFY row_number() OVER (ORDER BY A DESC) = 1", ["a"], [(10,)]),
        ("WITH x AS (SELECT A AS a FROM k.tw) SELECT a FROM x", ["a"], [(2,), (20,)]),
        ("SELECT A, w FROM k.tw JOIN k.other USING (a)", ["A", "w"], [(2, "one")]),
        ("SELECT A FROM k.tw WHERE a = $a", ["A"], [(20,)]),
        ("SELECT [{'k': A}] AS l FROM k.tw", ["l"], [([{"k": 2}],), ([{"k": 20}],)]),
        ("SELECT a FROM k.other UNION ALL SELECT A FROM k.tw", ["a"], [(1,), (2,), (20,)]),
    ],
)
def test_each_name_gives_its_own_values(
    catalog: Catalog, query: str, columns: list[str] | None, rows: list[tuple[Any, ...]]
) -> None:
    found = catalog.sql(query, parameters={"a": 10} if "$a" in query else {})
    assert sorted(found.rows(), key=repr) == sorted(rows, key=repr)
    assert columns in (None, found.columns)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT DATE FROM k.tw",
        "SELECT o.A FROM k.tw, k.other o",
        "SELECT COLUMNS('^A$') FROM k.tw",
        "SELECT tw FROM k.tw",
    ],
)
def test_a_name_that_no_dataset_writes_so_is_an_error_that_names_both(
    catalog: Catalog, query: str
) -> None:
    with pytest.raises(BadRequest, match=r"k\.tw has columns that differ only in case: 'a' and"):
        catalog.sql(query)


def test_the_text_of_a_row_has_the_names_of_its_columns(catalog: Catalog) -> None:
    found = catalog.sql("SELECT tw::VARCHAR AS t FROM k.tw WHERE a = 1").item()
    assert found == "{'a': 1, 'A': 2, 'a_1': 3, 'date': 4, 'Date': 5}"


def test_masks_and_lineage_are_of_the_column_that_is_meant(catalog: Catalog) -> None:
    catalog.write(pl.DataFrame({"Email": ["s@x"], "email": ["pub"]}), into="k.mails")
    catalog.tag("column:k.mails.Email", add=["pii"])
    assert catalog.sql('SELECT "Email", email FROM k.mails').rows() == [(MASK, "pub")]
    assert catalog.sql("SELECT Email FROM k.mails", reveal=True).item() == "s@x"
    catalog.sql_into("SELECT email, email AS e FROM k.mails", into="k.open")
    catalog.sql_into("SELECT * FROM k.mails", into="k.both", reveal=True)
    rows = catalog.dataset("k.both").scan().collect()
    assert rows.to_dicts() == [{"Email": "s@x", "email": "pub"}]
    tagged = [item.name for item in catalog.show("k.both").schema if "pii" in item.tags]
    assert tagged == ["Email"]
    edges = [item for item in catalog._project.lineage.edges() if "k.both" in item.output]
    assert {tuple(pair) for pair in edges[0].columns} == {("Email", "Email"), ("email", "email")}


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("SELECT k FROM lk.tw", (1,)),
        ("SELECT s FROM lk.tw", ({"x": 1, "X": 2, "y": 3},)),
        ("SELECT count(*) AS n FROM lk.tw t WHERE t.k = 1", (1,)),
        ("SELECT k, m FROM lk.tw", (1, [{"x": 1, "X": 2}])),
    ],
)
def test_fields_that_differ_only_in_case_pass_untouched(
    catalog: Catalog, query: str, row: tuple[Any, ...]
) -> None:
    assert catalog.sql(query).row(0) == row


@pytest.mark.parametrize(
    "query",
    [
        's.x, s."X"',
        "s['X']",
        "struct_extract(s, 'X')",
        "s[$field]",
        "unnest(s)",
        "s.*",
        "(s).y",
        "m[1].X",
        "unnest(m, recursive := true)",
    ],
)
def test_a_field_that_may_be_taken_for_another_is_refused(catalog: Catalog, query: str) -> None:
    parameters = {"field": "X"} if "$" in query else {}
    with pytest.raises(MLInfraError, match=r"lk\.tw has fields in '[sm]'.*: 'x' and 'X'") as caught:
        catalog.sql(f"SELECT {query} FROM lk.tw", parameters=parameters)
    assert "scan()" in caught.value.fix
