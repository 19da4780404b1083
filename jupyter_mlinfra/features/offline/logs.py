"""Logged answers of a feature service: into a folder of Parquet files, or a dataset."""

from __future__ import annotations

import uuid
from pathlib import Path

import polars as pl
import pyarrow as pa
from feast.feature_logging import LoggingDestination
from feast.infra.offline_stores.file_source import FileLoggingDestination
from pyarrow import dataset, parquet

from ...core.errors import Unprocessable
from ..dataset_source import spec_of
from ..destinations import DatasetLoggingDestination
from ..sources.datasets import open_catalog
from .files import filesystem_of


def write_logs(data: pa.Table | Path, destination: LoggingDestination, repo: Path | None) -> None:
    """Add a batch of answers, a table or the path of a Parquet file: as one more file of the
    folder, or as one commit of the dataset.

    Raises Unprocessable for another destination.
    """
    rows = parquet.read_table(data) if isinstance(data, Path) else data
    if isinstance(destination, DatasetLoggingDestination):
        frame = pl.DataFrame(pl.from_arrow(rows))
        open_catalog(destination.project, repo).write(frame, into=destination.dataset)
        return
    if not isinstance(destination, FileLoggingDestination):
        raise Unprocessable(
            f"Features cannot be logged to a {type(destination).__name__}.",
            "The Polars offline store logs to Parquet files and datasets.",
            "Use FileLoggingDestination or DatasetLoggingDestination.",
        )
    filesystem, folder = filesystem_of(spec_of(destination.to_data_source().to_proto()), repo)
    dataset.write_dataset(
        rows,
        base_dir=folder,
        basename_template=f"{uuid.uuid4().hex}-{{i}}.parquet",
        partitioning=destination.partition_by,
        filesystem=filesystem,
        format="parquet",
        existing_data_behavior="overwrite_or_ignore",
    )
