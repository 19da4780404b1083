"""Lists, pages, previews, snapshots, tags, search, lineage: what the panels show."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import types
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

import jupyter_mlinfra
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json


@pytest.fixture
def orders(catalog, tmp_path):
    """10,000 orders in three files, and the same in Parquet for the oracle."""
    frame = pl.DataFrame({"id": range(10_000)}).with_columns(
        (pl.col("id") * 7 % 13).alias("part"), pl.format("w{}", pl.col("id") % 50).alias("word")
    )
    for start in (0, 4000, 8000):
        catalog.write(frame.slice(start, 4000), into="sales.orders")
    frame.write_parquet(tmp_path / "orders.parquet")
    return tmp_path / "orders.parquet"


def test_pages_cover_every_row_once(catalog, orders):
    seen = []
    for start in range(0, 10_000, 500):
        block = catalog.preview("sales.orders", start=start, count=500)
        assert (block.start, block.shown, block.total) == (start, 500, 10_000)
        seen += list(zip(*block.data, strict=True))
    assert sorted(seen) == duckdb.sql(f"SELECT * FROM '{orders}' ORDER BY id").fetchall()
    assert catalog.preview("sales.orders", start=9_990, count=100).shown == 10
    assert catalog.preview("sales.orders", start=10_000, count=1).shown == 0


def test_a_page_holds_the_columns_that_are_asked_for(catalog, orders):
    block = catalog.preview("sales.orders", count=2, columns=["word", "id"])
    assert [(column.name, column.type) for column in block.columns] == [
        ("word", "str"),
        ("id", "i64"),
    ]
    assert len(block.data) == 2
    for bad in ({"columns": ["nope"]}, {"start": -1}, {"count": 0}, {"count": 501}):
        with pytest.raises(BadRequest) as caught:
            catalog.preview("sales.orders", **bad)
        assert caught.value.fix


def test_a_page_is_of_one_commit_while_others_write(catalog, project, monkeypatch):
    """A commit just before the table is opened, and one just after: each adds a row and a
    column.
    """
    from jupyter_mlinfra.catalog.store import CatalogStore

    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    other, real = Catalog(project), CatalogStore.load

    def load(self, name):
        monkeypatch.setattr(CatalogStore, "load", real)
        other.write(pl.DataFrame({"n": [2], "before": ["x"]}), into="t.a")
        found = real(self, name)
        other.write(pl.DataFrame({"n": [3], "before": ["y"], "after": ["z"]}), into="t.a")
        return found

    catalog.show("t.a")
    monkeypatch.setattr(CatalogStore, "load", load)
    block = catalog.preview("t.a")
    assert ([column.name for column in block.columns], block.shown, block.total) == (
        ["n", "before"],
        2,
        2,
    )
    assert block.snapshot == catalog.snapshots("t.a").items[1].id


def test_a_snapshot_has_one_order_of_rows_the_newest_commit_first(catalog):
    for start in (0, 10, 20):
        last = catalog.write(pl.DataFrame({"n": [start, start + 1]}), into="t.a").snapshot
    assert catalog.preview("t.a").data == [[20, 21, 10, 11, 0, 1]]
    catalog.write(pl.DataFrame({"n": [30]}), into="t.a")
    assert catalog.preview(f"t.a@{last}").data == [[20, 21, 10, 11, 0, 1]]
    assert catalog.preview(f"t.a@{last}", start=2, count=2).data == [[10, 11]]


def _change_columns(catalog):
    """What another engine does: new columns, and no rows."""
    with catalog._store.iceberg.load_table(("t", "a")).update_schema() as update:
        update.rename_column("old", "new")


def test_columns_that_changed_without_rows_are_those_of_the_rows_that_are_shown(catalog):
    first = catalog.write(pl.DataFrame({"old": [1]}), into="t.a").snapshot
    _change_columns(catalog)
    names = lambda block: [column.name for column in block.columns]  # noqa: E731
    assert (
        names(catalog.preview("t.a"))
        == ["new"]
        == [column.name for column in catalog.show("t.a").schema]
    )
    assert (
        names(catalog.preview(f"t.a@{first}"))
        == ["old"]
        == [column.name for column in catalog.show(f"t.a@{first}").schema]
    )
    assert list(catalog.profile("t.a", tier="exact").columns) == ["new"]
    assert "old" not in catalog.dataset("t.a")._repr_mimebundle_()["text/plain"]


def test_a_snapshot_that_tells_no_count_is_shown_all_the_same(catalog, project, monkeypatch):
    """The summary of a snapshot is the writing engine's affair."""
    from pyiceberg.table.snapshots import Summary

    told = Summary.__init__
    monkeypatch.setattr(
        Summary,
        "__init__",
        lambda self, *rest, **named: told(
            self, *rest, **{key: value for key, value in named.items() if key != "total-records"}
        ),
    )
    catalog.write(pl.DataFrame({"n": [1, 2, 3]}), into="t.a")
    monkeypatch.undo()
    assert catalog.show("t.a").dataset.rows.value is None
    assert (catalog.preview("t.a", count=2).shown, catalog.preview("t.a", count=2).total) == (2, 3)
    assert [hit.detail for hit in catalog.search("t.a").items if hit.kind == "dataset"] == [
        "– rows, 1 columns"
    ]
    assert "– rows" in repr(catalog.dataset("t.a"))


