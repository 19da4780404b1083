"""Names: what may become a folder and a word of SQL, and what never does."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.catalog.names import DatasetName, column_names
from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, NotFound, Unprocessable
from jupyter_mlinfra.core.refs import Ref

HOSTILE = [
    "",
    ".",
    "..",
    "a",
    "a.",
    ".a",
    "a..b",
    "../a.b",
    "a/b.c",
    "a.b/../../c",
    "/etc/passwd",
    "a.b\0",
    "a.b\n",
    "a b.c",
    "a.b;drop",
    "a.'b'",
    'a."b"',
    "a.b--",
    "a.%2e%2e",
    "a.b@",
    "a.b@-1",
    "a.b@1; --",
    "ｆlights.x",
    "a.b\u202e",
    "a.🙂",
    "-a.b",
    "1a.b",
    "a." + "b" * 128,
    "C:\\a.b",
    "~root.x",
    "a.b#c",
    "a.b?c",
    "$(id).x",
    "<img src=x onerror=alert(1)>.b",
    "file:///a.b",
    "dataset:dataset:a.b",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_by_every_verb(catalog, file, name, stored):
    path = file("a.csv", "n\n1\n")
    verbs = [
        lambda: catalog.ingest([path], into=name),
        lambda: catalog.write(pl.DataFrame({"n": [1]}), into=name),
        lambda: catalog.show(name),
        lambda: catalog.preview(name),
        lambda: catalog.snapshots(name),
        lambda: catalog.profile(name),
        lambda: catalog.tag(name, add=["x"]),
        lambda: catalog.describe(name, owner="x"),
        lambda: catalog.dataset(name),
        lambda: catalog.lineage(name),
    ]
    for verb in verbs:
        with pytest.raises(BadRequest, match="is not the name of a dataset"):
            verb()
    assert catalog.fingerprint(name) is None
    assert stored() == set()


def test_only_labels_are_put_on_a_column(catalog, stored):
    for verb in (catalog.show, catalog.preview, catalog.snapshots, catalog.profile):
        with pytest.raises(BadRequest, match="is not the name of a dataset"):
            verb("column:a.b.c")
    for change in (catalog.tag, catalog.describe):
        with pytest.raises(NotFound, match=r"There is no dataset a\.b"):
            change("column:a.b.c")
    assert stored() == set()


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[a-z./\\@%_-]{1,20}", fullmatch=True))
@example("dataset:flights.departures@4711")
def test_a_name_that_passes_holds_nothing_but_letters_digits_and_dashes(text):
    try:
        name = DatasetName.parse(text)
    except BadRequest:
        return
    for part in name.identifier:
        assert part
        assert all(sign.isascii() and (sign.isalnum() or sign in "_-") for sign in part)
        assert part not in (".", "..")
    assert len(name.identifier) >= 2
    assert Ref.parse(name.ref).name == name.text
    assert DatasetName.parse(name.text) == DatasetName(name.namespace, name.table)


def test_a_reference_and_a_snapshot_are_understood():
    assert DatasetName.parse("dataset:flights.departures@4711") == DatasetName(
        "flights", "departures", 4711
    )
    assert DatasetName.parse("a.b.c").identifier == ("a", "b", "c")
    name = DatasetName.parse("a.b")
    assert (
        name.at("4711")
        == name.at(4711)
        == DatasetName.parse("a.b@4711")
        == DatasetName("a", "b", 4711)
    )
    assert (
        name.at("4711.2")
        == DatasetName.parse("dataset:a.b@4711.2")
        == DatasetName("a", "b", 4711, 2)
    )
    assert name.at("gold") == DatasetName.parse("a.b@gold") == DatasetName("a", "b", tag="gold")
    moment = "2026-05-01T12:00+02:00"
    assert (
        name.at(moment) == DatasetName.parse(f"a.b@{moment}") == DatasetName("a", "b", tag=moment)
    )
    assert DatasetName.parse("dataset:a.b@2026-05-01T12%3A00%2B02%3A00") == name.at(moment)
    for bad in ("", "-1", "1.x", "1.5.2", "9" * 20, "a b", "2026-5-1", "2026-05-01T12", "x/y"):
        with pytest.raises(BadRequest):
            DatasetName("a", "b").at(bad)


@settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_column_names_are_stored_as_they_are_or_refused(catalog, names):
    try:
        expected = column_names(names, "it")
    except Unprocessable:
        return
    frame = pl.DataFrame({name: [number] for number, name in enumerate(expected)})
    report = catalog.write(frame, into="t.names", mode="replace")
    assert (
        catalog.dataset("t.names").scan(report.snapshot).collect().select(expected).rows()
        == frame.rows()
    )
    assert {column.name for column in catalog.show("t.names").schema} == set(expected)


def test_a_column_whose_name_is_a_pattern_is_refused_with_what_to_do():
    """`pl.col("*")` is every column; other stars and signs are names like any other."""
    for pattern in ("*", "^s.*$"):
        with pytest.raises(Unprocessable, match=r"that is a pattern of names\. Rename the column"):
            column_names(["a", pattern], "it")
    plain = ["**", "a*", "^a", "a$"]
    assert column_names(plain, "it") == plain


def test_joiners_within_words_and_emoji_are_part_of_a_name(catalog):
    names = ["می\u200cروم", "👩\u200d🔬"]
    catalog.write(pl.DataFrame({name: [number] for number, name in enumerate(names)}), into="t.a")
    answer = catalog.sql(f'SELECT "{names[1]}", "{names[0]}" FROM t.a')
    assert [*answer.columns] == names[::-1]
    for name in ("\u200dname", "na\u200dme", "name\u200c", "é\u200d\u200dé"):
        with pytest.raises(Unprocessable, match="control characters"):
            column_names([name], "it")


def test_a_verb_about_the_whole_dataset_refuses_a_snapshot(catalog):
    report = catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    for verb in (catalog.describe, catalog.snapshots, catalog.lineage):
        with pytest.raises(BadRequest, match="names one snapshot"):
            verb(f"t.a@{report.snapshot}")


def test_an_absent_dataset_is_named_with_those_like_it(catalog):
    catalog.write(pl.DataFrame({"n": [1]}), into="flights.departures")
    for verb in (
        catalog.show,
        catalog.preview,
        catalog.snapshots,
        catalog.profile,
        catalog.dataset,
        catalog.lineage,
    ):
        with pytest.raises(MLInfraError, match=r"no dataset flights\.departure") as caught:
            verb("flights.departure")
        assert (caught.value.code, caught.value.fix) == (
            "not_found",
            "Perhaps: flights.departures.",
        )


def _others(project):
    from pyiceberg.catalog.sql import SqlCatalog

    from jupyter_mlinfra.catalog.stores.opening import CATALOG

    return SqlCatalog(
        CATALOG,
        uri=f"sqlite:///{project.home}/catalog.db",
        warehouse=str(project.home / "warehouse"),
    )


def test_a_table_of_others_with_a_name_that_is_none_here_is_read_by_its_reference(catalog, project):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.good")
    other = _others(project)
    other.create_namespace("o d/x")
    odd = ["2024_sales", "a.b", "größe", "my table", "../x"]
    names = [*(("t", name) for name in odd), ("o d/x", "a/b")]
    for number, name in enumerate(names):
        frame = pl.DataFrame({"n": [number]}).to_arrow()
        other.create_table(name, frame.schema, location=f"{project.home}/w/{number}").append(frame)
    items = {item.name: item for item in catalog.list().items if item.name != "t.good"}
    for number, (namespace, name) in enumerate(names):
        item = items[f"{namespace}.{name}"]
        assert (item.rows.value, item.description) == (1, "")
        assert Ref.parse(item.ref).name == item.name
        table = catalog.dataset(item.ref)
        assert table.scan().collect()["n"].to_list() == [number]
        assert catalog.preview(f"{item.ref}@{item.snapshot}").data == [[number]]
        assert catalog.profile(item.ref, tier="exact").rows == 1
        assert catalog.show(item.ref).code["python"].count(item.ref) == 1
        if "." not in name:
            assert catalog.asked(item.name) == item.ref
        for write in (catalog.tag, catalog.snapshots, catalog.delete):
            with pytest.raises(Unprocessable, match=r"cannot be used here.*Read it as dataset:"):
                write(item.ref)
    assert {hit.name for hit in catalog.search("n").items} >= set(items)
    assert {path.name for path in project.home.iterdir()} >= {"profiles", "w", "catalog.db"}
    assert not (project.home / "x").exists()
    with pytest.raises(NotFound, match=r"The name 'a\.b' cannot be used here"):
        catalog.show("t.a.b")
    with pytest.raises(NotFound) as caught:
        catalog.show("t.a.c")
    assert "t.a.b" not in caught.value.fix


def test_a_tag_or_a_branch_of_others_stands_for_its_snapshot(catalog, project):
    first = catalog.write(pl.DataFrame({"n": [1]}), into="t.a").snapshot
    table = _others(project).load_table("t.a")
    table.manage_snapshots().create_tag(int(first), "v1.0").create_branch(
        int(first), "try-out"
    ).commit()
    table.append(pl.DataFrame({"n": [2]}).to_arrow(), branch="try-out")
    catalog.write(pl.DataFrame({"n": [3], "m": ["x"]}), into="t.a")
    assert catalog.dataset("t.a@v1.0").scan().collect().to_dicts() == [{"n": 1}]
    assert sorted(catalog.dataset("dataset:t.a@try-out").scan().collect()["n"]) == [1, 2]
    assert sorted(catalog.dataset("t.a@main").scan().collect()["n"]) == [1, 3]
    assert catalog.show("t.a@v1.0").dataset.snapshot == first
    assert catalog.preview("t.a@try-out").total == 2
    assert catalog.show("t.a").dataset.rows.value == 2
    with pytest.raises(NotFound, match=r"no tag or branch 'v2'.*main, try-out, v1\.0"):
        catalog.show("t.a@v2")
    with pytest.raises(BadRequest, match="names one snapshot"):
        catalog.write(pl.DataFrame({"n": [1]}), into="t.a@v1.0")


def test_columns_that_others_called_by_patterns_are_shown_and_profiled(catalog, project):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.good")
    other = _others(project)
    frame = pl.DataFrame({"*": [1, 2, 2], "^a.*$": ["x", "y", "y"], "a1": [0.5, 1.5, None]})
    other.create_table(("t", "odd"), frame.to_arrow().schema).append(frame.to_arrow())
    block = catalog.preview("t.odd", columns=["^a.*$", "*"])
    assert [column.name for column in block.columns] == ["^a.*$", "*"]
    assert [list(values) for values in block.data] == [["x", "y", "y"], [1, 2, 2]]
    profile = catalog.profile("t.odd", tier="exact").columns
    assert profile["*"].distinct == 2
    assert (profile["^a.*$"].distinct, list(profile["^a.*$"].top)) == (2, [("y", 2), ("x", 1)])
    assert profile["a1"].nulls == 1
    other.load_table("t.odd").overwrite(frame.with_columns(pl.lit("z").alias("^a.*$")).to_arrow())
    before, _, after = (item.id for item in reversed(catalog.snapshots("t.odd").items))
    found = catalog.diff("t.odd", before, after, key=["a1"])
    assert found.changed == 3
