"""The dataset that a notebook holds."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound


@pytest.fixture
def table(catalog):
    catalog.write(
        pl.DataFrame({"id": [1, 2], "<b>col</b>": ["<script>alert(1)</script>", None]}), into="t.a"
    )
    catalog.tag("t.a", add=["<i>tag</i>"])
    catalog.describe("t.a", owner="<u>ana</u>")
    return catalog.dataset("dataset:t.a")


def test_a_pandas_frame_is_written_without_its_index(catalog):
    rows = pl.DataFrame({"n": [1, 2], "word": ["x", None]})
    assert catalog.write(rows.to_pandas().set_index("n", drop=False), into="t.p").rows_written == 2
    assert catalog.dataset("t.p").scan().collect().equals(rows)
    with pytest.raises(BadRequest, match="dict is not a frame"):
        catalog.write({"n": [1]}, into="t.p")


def test_it_reads_one_state_however_long_the_notebook_runs(catalog, table):
    before = table.snapshot
    later = catalog.write(pl.DataFrame({"id": [3], "<b>col</b>": ["x"]}), into="t.a").snapshot
    assert table.scan().collect().height == 2
    assert table.snapshot == before
    assert table.ref == f"dataset:t.a@{before}"
    assert catalog.dataset("t.a").scan().collect().height == 3
    assert table.scan(snapshot=later).collect().height == 3
    assert table.scan(int(later)).collect().height == 3
    assert catalog.dataset(f"t.a@{before}").snapshot == before
    with pytest.raises(NotFound):
        table.scan("123")
    with pytest.raises(BadRequest):
        table.scan("not a number")


def test_it_gives_schema_rows_and_profile(table):
    assert table.name == "t.a"
    assert table.schema == {"id": pl.Int64(), "<b>col</b>": pl.String()}
    assert table.head(1)["id"].to_list() == [1]
    assert table.profile("footer").columns["id"].max == 2
    assert table.preview(count=1).shown == 1
    assert "2 rows" in repr(table)


def test_its_card_is_plain_where_the_extension_is_missing_and_holds_no_markup_of_the_data(table):
    bundle = table._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.mlinfra.v1+json"}
    for part in ("<script", "<b>col", "<i>tag", "<u>ana"):
        assert part not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "t.a" in bundle["text/plain"]
    live = bundle["application/vnd.mlinfra.v1+json"]
    assert (live["ref"], live["kind"], live["record"]["dataset"]["name"]) == (
        table.ref,
        "dataset",
        "t.a",
    )
    assert re.fullmatch(r"[\d.]+ k?B", live["facts"]["size"])
    json.dumps(bundle, allow_nan=False)


def test_an_empty_dataset_has_a_card_too(catalog):
    catalog.write(pl.DataFrame({"n": []}, schema={"n": pl.Int64}), into="t.empty")
    assert "t.empty" in catalog.dataset("t.empty")._repr_mimebundle_()["text/plain"]