def test_values_are_safe_for_json_and_for_javascript(catalog):
    values = {
        "big": [2**60],
        "fits": [2**53],
        "nan": [float("nan")],
        "inf": [float("-inf")],
        "long": ["x" * 5000],
        "bytes": [b"\xff" * 40],
        "many": [list(range(80))],
        "at": [datetime(2013, 1, 1, tzinfo=UTC)],
        "html": ["<img src=x onerror=alert(1)>"],
        "inner": [{"a": [1, None]}],
    }
    catalog.write(pl.DataFrame(values), into="t.a")
    block = catalog.preview("t.a")
    result = dict(
        zip(
            (column.name for column in block.columns),
            (
                column[0]
                for column in json.loads(json.dumps(to_json(block), allow_nan=False))["data"]
            ),
            strict=True,
        )
    )
    assert (result["big"], result["fits"], result["nan"], result["inf"]) == (
        str(2**60),
        2**53,
        "nan",
        "-inf",
    )
    assert result["long"] == "x" * 1000 + "… (5,000 characters)"
    assert result["bytes"] == "0x" + "ff" * 32 + "… (40 bytes)"
    assert result["many"][-1] == "… (80 items)"
    assert (result["at"], result["html"], result["inner"]) == (
        "2013-01-01T00:00:00Z",
        "<img src=x onerror=alert(1)>",
        {"a": [1, None]},
    )


def test_snapshots_are_listed_newest_first_and_can_be_read(catalog, orders):
    page = catalog.snapshots("sales.orders", limit=2)
    assert (page.shown, page.total) == (2, 3)
    assert [
        item.rows.value
        for item in [
            *page.items,
            *catalog.snapshots("sales.orders", limit=2, cursor=page.cursor).items,
        ]
    ] == [10_000, 8000, 4000]
    newest, middle = page.items
    assert (newest.parent, newest.added, newest.removed, newest.operation, newest.written_by) == (
        middle.id,
        2000,
        0,
        "append",
        "user:ana",
    )
    assert catalog.preview("sales.orders", snapshot=middle.id).total == 8000
    assert catalog.preview(f"sales.orders@{middle.id}", start=7_999).shown == 1
    detail = catalog.show(f"sales.orders@{middle.id}")
    assert (detail.newer, detail.snapshots, detail.dataset.rows.value) == (1, 3, 8000)
    for verb in (
        lambda: catalog.preview("sales.orders", snapshot="123"),
        lambda: catalog.show("sales.orders@123"),
        lambda: catalog.dataset("sales.orders@123"),
    ):
        with pytest.raises(NotFound, match="no snapshot 123"):
            verb()


def test_lists_are_paged_by_name_and_namespace(catalog):
    for name in ("b.two", "a.one", "b.one"):
        catalog.write(pl.DataFrame({"n": [1, 2]}), into=name)
    page = catalog.list(limit=2)
    assert [item.name for item in page.items] == ["a.one", "b.one"]
    assert (
        page.total,
        [item.name for item in catalog.list(limit=2, cursor=page.cursor).items],
    ) == (3, ["b.two"])
    assert [item.name for item in catalog.list(namespace="b").items] == ["b.one", "b.two"]
    assert catalog.list(namespace="none").total == 0
    assert [(item.name, item.datasets) for item in catalog.namespaces().items] == [
        ("a", 1),
        ("b", 2),
    ]
    assert [item.name for item in catalog.namespaces(limit=1, cursor="1").items] == ["b"]
    one = page.items[0]
    assert (one.ref, one.rows.value, one.rows.basis, one.columns, one.owner, one.namespace) == (
        "dataset:a.one",
        2,
        "exact",
        1,
        "ana",
        "a",
    )
    assert one.bytes > 0
    assert abs((one.updated_at - datetime.now(UTC)).total_seconds()) < 60
    with pytest.raises(BadRequest):
        catalog.list(limit=501)


