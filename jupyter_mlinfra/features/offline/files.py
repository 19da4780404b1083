"""Parquet files that the store writes."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import polars as pl
from feast.data_source import DataSource
from pyarrow import parquet

from ...core.errors import Unprocessable
from ..arrow import feast_table
from ..dataset_source import spec_of


def parquet_path(source: DataSource, repo: Path | None) -> Path:
    """Where a source has its Parquet file or folder. Raises Unprocessable for other sources."""
    spec = spec_of(source.to_proto())
    if spec.kind != "parquet" or "://" in spec.name:
        raise Unprocessable(
            f"{spec.name} cannot be written.",
            "The Polars offline store writes datasets and local Parquet files.",
            "Use one of these.",
        )
    return (repo or Path.cwd()) / spec.name


def write_parquet(rows: pl.LazyFrame, path: Path) -> None:
    """Write rows as a file, completely or not at all."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        table = rows.collect(engine="streaming").to_arrow(compat_level=pl.CompatLevel.oldest())
        # Polars would record its own types in the file, and Feast takes those of text for JSON.
        parquet.write_table(feast_table(table), draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
