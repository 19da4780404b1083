"""What a lazy frame that is written was made from: datasets, snapshots and columns, by its plan."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path

import polars as pl
import pytest
from polars import col

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project

SALES = pl.DataFrame({"id": [1, 2, 3], "price": [1.0, 2.0, 3.0], "shop": ["a", "b", "a"]})
SHOPS = pl.DataFrame({"shop": ["a", "b"], "city": ["Ulm", "Bonn"]})


@pytest.fixture
def sources(catalog: Catalog) -> Catalog:
    catalog.write(SALES, into="raw.sales")
    catalog.write(SHOPS, into="raw.shops")
    return catalog


def _edges(catalog: Catalog, name: str, column: str | None = None) -> dict[str, set[str]]:
    """Columns (`from>to`) by the input of each edge that leads to a dataset."""
    items = catalog.lineage(name, column=column).items
    return {
        edge.input: {">".join(pair) for pair in edge.columns}
        for edge in items
        if edge.output.startswith(f"dataset:{name}@")
    }


def test_a_lazy_frame_leads_to_the_snapshots_and_columns_that_it_reads(sources: Catalog) -> None:
    sales, shops = sources.dataset("raw.sales"), sources.dataset("raw.shops")
    frame = (
        sales.scan()
        .filter(col("price") > 1)
        .join(shops.scan(), on="shop")
        .group_by("city")
        .agg(total=col("price").sum(), n=pl.len())
    )
    report = sources.write(frame, into="mart.cities", inputs=["dataset:raw.sales", "file:by.hand"])
    assert not report.notes
    assert _edges(sources, "mart.cities") == {
        sales.ref: {"price>total"},
        shops.ref: {"city>city"},
        "file:by.hand": set(),
    }
    assert _edges(sources, "mart.cities", "total") == {sales.ref: {"price>total"}}
    assert _edges(sources, "mart.cities", "n") == {}
    forth = sources.lineage("raw.shops", column="city").items
    assert [(edge.output.partition("@")[0], edge.columns) for edge in forth] == [
        ("dataset:mart.cities", (("city", "city"),))
    ]


def test_the_event_has_the_facet_of_the_standard(sources: Catalog, project: Project) -> None:
    frame = sources.dataset("raw.sales").scan().select(twice=col("price") * 2, one=pl.lit(1))
    sources.write(frame, into="mart.twice")
    (path,) = (project.home / "lineage").glob("*.jsonl")
    event = json.loads(path.read_text().splitlines()[-1])
    (output,) = event["outputs"]
    ref = sources.dataset("raw.sales").ref
    told = output["facets"]["columnLineage"]["fields"]
    assert [(item["name"], item["field"]) for item in told["twice"]["inputFields"]] == [
        (ref, "price")
    ]
    assert told["one"]["inputFields"] == []
    assert [item["name"] for item in event["inputs"]] == [ref]


def test_what_python_makes_is_said_to_be_unknown_and_the_dataset_stays(sources: Catalog) -> None:
    sales = sources.dataset("raw.sales")
    frame = sales.scan().with_columns(
        odd=col("price").map_batches(lambda values: values, return_dtype=pl.Float64)
    )
    report = sources.write(frame, into="mart.odd")
    assert report.notes == ["Lineage: column odd is not traced: a Python function makes it"]
    assert _edges(sources, "mart.odd") == {sales.ref: {"id>id", "price>price", "shop>shop"}}
    # of the unknown column: the dataset, of which nobody knows the column
    assert _edges(sources, "mart.odd", "odd") == {sales.ref: set()}
    whole = sources.write(sales.scan().map_batches(lambda rows: rows), into="mart.whole")
    assert whole.notes == [
        "Lineage: columns id, price, shop are not traced: a Python function makes it"
    ]
    assert _edges(sources, "mart.whole", "id") == {sales.ref: set()}


def test_an_earlier_snapshot_is_told_from_the_newest(sources: Catalog) -> None:
    first = sources.dataset("raw.sales")
    old = first.snapshot
    sources.write(SALES, into="raw.sales")
    newest = sources.dataset("raw.sales")
    assert newest.snapshot != old
    sources.write(newest.scan(snapshot=old).select("id"), into="mart.old")
    sources.write(newest.scan().select("id"), into="mart.new")
    assert [*_edges(sources, "mart.old")] == [f"dataset:raw.sales@{old}"]
    assert [*_edges(sources, "mart.new")] == [f"dataset:raw.sales@{newest.snapshot}"]
    both = newest.scan().join(newest.scan(snapshot=old), on="id", suffix="_old")
    sources.write(both, into="mart.both")
    assert _edges(sources, "mart.both") == {
        f"dataset:raw.sales@{newest.snapshot}": {"id>id", "price>price", "shop>shop"},
        f"dataset:raw.sales@{old}": {"price>price_old", "shop>shop_old"},
    }


def test_datasets_of_several_files_and_with_changed_columns(sources: Catalog) -> None:
    sources.write(SALES.with_columns(tip=pl.lit(0.5)), into="raw.sales", mode="append")
    sales = sources.dataset("raw.sales")
    sources.write(sales.scan().select(all=col("price") + col("tip")), into="mart.all")
    assert _edges(sources, "mart.all") == {sales.ref: {"price>all", "tip>all"}}


def test_files_and_tables_in_place_are_known_too(sources: Catalog, tmp_path: Path) -> None:
    SALES.write_parquet(tmp_path / "s.parquet")
    SHOPS.write_csv(tmp_path / "shops.csv")
    sources.register(tmp_path / "s.parquet", name="lake.sales")
    sources.register(tmp_path / "shops.csv", name="lake.shops")
    frames = [sources.dataset(f"lake.{name}").scan() for name in ("sales", "shops")]
    sources.write(frames[0].join(frames[1], on="shop").select("id", "city"), into="mart.lake")
    assert _edges(sources, "mart.lake") == {
        "dataset:lake.sales": {"id>id"},
        "dataset:lake.shops": {"city>city"},
    }
    other = tmp_path / "other.parquet"
    SALES.write_parquet(other)
    sources.write(pl.scan_parquet(other).select("id"), into="mart.other")
    assert _edges(sources, "mart.other") == {f"file:{other}": {"id>id"}}


def test_a_frame_in_memory_has_no_lineage_and_a_failing_plan_costs_no_write(
    sources: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = sources.write(sources.dataset("raw.sales").scan().collect(), into="mart.eager")
    assert (report.notes, _edges(sources, "mart.eager")) == ([], {})

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("jupyter_mlinfra.core.lineage.plans.traced", broken)
    report = sources.write(sources.dataset("raw.sales").scan(), into="mart.lazy")
    assert (report.rows_written, _edges(sources, "mart.lazy")) == (3, {})
    assert "plan could not be read" in report.notes[0]


def test_where_no_plan_can_be_read_all_may_be_personal_data(
    sources: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.core.lineage.plans._VERSION", 99)
    scan = sources.dataset("raw.sales").scan().select("id", "shop")
    (note,) = sources.write(scan, into="mart.before").notes
    assert note == ("Lineage: columns id, shop are not traced: this version of Polars is not known")
    sources.tag("column:raw.shops.city", add=["pii"])
    report = sources.write(scan, into="mart.after")
    assert report.notes[1].startswith("Tagged pii: columns id, shop are made, or may be")
    for name, masked in (("mart.before", False), ("mart.after", True)):
        assert [tags == ["pii"] for item in sources.show(name).schema for tags in [item.tags]] == [
            masked
        ] * 2
    assert sources.write(SALES.lazy(), into="mart.memory", mode="replace").notes
    monkeypatch.undo()
    assert not sources.write(SALES.lazy(), into="mart.memory", mode="replace").notes


def test_a_dataset_of_another_project_is_named_by_its_folder(
    sources: Catalog, project: Project, tmp_path: Path
) -> None:
    root = tmp_path / "other"
    root.mkdir()
    (root / "mlinfra.toml").write_text('[project]\nname = "other"\n')
    there = Project.open(root)
    other = Catalog(there)
    other.write(SALES, into="raw.sales")
    sources.write(other.dataset("raw.sales").scan().select("id"), into="mart.theirs")
    there.database.close()
    (edge,) = _edges(sources, "mart.theirs")
    assert edge.startswith(str(root))
    assert edge.endswith("raw/sales")


def test_columns_made_of_personal_data_are_tagged_by_the_commit(sources: Catalog) -> None:
    sources.tag("column:raw.sales.shop", add=["pii"])
    scan = sources.dataset("raw.sales").scan()
    frame = scan.select(
        "id",
        where=col("shop").str.to_uppercase(),
        odd=col("price").map_elements(lambda value: value, return_dtype=pl.Float64),
    )
    report = sources.write(frame, into="mart.sales")
    assert any(note.startswith("Tagged pii:") and "where" in note for note in report.notes)
    tagged = {item.name: list(item.tags) for item in sources.show("mart.sales").schema}
    assert (tagged["id"], tagged["where"]) == ([], ["pii"])
    assert sources.preview("mart.sales").data[1] == ["•••"] * 3
    once = sources.write(scan.select("shop"), into="mart.shops", once="first")
    assert once.rows_written == 3
    assert sources.preview("mart.shops").data == [["•••"] * 3]
    plain = sources.write(scan.select("id"), into="mart.ids")
    assert not plain.notes


def test_what_is_noted_of_scans_keeps_no_catalog_open(project: Project) -> None:
    catalog = Catalog(project)
    catalog.write(SALES, into="raw.sales")
    catalog.dataset("raw.sales").scan().collect()
    catalog.sql("SELECT * FROM raw.sales")

    def opened() -> list[str]:
        handles = Path("/proc/self/fd").iterdir()
        paths = [os.readlink(handle) for handle in handles if handle.is_symlink()]
        return [path for path in paths if path.startswith(f"{project.home}/catalog.db")]

    assert opened()
    del catalog
    gc.collect()
    assert not opened()