def test_a_fresh_project_lists_nothing_and_makes_no_file(catalog, project):
    assert catalog.list().items == []
    assert catalog.namespaces().items == []
    assert not (project.home / "catalog.db").exists()


def test_half_of_a_character_is_refused_as_an_owner_and_a_description(catalog):
    catalog.write(pl.DataFrame({"id": [1]}), into="t.half")
    for words in ({"owner": "ana \ud83d"}, {"description": "\udc00"}):
        with pytest.raises(BadRequest, match="half of a character"):
            catalog.describe("t.half", **words)
    assert catalog.describe("t.half", owner="ana 😀").owner == "ana 😀"


def test_tags_owner_and_description_are_kept_with_the_table(catalog, project):
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    assert catalog.tag("t.a", add=["gold", "pii"]).tags == ["gold", "pii"]
    assert catalog.tag("t.a", add=["gold", "new"], remove=["pii", "never"]).tags == ["gold", "new"]
    catalog.describe("t.a", owner="bob", description="Every <b>order</b>")
    dataset = Catalog(project).show("t.a").dataset
    assert (dataset.owner, dataset.description, dataset.tags) == (
        "bob",
        "Every <b>order</b>",
        ["gold", "new"],
    )
    catalog.describe("t.a", description="")
    assert catalog.show("t.a").dataset.owner == "bob"
    assert catalog.snapshots("t.a").total == 1  # rows did not change
    for bad in ("", " ", "x" * 101, "a\nb"):
        with pytest.raises(BadRequest, match="cannot be a tag"):
            catalog.tag("t.a", add=[bad])


def test_search_finds_datasets_and_columns_by_any_word_and_follows_changes(catalog):
    catalog.write(pl.DataFrame({"dep_delay": [1], "carrier": ["UA"]}), into="flights.departures")
    assert [(hit.ref, hit.kind) for hit in catalog.search("dep_del").items] == [
        ("column:flights.departures.dep_delay", "column"),
        ("dataset:flights.departures", "dataset"),
    ]
    assert catalog.search("champion").total == 0
    catalog.tag("flights.departures", add=["champion"])
    assert [hit.ref for hit in catalog.search("champion").items] == ["dataset:flights.departures"]
    catalog.write(
        pl.DataFrame({"dep_delay": [1], "carrier": ["UA"], "later": [1]}), into="flights.departures"
    )
    assert catalog.search("later").total == 2
    assert catalog.search("'\" OR 1=1 --").total == 0


def test_the_fingerprint_changes_with_a_commit_and_only_then(catalog):
    assert catalog.fingerprint("t.a") is None
    first = catalog.write(pl.DataFrame({"n": [1]}), into="t.a").snapshot
    assert catalog.fingerprint("t.a") == first
    catalog.tag("t.a", add=["x"])
    catalog.write(pl.DataFrame({"n": [1]}), into="t.b")
    assert catalog.fingerprint("t.a") == first
    assert (
        catalog.fingerprint("t.a")
        != catalog.write(pl.DataFrame({"n": [1]}), into="t.a").snapshot
        is not None
    )
    before = catalog.search_fingerprint()
    assert catalog.search_fingerprint() == before
    catalog.tag("t.a", add=["y"])
    assert catalog.search_fingerprint() != before


def test_an_ingest_is_told_as_event_and_as_lineage(catalog, project, file, monkeypatch):
    monkeypatch.setenv("MLINFRA_JOB", "7f3a")
    path = project.root / "raw.csv"
    path.write_text("n\n1\n")
    first = catalog.ingest([path], into="t.raw")
    monkeypatch.delenv("MLINFRA_JOB")
    monkeypatch.setenv("JPY_SESSION_NAME", str(project.root / "02_clean.ipynb"))
    second = catalog.write(pl.DataFrame({"n": [1]}), into="t.clean", inputs=["dataset:t.raw"])
    edges = [(edge.input, edge.output, edge.job) for edge in catalog.lineage("t.clean").items]
    assert edges == [
        ("dataset:t.raw", f"dataset:t.clean@{second.snapshot}", "notebook:02_clean.ipynb"),
        ("file:raw.csv", f"dataset:t.raw@{first.snapshot}", "job:7f3a"),
    ]
    assert [catalog.snapshots(name).items[0].written_by for name in ("t.raw", "t.clean")] == [
        "job:7f3a",
        "notebook:02_clean.ipynb",
    ]
    events = project.events.after(0)
    assert [(event.topic, event.ref, event.data["rows"]) for event in events] == [
        ("dataset", "dataset:t.raw", 1),
        ("dataset", "dataset:t.clean", 1),
    ]
    assert events[0].data["snapshot"] == first.snapshot


