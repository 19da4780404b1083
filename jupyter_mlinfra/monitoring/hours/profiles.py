"""The sketches of the hours as a table for SQL: one row per hour, version, segment and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..measures.quantiles import Quantiles
from .series import HOUR

if TYPE_CHECKING:
    import polars as pl

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
VALUES = ("mean", "std", "min", "max", *(f"q{share * 100:02.0f}" for share in SHARES))
"""The columns of a profile that say what the values are."""

_NO_COLUMN = (".requests", ".expected")
"""Sketches of latency, and of what performance is expected: no profiles of a column."""


def scan_profiles(files: Sequence[Path]) -> pl.LazyFrame:
    """The profiles in some files of sketches, in order of time.

    feature: the input, `prediction` for the answers, `prediction.output.NAME` for one of several,
    `prediction.class` for the class with the largest probability. rows: answered ones; nulls: those
    without a value. mean, std, min, max and quantiles: of numbers, else null. bound: by how much
    the share of rows below a quantile may be off, at most.
    """
    import polars as pl

    if not files:
        return pl.LazyFrame(schema=_schema())
    hour = pl.col("file").str.extract(r"(\d{4}-\d\d-\d\dT\d\d)\.parquet$") + ":00"
    start = hour.str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", time_zone="UTC")
    variance = pl.col("squares") / (pl.col("numbers") - 1)
    weight = pl.col("weights").list.sum()
    quantiles = pl.struct("values", "weights").map_batches(_quantiles, pl.List(pl.Float64))
    known = pl.col("numbers") > 0
    return (
        pl.scan_parquet(list(files), include_file_paths="file")
        .filter(~pl.col("column").is_in(_NO_COLUMN))
        .select(
            "version",
            "segment",
            pl.col("column")
            .str.replace(r"^\.score$", "prediction")
            .str.replace(r"^\.(class$|output\.)", "prediction.${1}")
            .alias("feature"),
            start.alias("start"),
            (start + pl.duration(seconds=HOUR)).alias("end"),
            "rows",
            pl.col("missing").alias("nulls"),
            pl.when(known).then("mean").alias("mean"),
            pl.when(pl.col("numbers") > 1).then(variance.sqrt()).alias("std"),
            pl.col("low").alias("min"),
            pl.col("high").alias("max"),
            quantiles.alias(".quantiles"),
            pl.when(weight > 0).then(pl.col("error") / weight).alias("bound"),
        )
        .with_columns(
            pl.col(".quantiles").list.get(place, null_on_oob=True).alias(f"q{share * 100:02.0f}")
            for place, share in enumerate(SHARES)
        )
        .select(*_schema())
        .sort("start", "version", "segment", "feature")
    )


def _quantiles(rows: pl.Series) -> pl.Series:
    import numpy as np
    import polars as pl

    found = []
    for row in rows.to_list():
        summary = Quantiles(np.asarray(row["values"], float), np.asarray(row["weights"], int))
        found.append([summary.at(share) for share in SHARES])
    return pl.Series(rows.name, found, dtype=pl.List(pl.Float64))


def _schema() -> dict[str, pl.DataType | type[pl.DataType]]:
    import polars as pl

    texts = dict.fromkeys(("version", "segment", "feature"), pl.String)
    times = dict.fromkeys(("start", "end"), pl.Datetime("us", "UTC"))
    counts = dict.fromkeys(("rows", "nulls"), pl.Int64)
    numbers = dict.fromkeys((*VALUES, "bound"), pl.Float64)
    return {**texts, **times, **counts, **numbers}
