"""Folders, and objects of the catalog's own S3 store, as sources of an ingest."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project


def test_a_folder_means_its_files(catalog, tmp_path: Path, rows) -> None:
    folder = tmp_path / "orders"
    (folder / "2024").mkdir(parents=True)
    (folder / "a.csv").write_text("id\n1\n")
    (folder / "2024" / "b.csv").write_text("id\n2\n")
    pl.DataFrame({"id": [3]}).write_parquet(folder / "c.parquet")
    for name in ("_SUCCESS", ".hidden.csv", "notes.md"):
        (folder / name).write_text("id\n9\n")
    assert catalog.ingest([folder], into="t.a").rows_written == 3
    (folder / "d.csv").write_text("id\n4\n")
    report = catalog.ingest([folder], into="t.a")
    assert (report.rows_written, len(report.skipped)) == (1, 3)
    assert [row["id"] for row in rows("t.a")] == [1, 2, 3, 4]


def test_folders_that_are_values_of_a_column_are_refused(catalog, tmp_path: Path) -> None:
    place = tmp_path / "sales" / "year=2024"
    place.mkdir(parents=True)
    (place / "a.csv").write_text("id\n1\n")
    with pytest.raises(BadRequest, match="divided by 'year'"):
        catalog.ingest([tmp_path / "sales"], into="t.a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="no files"):
        catalog.ingest([tmp_path / "empty"], into="t.a")


def test_the_folder_of_a_table_is_refused_for_its_dead_files(catalog, tmp_path: Path) -> None:
    delta, iceberg = tmp_path / "d" / "orders", tmp_path / "i"
    for place in (delta / "_delta_log", iceberg / "metadata"):
        place.mkdir(parents=True)
    (delta / "_delta_log" / "00000000000000000000.json").write_text("{}")
    (iceberg / "metadata" / "00000-a.metadata.json").write_text("{}")
    for place in (delta, iceberg):
        pl.DataFrame({"id": [1]}).write_parquet(place / "part-0.parquet")
    for place, kind in ((delta, "a Delta"), (tmp_path / "d", "a Delta"), (iceberg, "an Iceberg")):
        with pytest.raises(BadRequest, match=f"{kind} table.*catalog register"):
            catalog.ingest([place], into="t.a")


@pytest.fixture
def lake(project: Project, s3: str) -> Catalog:
    """A local warehouse: only the keys of the store are set."""
    (project.root / "mlinfra.toml").write_text(f"[catalog.properties]\n{s3}")
    return Catalog(Project.open(project.root))


@pytest.fixture
def bucket(lake: Catalog) -> Any:
    """Puts an object into the store behind the lake."""
    import boto3

    endpoint = lake._store.iceberg.properties["s3.endpoint"]
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="k",
        aws_secret_access_key="canary-77",
        region_name="us-east-1",
    )
    return lambda key, text: client.put_object(
        Bucket="lake", Key=key, Body=text if isinstance(text, bytes) else text.encode()
    )


def ids(lake: Catalog) -> list[int]:
    return sorted(lake.dataset("t.a").scan().collect()["id"].to_list())


def test_objects_of_a_prefix_come_in_once_from_the_catalogs_store(
    lake: Catalog, elsewhere: list[str], bucket
) -> None:
    bucket("in/a.csv", "id\n1\n")
    bucket("in/deep/b.csv", "id\n2\n")
    bucket("in/_SUCCESS", "x")
    assert lake.ingest(["s3://lake/in/"], into="t.a").rows_written == 2
    bucket("in/c.csv", "id\n3\n")
    report = lake.ingest(["s3://lake/in"], into="t.a")
    assert report.rows_written == 1
    assert sorted(report.skipped) == ["s3://lake/in/a.csv", "s3://lake/in/deep/b.csv"]
    assert ids(lake) == [1, 2, 3]
    inputs = {edge.input for edge in lake._project.lineage.edges()}
    assert "s3://lake/in/c.csv" in inputs
    bucket("in/c.csv", "id\n4\n")  # other content is new
    assert lake.ingest(["s3://lake/in/*.csv"], into="t.a").rows_written == 1
    assert ids(lake) == [1, 2, 3, 4]
    assert lake.ingest(["s3://lake/in/a.csv"], into="t.a").rows_written == 0
    assert lake.ingest(["s3://lake/in/a.csv"], into="t.a", again=True).rows_written == 1
    with pytest.raises(NotFound, match="No object matches s3://lake/nowhere"):
        lake.ingest(["s3://lake/nowhere"], into="t.a")
    assert elsewhere == []
    assert not list((lake._project.home / "staging").iterdir())


def test_a_copy_of_a_file_that_is_in_the_dataset_is_known_by_its_content(
    lake: Catalog, bucket, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    lake.ingest([tmp_path / "a.csv"], into="t.a")
    bucket("in/copy.csv", "id\n1\n")
    report = lake.ingest(["s3://lake/in/copy.csv"], into="t.a")
    assert (report.rows_written, list(report.skipped)) == (0, ["s3://lake/in/copy.csv"])


def test_the_prefix_of_a_table_is_refused_for_its_dead_files(lake: Catalog, bucket) -> None:
    for key in (
        "dl/a.csv",
        "dl/_delta_log/0.json",
        "ice/data/a.csv",
        "ice/metadata/0.metadata.json",
    ):
        bucket(key, "id\n1\n")
    for url in ("s3://lake/dl", "s3://lake/dl/*.csv", "s3://lake/ice"):
        with pytest.raises(BadRequest, match="table"):
            lake.ingest([url], into="t.a")


def test_each_sheet_of_a_workbook_in_the_store_comes_in(lake: Catalog, bucket) -> None:
    book = openpyxl.Workbook()
    for sheet, number in ((book.active, 1), (book.create_sheet("Feb"), 2)):
        for row in (["id"], [number]):
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    bucket("in/book.xlsx", content.getvalue())
    for reading in ({}, {"sheet": "Feb"}, {"sheet": "Feb"}):
        lake.ingest(["s3://lake/in/book.xlsx"], into="t.a", **reading)
    assert ids(lake) == [1, 2]