def test_the_cell_that_writes_is_named_inside_of_a_kernel(catalog, project, monkeypatch):
    shell = types.SimpleNamespace(
        get_parent=lambda: {"metadata": {"cellId": "c0ffee"}}, execution_count=7
    )
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setenv("JPY_SESSION_NAME", str(project.root / "deep" / "a.ipynb"))
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    shell.get_parent = dict
    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")
    assert [item.written_by for item in catalog.snapshots("t.a").items] == [
        "notebook:deep/a.ipynb#In[7]",
        "notebook:deep/a.ipynb#c0ffee",
    ]


def test_columns_say_what_uses_them(catalog, project):
    catalog.write(pl.DataFrame({"delay": [1], "carrier": ["UA"]}), into="t.a")
    project.lineage.record(
        "job:1", inputs=["dataset:t.a@5"], outputs=["view:delays", "feature:delays:delay"]
    )
    project.lineage.record(
        "job:2", inputs=["column:t.a.carrier"], outputs=["feature:delays:who", "run:9c1e"]
    )
    assert {column.name: column.used_by for column in catalog.show("t.a").schema} == {
        "delay": (),  # of this column nothing is said
        "carrier": ("feature:delays:who", "run:9c1e"),
    }


def test_columns_say_which_columns_were_made_of_them(catalog: Catalog, project: Project) -> None:
    catalog.write(pl.DataFrame({"delay": [1], "carrier": ["UA"]}), into="t.a")
    late = catalog.dataset("t.a").scan().select(pl.col("carrier").alias("who"), late="delay")
    catalog.write(late, into="t.b")
    catalog.write(late, into="t.gone")
    catalog.delete("t.gone")
    same = catalog.dataset("t.a").scan().collect()
    catalog.write(same, into="t.a", inputs=["dataset:t.a"])
    source = "dataset:t.a"
    project.lineage.record(
        "features.apply",
        inputs=[source],
        outputs=["view:delays"],
        columns={"mean_delay": [(source, "delay")]},
    )
    assert {column.name: column.used_by for column in catalog.show("t.a").schema} == {
        "delay": ("column:t.b.late", "feature:delays:mean_delay"),
        "carrier": ("column:t.b.who",),
    }


def test_the_code_of_a_dataset_runs_as_inserted(catalog, project, orders):
    for name in ("sales.orders", "sales.class", "sales.two-words", "sales.ml", "sales.print"):
        catalog.write(pl.DataFrame({"n": [1]}), into=name) if name != "sales.orders" else None
        code = catalog.show(name).code
        names: dict[str, object] = {}
        exec(code["python"], names)
        assert any(isinstance(value, pl.LazyFrame) for value in names.values())
        assert names["ml"] is jupyter_mlinfra
        assert names.get("print", print) is print
        assert catalog.sql(code["sql"]).height == min(100, catalog.show(name).dataset.rows.value)
        assert name in code["magic"]
        assert name in code["cli"]


def test_lists_pages_of_datasets_and_search_load_no_heavy_library(project, catalog, orders):
    code = f"""
import sys
from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
catalog = Catalog(Project.open({str(project.root)!r}))
catalog.list(), catalog.show("sales.orders"), catalog.snapshots("sales.orders")
catalog.search("word"), catalog.fingerprint("sales.orders")
print(*sys.modules)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"polars", "pyarrow", "pyiceberg", "sqlalchemy", "pandas"} & set(
        process.stdout.split()
    )


def test_of_all_metadata_of_a_table_only_the_newest_stays_in_memory(catalog):
    """Each commit writes again all that came before it: kept together, they would grow with the
    square of the commits.
    """
    for count in range(5):
        catalog.write(pl.DataFrame({"n": [count]}), into="t.a")
        assert catalog.show("t.a").dataset.rows.value == count + 1
    gc.collect()
    place = str(catalog.show("t.a").location)
    held = [
        item
        for item in gc.get_objects()
        if type(item) is dict and "current-snapshot-id" in item and item.get("location") == place
    ]
    assert [len(item["snapshots"]) for item in held] == [5]
