"""An answer in SQL that becomes a dataset."""

from __future__ import annotations

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.querying.answers import Found
from jupyter_mlinfra.catalog.querying.storing import Made, made
from jupyter_mlinfra.core.errors import Conflict, Forbidden, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK


@pytest.fixture
def people(catalog: Catalog) -> Catalog:
    rows = pl.DataFrame(
        {
            "id": range(150),
            "email": [f"{number}@example.org" for number in range(150)],
            "team": ["red", "blue", "green"] * 50,
        }
    )
    catalog.write(rows, into="hr.people")
    catalog.write(pl.DataFrame({"team": ["red"], "floor": [3]}), into="hr.teams")
    catalog.tag("column:hr.people.email", add=["pii"])
    return catalog


def test_the_whole_answer_is_one_commit_with_the_columns_it_was_made_from(
    people: Catalog, project: Project
) -> None:
    query = (
        "SELECT p.id + $more AS number, t.floor FROM hr.people p LEFT JOIN hr.teams t USING (team)"
    )
    for _ in range(2):  # again: the rows are not doubled
        report = people.sql_into(query, into="hr.new", parameters={"more": 1000})
        assert report.rows_written == 150
    answer = people.dataset("hr.new").scan().collect()
    assert sorted(answer["number"]) == list(range(1000, 1150))
    assert answer["floor"].drop_nulls().to_list() == [3] * 50
    assert people.snapshots("hr.new").total == 2
    snapshots = {name: people.snapshots(f"hr.{name}").items[0].id for name in ("people", "teams")}
    made = [edge for edge in project.lineage.edges() if edge.output.endswith(str(report.snapshot))]
    assert {edge.input: set(edge.columns) for edge in made} == {
        f"dataset:hr.people@{snapshots['people']}": {("id", "number")},
        f"dataset:hr.teams@{snapshots['teams']}": {("floor", "floor")},
    }


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, email FROM hr.people",
        "SELECT * FROM hr.people",
        "SELECT max(email) AS last FROM hr.people",
        "SELECT substr(email::VARCHAR, 40, 9) AS part FROM hr.people",
        "SELECT hash(email) AS same FROM hr.people",
    ],
)
def test_what_stands_for_masked_values_is_not_written(people: Catalog, query: str) -> None:
    with pytest.raises(Forbidden, match=r"--reveal"):
        people.sql_into(query, into="hr.new")
    with pytest.raises(NotFound):
        people.show("hr.new")
    assert not people.audit().items


def test_how_many_masked_values_there_are_is_no_value(people: Catalog) -> None:
    query = (
        "SELECT team, count(DISTINCT email) AS n, bool_or(email IS NULL) AS some FROM hr.people"
        " GROUP BY team"
    )
    people.sql_into(query, into="hr.new")
    assert people.dataset("hr.new").scan().collect()["n"].to_list() == [50] * 3
    assert people.show("hr.new").dataset.columns_tagged == {}


def test_columns_made_from_personal_data_are_masked_from_the_first_commit_on(
    people: Catalog,
) -> None:
    query = "SELECT id, upper(email) AS mail, team FROM hr.people"
    people.sql_into(query, into="hr.new", reveal=True)
    assert people.dataset("hr.new").scan().collect()["mail"][0] == "0@EXAMPLE.ORG"
    block = people.preview("hr.new")
    assert [column.name for column in block.columns if "pii" in column.tags] == ["mail"]
    assert block.data[1][0] == MASK
    assert people.snapshots("hr.new").total == 1
    (seen,) = people.audit("hr.people").items
    assert (seen.verb, list(seen.columns)) == ("sql", ["email"])


def test_where_nothing_is_known_of_the_columns_all_are_masked(people: Catalog) -> None:
    query = "SELECT COLUMNS('^e.*|id') FROM hr.people"
    people.sql_into(query, into="hr.new", reveal=True)
    tagged = [item.name for item in people.show("hr.new").schema if "pii" in item.tags]
    assert tagged == ["id", "email"]


def test_a_dataset_that_was_open_before_keeps_no_value_in_its_profile(people: Catalog) -> None:
    people.sql_into("SELECT team AS mail FROM hr.people", into="hr.new")
    assert people.profile("hr.new", tier="exact").columns["mail"].top
    people.tag("column:hr.new.mail", add=["gold"])
    people.sql_into("SELECT email AS mail FROM hr.people", into="hr.new", reveal=True)
    assert people.show("hr.new").schema[0].tags == ["gold", "pii"]
    assert not people.profile("hr.new", tier="exact").columns["mail"].top


def test_rows_that_others_add_meanwhile_are_not_replaced(
    people: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(found: Found) -> Made:
        people.write(pl.DataFrame({"team": ["blue"], "floor": [4]}), into="hr.teams")
        return made(found)

    query = "SELECT team, floor + 1 AS floor FROM hr.teams"
    people.sql_into(query, into="hr.teams")
    monkeypatch.setattr("jupyter_mlinfra.catalog.querying.storing.made", slow)
    with pytest.raises(Conflict, match="others wrote into it meanwhile"):
        people.sql_into(query, into="hr.teams")
    rows = people.dataset("hr.teams").scan().collect().sort("team")
    assert rows.to_dicts() == [{"team": "blue", "floor": 4}, {"team": "red", "floor": 4}]
