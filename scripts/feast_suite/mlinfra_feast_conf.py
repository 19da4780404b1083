"""Feast's tests ask this module which offline stores there are: the one store over the one kind of
source that the environment names.

MLINFRA_FEAST_STORE: polars (ours), dask or duckdb (Feast's). MLINFRA_FEAST_SOURCE: parquet, delta,
iceberg or dataset (of our catalog).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from feast.data_source import DataSource
from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
from tests.universal.feature_repos.universal.data_sources.file import (
    DeltaFileSourceCreator,
    FileDataSourceCreator,
)

STORES = {
    "polars": "jupyter_mlinfra.features.PolarsOfflineStore",
    "dask": "dask",
    "duckdb": "duckdb",
}
STORE = STORES[os.environ["MLINFRA_FEAST_STORE"]]


class StoreOptions:
    """The options of the store, for any creator of sources."""

    def create_offline_store_config(self) -> Any:
        from feast.repo_config import get_offline_config_from_type

        return get_offline_config_from_type(STORE)()


class Folder(FileDataSourceCreator):
    """Saved datasets and logs are Parquet files, as with Feast's own creators; the tables are in a
    folder of their own.
    """

    def __init__(self, project_name: str, *_: Any, **__: Any) -> None:
        super().__init__(project_name)
        self.folder = Path(tempfile.mkdtemp(prefix="mlinfra_feast_"))
        self.tables = 0

    def free_name(self, wanted: str) -> str:
        """The name of a further table: some tests make two of one name."""
        self.tables += 1
        return re.sub(r"\W", "_", f"{wanted}_{self.tables}").lower()

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder, ignore_errors=True)


class Parquet(StoreOptions, FileDataSourceCreator):
    """Feast's own Parquet files."""


class Delta(StoreOptions, DeltaFileSourceCreator):
    """Feast's own Delta tables."""


class Iceberg(StoreOptions, Folder):
    """Tables of a catalog in a SQLite file, as Feast's IcebergSource."""

    def create_data_source(
        self,
        df: pd.DataFrame,
        destination_name: str,
        created_timestamp_column: str | None = "created_ts",
        field_mapping: dict[str, str] | None = None,
        timestamp_field: str | None = "ts",
    ) -> DataSource:
        """Write the frame as one table."""
        properties = {"uri": f"sqlite:///{self.folder}/catalog.db"}
        source = IcebergSource(
            catalog_type="sql",
            catalog_name="suite",
            catalog_properties=properties,
            warehouse=str(self.folder),
            namespace="feast",
            table=self.free_name(destination_name),
            timestamp_field=timestamp_field,
            created_timestamp_column=created_timestamp_column,
            field_mapping=field_mapping or {"ts_1": "ts"},
        )
        catalog = source.get_catalog_client()
        catalog.create_namespace_if_not_exists("feast")
        rows = _rows(df)
        identifier = ("feast", source.iceberg_table)
        catalog.create_table(identifier, schema=rows.schema).append(rows)
        return source


class Dataset(StoreOptions, Folder):
    """Datasets of the catalog of a project, read from a repository that is in no project."""

    def create_data_source(
        self,
        df: pd.DataFrame,
        destination_name: str,
        created_timestamp_column: str | None = "created_ts",
        field_mapping: dict[str, str] | None = None,
        timestamp_field: str | None = "ts",
    ) -> DataSource:
        """Write the frame as one dataset."""
        import polars as pl

        from jupyter_mlinfra.catalog import Catalog
        from jupyter_mlinfra.core.project import Project
        from jupyter_mlinfra.features import DatasetSource

        (self.folder / "mlinfra.toml").touch()
        dataset = f"feast.{self.free_name(destination_name)}"
        frame = pl.DataFrame(pl.from_arrow(_rows(df)))
        Catalog(Project.open(self.folder)).write(frame, into=dataset)
        return DatasetSource(
            dataset=dataset,
            project=str(self.folder),
            timestamp_field=timestamp_field or "",
            created_timestamp_column=created_timestamp_column,
            field_mapping=field_mapping or {"ts_1": "ts"},
        )

    def create_saved_dataset_destination(self) -> Any:
        """A dataset, too."""
        from jupyter_mlinfra.features import DatasetStorage

        return DatasetStorage(dataset="feast.saved", project=str(self.folder))

    def create_logged_features_destination(self) -> Any:
        """A dataset, too."""
        from jupyter_mlinfra.features import DatasetLoggingDestination

        return DatasetLoggingDestination(dataset="feast.logged", project=str(self.folder))


CREATORS = {"parquet": Parquet, "delta": Delta, "iceberg": Iceberg, "dataset": Dataset}
CREATOR = CREATORS[os.environ["MLINFRA_FEAST_SOURCE"]]
AVAILABLE_OFFLINE_STORES = [("local", CREATOR)]
AVAILABLE_ONLINE_STORES = {"sqlite": ({"type": "sqlite"}, None)}


def _rows(df: pd.DataFrame) -> pa.Table:
    """The frame with times in microseconds, the finest that Iceberg 2 keeps, at any depth."""
    table = pa.Table.from_pandas(df, preserve_index=False)
    return table.cast(pa.schema([field.with_type(_kept(field.type)) for field in table.schema]))


def _kept(arrow_type: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(arrow_type):
        return pa.timestamp("us", arrow_type.tz)
    if pa.types.is_list(arrow_type):
        return pa.list_(_kept(arrow_type.value_type))
    return pa.string() if pa.types.is_null(arrow_type) else arrow_type
