"""Files and Delta tables in place: verbs that read know them, nothing is copied or written."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import deltas
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.grid.spec import GridQuery, Sort
from jupyter_mlinfra.catalog.settings import CatalogSettings
from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    MLInfraError,
    NotFound,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project

ROWS = pl.DataFrame(
    {"id": [1, 2, 3], "price": [649.37, 1649.5, None], "word": ["a", "b;c", None], "day": ["x"] * 3}
)


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """The same rows as files of several kinds, and as a Delta table."""
    data = tmp_path / "data"
    folder = data / "lake"
    folder.mkdir(parents=True)
    for number, part in enumerate((ROWS[:2], ROWS[2:])):
        part.write_parquet(folder / f"part-{number}.parquet")
    (data / "a.csv").write_text('id;price;word;day\n1;649,37;a;x\n2;1649,5;"b;c";x\n3;;;x\n')
    ROWS.write_ndjson(data / "a.jsonl")
    write_deltalake(data / "delta", ROWS[:2].to_arrow())
    write_deltalake(data / "delta", ROWS[2:].to_arrow(), mode="append")
    return {
        "parquet": folder,
        "csv": data / "a.csv",
        "json": data / "a.jsonl",
        "delta": data / "delta",
    }


def test_a_delta_table_is_looked_at_before_it_is_registered(
    catalog: Catalog, places: dict[str, Path]
) -> None:
    seen = catalog.inspect([places["delta"]], in_place=True)
    assert ([column.type for column in seen.columns], seen.whole) == (
        ["i64", "f64", "str", "str"],
        True,
    )
    columns = dict(zip([column.name for column in seen.columns], seen.data, strict=True))
    assert sorted(columns["id"]) == [1, 2, 3]
    with pytest.raises(BadRequest, match="register"):
        catalog.inspect([places["delta"]])


@pytest.mark.parametrize("kind", ["csv", "delta"])
def test_a_taken_name_is_known_before_anything_is_registered(
    catalog: Catalog, places: dict[str, Path], kind: str
) -> None:
    catalog.register(places["csv"], name="lake.a")
    catalog.write(ROWS, into="own.a")
    taken = {
        name: catalog.inspect([places[kind]], into=name, in_place=True).exists
        for name in ("lake.a", "own.a", "lake.b")
    }
    assert taken == {"lake.a": True, "own.a": True, "lake.b": False}
    with pytest.raises(BadRequest, match="not the name of a dataset"):
        catalog.inspect([places[kind]], into="lake", in_place=True)


@pytest.mark.parametrize("kind", ["parquet", "csv", "json", "delta"])
def test_every_reading_verb_knows_it(
    catalog: Catalog, project: Project, places: dict[str, Path], kind: str
) -> None:
    place = places[kind]
    before = {file: file.stat().st_mtime_ns for file in place.parent.glob("**/*")}
    shown = catalog.register(place, name="lake.orders")
    assert (shown.name, shown.domain, shown.columns) == ("lake.orders", kind, 4)
    assert [item.name for item in catalog.list().items] == ["lake.orders"]
    assert [item.name for item in catalog.namespaces().items] == ["lake"]
    scanned = catalog.dataset("lake.orders").scan()
    assert scanned.sort("id").collect().to_dicts() == ROWS.to_dicts()
    some = scanned.filter(pl.col("id") > 1).select("word", "id").sort("id").head(1).collect()
    assert some.to_dicts() == [{"word": "b;c", "id": 2}]
    assert scanned.head(1).collect().height == 1
    assert catalog.preview("lake.orders", start=1, count=2).shown == 2
    assert [column.name for column in catalog.show("lake.orders").schema] == ROWS.columns
    assert catalog.sql("SELECT sum(price) AS p FROM lake.orders").item() == 649.37 + 1649.5
    assert catalog.profile("lake.orders", tier="exact")
    assert {hit.kind for hit in catalog.search("price").items} == {"dataset", "column"}
    assert not list(project.home.glob("warehouse/**/*.parquet"))
    assert before == {file: file.stat().st_mtime_ns for file in place.parent.glob("**/*")}


@pytest.fixture
def sampling(project: Project) -> Catalog:
    """A catalog whose samples have a thousand rows."""
    settings = project.settings.changed(CatalogSettings(sample_rows=1000))
    return Catalog(Project(project.root, settings))


def test_a_sample_is_drawn_from_all_rows_and_every_row_can_be_seen(
    sampling: Catalog, tmp_path: Path
) -> None:
    """The files are sorted, as they often are: their first rows are not like the others."""
    frame = pl.DataFrame({"n": range(400_000)})
    frame.write_parquet(tmp_path / "sorted.parquet", row_group_size=50_000)
    sampling.register(tmp_path / "sorted.parquet", name="lake.sorted")
    sample = sampling.profile("lake.sorted", tier="sample")
    assert (sample.tier, sample.rows, sample.first_rows) == ("sample", frame.height, False)
    assert sample.columns["n"].mean == pytest.approx(199_999.5, rel=0.05)
    exact = sampling.profile("lake.sorted", tier="exact").columns["n"]
    assert (exact.min, exact.max, exact.mean) == (0, 399_999, pytest.approx(199_999.5))
    last = sampling.preview("lake.sorted", start=399_998, count=2)
    assert (last.total, last.data) == (400_000, [[399_998, 399_999]])


def test_a_sample_of_a_large_file_of_text_says_that_it_is_of_the_first_rows(
    sampling: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pl.DataFrame({"n": range(2000)}).write_csv(tmp_path / "a.csv")
    sampling.register(tmp_path / "a.csv", name="lake.text")
    sample = sampling.profile("lake.text", tier="sample")
    assert (sample.rows, sample.first_rows) == (2000, False)
    assert sample.columns["n"].mean == pytest.approx(999.5, rel=0.1)
    monkeypatch.setattr("jupyter_mlinfra.catalog.tables.domain._SAMPLED_BYTES", 100)
    first = sampling.profile("lake.text", tier="sample")
    assert (first.rows, first.first_rows, first.columns["n"].mean) == (None, True, 499.5)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_its_rules_can_be_asked(catalog: Catalog, places: dict[str, Path], kind: str) -> None:
    catalog.register(places[kind], name="lake.orders")
    catalog.rule("lake.orders", "price not null")
    catalog.rule("lake.orders", "id unique")
    report = catalog.quality("lake.orders")
    assert report.snapshot is None
    assert {item.rule: item.failed_rows for item in report.rules} == {
        "price not null": 1,
        "id unique": 0,
    }
    assert [state.last is not None for state in catalog.rules("lake.orders").rules] == [True] * 2


def test_what_happens_to_the_files_shows(catalog: Catalog, places: dict[str, Path]) -> None:
    catalog.register(places["delta"], name="lake.delta")
    catalog.register(str(places["parquet"] / "*.parquet"), name="lake.files")
    states = [catalog.fingerprint(name) for name in ("lake.delta", "lake.files")]
    assert states == [catalog.fingerprint(name) for name in ("lake.delta", "lake.files")]
    write_deltalake(places["delta"], ROWS.to_arrow(), mode="overwrite")
    DeltaTable(places["delta"]).delete("id = 1")
    ROWS.write_parquet(places["parquet"] / "part-2.parquet")
    assert sorted(catalog.dataset("lake.delta").scan().collect()["id"]) == [2, 3]
    now_there = [
        str(Path(places["delta"], file)) for file in DeltaTable(places["delta"]).file_uris()
    ]
    size = sum(Path(file).stat().st_size for file in now_there)
    assert catalog.show("lake.delta").dataset.bytes == size
    assert catalog.sql("SELECT count(*) AS n FROM lake.files").item() == 6
    now = [catalog.fingerprint(name) for name in ("lake.delta", "lake.files")]
    assert not set(now) & set(states)


def test_it_is_never_written_and_deleting_it_leaves_the_files(
    catalog: Catalog, project: Project, places: dict[str, Path], file: Callable[..., Path]
) -> None:
    catalog.register(places["csv"], name="lake.orders")
    writes: list[Callable[[], object]] = [
        lambda: catalog.write(ROWS, into="lake.orders"),
        lambda: catalog.ingest([file("b.csv", "id\n1\n")], into="lake.orders"),
        lambda: catalog.snapshots("lake.orders"),
        lambda: catalog.verify("lake.orders"),
    ]
    for write in writes:
        with pytest.raises(Conflict, match=r"registered in place.*mlinfra catalog ingest"):
            write()
    assert catalog.delete("lake.orders").files == str(places["csv"])
    assert places["csv"].exists()
    with pytest.raises(NotFound):
        catalog.show("lake.orders")
    assert catalog.search("price").total == 0
    assert project.events.after(0)[-1].data == {"deleted": True}


def test_people_say_of_it_what_they_say_of_a_dataset_and_it_is_found_by_that(
    catalog: Catalog, places: dict[str, Path]
) -> None:
    catalog.register(places["csv"], name="lake.orders")
    catalog.describe("lake.orders", owner="ann", description="Orders of the shop", tags=["sales"])
    done = catalog.describe("column:lake.orders.price", description="in euro", tags=["money"])
    assert done.undo == "mlinfra catalog tag column:lake.orders.price --remove=money && " + (
        "mlinfra catalog describe column:lake.orders.price --description="
    )
    shown = catalog.show("lake.orders")
    said = (shown.dataset.owner, shown.dataset.tags, shown.dataset.description)
    assert said == ("ann", ("sales",), "Orders of the shop")
    columns = {column.name: (column.doc, column.tags) for column in shown.schema}
    assert columns["price"] == ("in euro", ("money",))
    assert columns["id"] == ("", ())
    assert catalog.list().items[0].owner == "ann"
    found = [
        {hit.ref for hit in catalog.search("", **facet).items}
        for facet in ({"owner": ["ann"], "tag": ["money"]}, {"tag": ["sales", "money"]})
    ]
    assert found == [{"dataset:lake.orders", "column:lake.orders.price"}] * 2
    assert catalog.search("euro").items[0].ref == "column:lake.orders.price"
    with pytest.raises(NotFound, match=r"no column prise.*price"):
        catalog.tag("column:lake.orders.prise", add=["x"])
    assert catalog.tag("lake.orders", remove=["sales"]).tags == ()
    assert catalog.search("", tag=["sales"]).total == 0


def test_its_personal_columns_are_masked_wherever_values_are_shown(
    catalog: Catalog, places: dict[str, Path]
) -> None:
    canary = "canary-51c2"
    places["csv"].write_text(f"id;word\n1;{canary}\n2;b\n")
    catalog.register(places["csv"], name="lake.orders")
    catalog.tag("column:lake.orders.word", add=["PII"])
    catalog.register(places["csv"], name="lake.again")  # another name of the same place
    for name in ("lake.orders", "lake.again"):
        told = [
            catalog.preview(name),
            catalog.profile(name, tier="exact"),
            catalog.sql(f"SELECT word, min(word), count(*) FROM {name} GROUP BY word").to_dicts(),
            catalog.show(name),
            catalog.list(),
            catalog.grid(name, GridQuery()),
        ]
        assert canary not in repr(told)
        with pytest.raises(Forbidden):
            catalog.sql(f"SELECT * FROM {name} WHERE word = '{canary}'")
        with pytest.raises(Forbidden):
            catalog.grid(name, GridQuery(sort=(Sort(column="word"),)))
        with pytest.raises(Forbidden):
            catalog.rule(name, "word matches ^c", reveal=False)
        with pytest.raises(Forbidden):
            catalog.tag(f"column:{name}.word", remove=["PII", "pii"], reveal=False)
    assert catalog.audit().total == 0
    assert canary in repr(catalog.preview("lake.orders", reveal=True))
    (entry,) = catalog.audit("lake.orders").items
    assert (entry.verb, entry.columns) == ("preview", ["word"])
    places["csv"].write_text(f"id;word\n1;a\n{canary};{canary}\n")
    with pytest.raises(MLInfraError) as broken:
        catalog.preview("lake.again")
    assert canary not in str(broken.value).replace(f"'{canary}' in column 'id'", "")


def test_what_cannot_be_registered_is_refused_with_the_reason(
    catalog: Catalog, places: dict[str, Path], file: Callable[..., Path], tmp_path: Path
) -> None:
    catalog.write(ROWS, into="t.a")
    catalog.register(places["csv"], name="lake.orders")
    bad = file("bad.csv", "id\n" + "1\n" * 200 + "x\n")
    damaged = file("damaged.parquet", "no parquet")
    cases: list[tuple[Any, str, type[MLInfraError], str]] = [
        (places["csv"], "t.a", Conflict, "There is a table t.a already"),
        (places["csv"], "lake.orders", Conflict, "There is a table lake.orders already"),
        (tmp_path / "none.csv", "lake.b", NotFound, "no file"),
        (str(tmp_path / "data" / "a.*"), "lake.b", BadRequest, "several kinds.*csv, json"),
        (bad, "lake.b", Unprocessable, "'x' in column 'id', which is i64"),
        (damaged, "lake.b", Unprocessable, "damaged.parquet"),
        (places["csv"], "a/b.c", BadRequest, "not the name of a dataset"),
    ]
    for place, name, error, words in cases:
        with pytest.raises(error, match=words):
            catalog.register(place, name=name)
    assert [item.name for item in catalog.list().items] == ["t.a", "lake.orders"]


def test_parquet_files_whose_columns_grew_are_one_table(catalog: Catalog, tmp_path: Path) -> None:
    """The columns of all, in types that hold the values of all."""
    data = tmp_path / "grown"
    data.mkdir()
    at = datetime(2026, 1, 1, 12)
    first = pl.DataFrame({"id": [1], "v": [1], "at": [at], "s": [{"a": 1}], "w": [None]})
    second = {"w": ["x"], "v": [2.5], "at": [at], "s": [{"b": "y", "a": 2}], "id": [2]}
    first.cast({"v": pl.Int32}).write_parquet(data / "1.parquet")
    pl.DataFrame(second).cast({"at": pl.Datetime("ns")}).write_parquet(data / "2.parquet")
    catalog.register(str(data / "*.parquet"), name="lake.grown")
    assert catalog.dataset("lake.grown").scan().collect().to_dicts() == [
        {"id": 1, "v": 1.0, "at": at, "s": {"a": 1, "b": None}, "w": None},
        {"id": 2, "v": 2.5, "at": at, "s": {"a": 2, "b": "y"}, "w": "x"},
    ]
    assert catalog.profile("lake.grown", tier="exact").columns["v"].mean == 1.75

    pl.DataFrame({"id": [3], "more": [True]}).write_parquet(data / "3.parquet")
    names = [column.name for column in catalog.preview("lake.grown").columns]
    assert names == ["id", "v", "at", "s", "w", "more"]
    assert catalog.answer("SELECT sum(v) AS v, count(more) AS n FROM lake.grown").rows == [[3.5, 1]]

    pl.DataFrame({"id": ["three"]}).write_parquet(data / "4.parquet")
    with pytest.raises(
        Unprocessable, match=r"id has another type in 4\.parquet than in 1\.parquet"
    ):
        catalog.register(data, name="lake.other")
    for zone, file in ((None, "a"), ("UTC", "b")):
        pl.DataFrame({"at": [at]}).with_columns(
            pl.col("at").dt.replace_time_zone(zone)
        ).write_parquet(tmp_path / f"zone-{file}.parquet")
    with pytest.raises(Unprocessable, match="no type holds both"):
        catalog.register(str(tmp_path / "zone-*.parquet"), name="lake.zones")
    assert [item.name for item in catalog.list().items] == ["lake.grown"]


def test_a_delta_table_of_databricks_is_one_like_others(
    catalog: Catalog, project: Project, tmp_path: Path
) -> None:
    """Polars reads neither column mapping nor a table with checkpoints of version 2."""
    deltas.write_mapped(tmp_path / "mapped", ROWS.vstack(ROWS), deleted=[1, 3])
    catalog.register(tmp_path / "mapped", name="lake.mapped")
    left = [ROWS.row(0), ROWS.row(2), ROWS.row(1), ROWS.row(2)]
    rows = catalog.dataset("lake.mapped").scan()
    assert rows.collect().rows() == left
    assert rows.select(pl.len()).collect().item() == 4
    some = rows.filter(pl.col("id") > 1).select("word", "id").tail(2).collect()
    assert some.rows() == [("b;c", 2), (None, 3)]
    assert catalog.preview("lake.mapped", start=2, count=1).data == [[2], [1649.5], ["b;c"], ["x"]]
    assert catalog.profile("lake.mapped", tier="exact").columns["id"].mean == 9 / 4
    assert catalog.sql("SELECT sum(id) AS n FROM lake.mapped WHERE day = 'x'").item() == 9
    catalog.write(rows.select("id"), into="t.ids")
    (edge,) = (edge for edge in project.lineage.edges() if edge.output.startswith("dataset:t.ids"))
    assert edge.input.startswith("dataset:lake.mapped")

    at = ROWS.select(
        "id", pl.lit(datetime(2026, 1, 1)).dt.replace_time_zone("UTC").alias("at"), "day"
    )
    deltas.write_mapped(
        tmp_path / "far", at, deleted=[], latest={"col-1": "9999-12-31T00:00:00.000Z"}
    )
    with pytest.raises(Unprocessable, match=r"after 2262\. It has column mapping"):
        catalog.register(tmp_path / "far", name="lake.far")

    write_deltalake(tmp_path / "second", ROWS.to_arrow())
    log = tmp_path / "second" / "_delta_log" / f"{0:020}.json"
    actions = list(map(json.loads, log.read_text().splitlines()))
    (protocol,) = (action["protocol"] for action in actions if "protocol" in action)
    features = ["v2Checkpoint"]
    protocol |= {"minReaderVersion": 3, "minWriterVersion": 7}
    protocol |= {"readerFeatures": features, "writerFeatures": features}
    log.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
    catalog.register(tmp_path / "second", name="lake.second")
    assert catalog.dataset("lake.second").scan().filter(pl.col("id") > 1).collect().height == 2


def test_one_whose_files_are_gone_says_so_and_hides_no_other(
    catalog: Catalog, places: dict[str, Path]
) -> None:
    catalog.register(places["csv"], name="lake.a")
    catalog.register(places["json"], name="lake.b")
    places["csv"].unlink()
    gone, there = catalog.list().items
    assert "There is no file" in gone.description
    assert there.bytes
    with pytest.raises(NotFound, match=r"a\.csv"):
        catalog.preview("lake.a")
    places["json"].write_text('{"id": 1}\n')
    with pytest.raises(MLInfraError, match="no column"):
        catalog.preview("lake.b")


def test_all_names_of_a_file_mask_it_and_to_forget_one_needs_the_right(
    catalog: Catalog, tmp_path: Path
) -> None:
    pl.DataFrame({"mail": ["a@a"]}).write_parquet(tmp_path / "f.parquet")
    (tmp_path / "link").symlink_to(tmp_path)
    places = {"x.one": "f.parquet", "x.two": "link/f.parquet", "x.all": "*.parquet"}
    for name, place in places.items():
        catalog.register(tmp_path / place, name=name)
    catalog.tag("column:x.two.mail", add=["own"])
    catalog.tag("column:x.one.mail", add=["pii"])
    assert [catalog.preview(name).masked for name in places] == [["mail"]] * 3
    assert sorted(catalog.show("x.two").schema[0].tags) == ["own", "pii"]
    catalog.register(f"{tmp_path}/f*", name="x.later")
    assert catalog.preview("x.later").masked == ["mail"]
    with pytest.raises(Forbidden, match="not forgotten"):
        catalog.delete("x.one", reveal=False)
    catalog.delete("x.one")
    (entry,) = catalog.audit("x.one").items
    assert (entry.verb, entry.columns) == ("delete", ["mail"])
