"""Folders, and objects of the catalog's own S3 store, as sources of an ingest."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unprocessable
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
    with zipfile.ZipFile(folder / "2024" / "e.zip", "w") as packed:
        packed.writestr("e.csv", "id\n5\n")
    report = catalog.ingest([folder], into="t.a", dry_run=True)
    (note,) = [note for note in report.notes if note.startswith("Left out")]
    assert "2024/e.zip, notes.md" in note
    assert "_SUCCESS" not in note
    assert [row["id"] for row in rows("t.a")] == [1, 2, 3, 4]


def test_of_a_stream_of_spark_only_what_it_committed_counts(catalog, tmp_path: Path) -> None:
    """As Spark 4.3 writes its log: files of attempts that failed count no rows."""
    folder = tmp_path / "out"
    log = folder / "_spark_metadata"
    for made in (log, folder / "k=a"):
        made.mkdir(parents=True)
    lines = ["v1"]
    for number, action in enumerate(("add", "add", None, "add", "delete")):
        file = folder / "k=a" / f"part-{number if action != 'delete' else 3}.parquet"
        pl.DataFrame({"id": [number]}).write_parquet(file)
        if action:
            lines.append(json.dumps({"path": f"file://{file}", "size": 1, "action": action}))
    (log / "1.compact").write_text("\n".join(lines))
    (log / ".1.compact.crc").write_bytes(b"\xff")
    report = catalog.ingest([folder], into="t.a")
    assert report.rows_written == 2
    assert "not commit them: k=a/part-2.parquet, k=a/part-3.parquet." in str(report.notes)
    catalog.register(folder, name="t.b")
    assert catalog.dataset("t.b").scan().collect()["id"].to_list() == [0, 1]
    (log / "2").write_text("v1\n{")
    with pytest.raises(Unprocessable, match=r"log of a stream of Spark.*_spark_metadata"):
        catalog.ingest([folder], into="t.a")


def test_an_empty_folder_is_named(catalog, tmp_path: Path) -> None:
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


def test_files_of_a_table_are_refused_however_they_are_named(
    catalog, project: Project, tmp_path: Path, monkeypatch
) -> None:
    delta = tmp_path / "d"
    for place in (delta / "_delta_log", delta / "y"):
        place.mkdir(parents=True)
    for place in (delta, delta / "y"):
        pl.DataFrame({"id": [1]}).write_parquet(place / "part-0.parquet")
    catalog.write(pl.DataFrame({"id": [1]}), into="t.a")
    data = next(project.home.glob("warehouse/**/data"))
    monkeypatch.chdir(tmp_path)
    for named, kind in (
        (delta / "*.parquet", "a Delta"),
        ("d/*.parquet", "a Delta"),
        (delta / "y", "a Delta"),
        (delta / "y" / "part-0.parquet", "a Delta"),
        (data / "*.parquet", "an Iceberg"),
        (data, "an Iceberg"),
    ):
        for ask in (
            lambda named=named: catalog.ingest([named], into="t.b"),
            lambda named=named: catalog.inspect([named]),
            lambda named=named: catalog.register(tmp_path / named, name="t.b"),
        ):
            with pytest.raises(BadRequest, match=f"file of {kind} table.*read it"):
                ask()
    (tmp_path / "free.parquet").write_bytes((delta / "part-0.parquet").read_bytes())
    assert catalog.ingest(["free.parquet"], into="t.b").rows_written == 1


def test_a_folder_is_inspected_as_it_would_be_ingested(catalog, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "notes.md"):
        (folder / name).write_text("id\n1\n")
    found = catalog.inspect([folder])
    assert [Path(item.path).name for item in found.files] == ["a.csv", "b.csv"]
    assert (found.rows, found.whole) == (2, True)
    assert "notes.md" in found.notes[0]
    (folder / "_delta_log").mkdir()
    with pytest.raises(BadRequest, match="a Delta table"):
        catalog.inspect([folder])


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


def test_prefixes_that_are_values_are_columns_of_an_ingest(lake: Catalog, bucket) -> None:
    bucket("sales/year=2024/a.csv", "id\n1\n")
    bucket("sales/year=2025/a.csv", "id\n1\n")  # the same bytes, other rows
    lake.ingest(["s3://lake/sales/"], into="t.a")
    rows = lake.dataset("t.a").scan().sort("year").collect().to_dicts()
    assert rows == [{"id": 1, "year": 2024}, {"id": 1, "year": 2025}]
    assert lake.ingest(["s3://lake/sales"], into="t.a").rows_written == 0
    [note] = lake.inspect(["s3://lake/sales/year=2024/a.csv"]).notes
    assert "catalog ingest s3://lake/sales --into" in note
    lake.register("s3://lake/sales", name="t.place")
    assert lake.dataset("t.place").scan().sort("year").collect().to_dicts() == rows


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
    rows = io.BytesIO()
    pl.DataFrame({"id": [1]}).write_parquet(rows)
    for key in ("dl/y/part.parquet", "ice/data/z/part.parquet"):
        bucket(key, rows.getvalue())
    for url in (
        *("s3://lake/dl", "s3://lake/dl/*.csv", "s3://lake/ice"),
        *("s3://lake/dl/y/*.parquet", "s3://lake/dl/y/part.parquet", "s3://lake/ice/data"),
    ):
        with pytest.raises(BadRequest, match="table"):
            lake.ingest([url], into="t.a")


def test_an_archive_in_the_store_is_fetched_once_and_named_in_the_lineage(
    lake: Catalog, bucket, monkeypatch
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("a.csv", "id\n1\n")
        packed.writestr("b.csv", "id\n2\n")
    bucket("in/days.zip", content.getvalue())
    bucket("in/c.csv", "id\n3\n")
    assert lake.ingest(["s3://lake/in/days.zip!a.csv"], into="t.a").rows_written == 1
    report = lake.ingest(["s3://lake/in/days.zip"], into="t.a")
    assert (report.rows_written, report.skipped) == (1, ["s3://lake/in/days.zip!a.csv"])
    inputs = {edge.input for edge in lake._project.lineage.edges()}
    assert inputs == {"s3://lake/in/days.zip!a.csv", "s3://lake/in/days.zip!b.csv"}
    assert ids(lake) == [1, 2]
    seen = lake.inspect(["s3://lake/in/"], into="t.a")
    assert [item.path for item in seen.files] == ["s3://lake/in/c.csv"]
    assert "s3://lake/in/days.zip" in seen.notes[0]
    fetched = []
    monkeypatch.setattr(
        "jupyter_mlinfra.catalog.progress.Meter.passed", lambda _, n: fetched.append(n)
    )
    for url in ("s3://lake/in/days.zip", "s3://lake/in/days.zip!a.csv"):
        assert lake.ingest([url], into="t.a").rows_written == 0
    assert fetched == []


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
