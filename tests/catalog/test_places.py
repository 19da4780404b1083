"""Folders, and objects of the catalog's own S3 store, as sources of an ingest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    return lambda key, text: client.put_object(Bucket="lake", Key=key, Body=text.encode())


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
