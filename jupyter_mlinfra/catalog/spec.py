"""What the catalog knows: datasets, columns, snapshots, profiles, and what an ingest did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ..core.records import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What one ingest did: one commit, or nothing.

    quarantined: rows that could not be read as the table's types; they stand in `quarantine` (Parquet or text), with the reason.
    columns: those of the dataset now, by which a file without a header is recognised.
    """

    dataset: str
    rows_written: int
    quarantined: int
    snapshot: str
    quarantine: str | None = None
    columns: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One row of a list. name: `namespace.table`. rows, bytes: from the snapshot's summary, so exact."""

    ref: str
    name: str
    namespace: str
    rows: Number
    bytes: int
    columns: int
    snapshot: str | None
    updated_at: datetime | None
    owner: str
    tags: Sequence[str]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. type: short (`i64`, `f64`, `str`, `ts[us, tz]`, …). used_by: references of views and runs."""

    name: str
    type: str
    required: bool
    doc: str
    used_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDetail:
    """The head of a dataset's page. newer: snapshots committed after the one shown."""

    dataset: Dataset
    schema: Sequence[Column]
    location: str
    snapshots: int
    newer: int
    code: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One commit of a table. operation: append, overwrite, delete, replace. written_by: job, notebook or user."""

    ref: str
    id: str
    parent: str | None
    at: datetime
    operation: str
    rows: Number
    added: int
    removed: int
    written_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBlock:
    """Part of a table, column by column. data[i][j] is column i of row start + j; values are JSON-safe."""

    start: int
    columns: Sequence[Column]
    data: Sequence[Sequence[Any]]
    shown: int
    total: int
    snapshot: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Statistics of one column, each with its basis; None where the tier does not tell.

    missing: share of rows, 0 to 1. top: the most frequent word and its share, as text. shape: counts of up to 24 equal bins, or of the top words.
    """

    name: str
    type: str
    missing: Number
    distinct: Number
    min: Number
    max: Number
    mean: Number
    top: Number
    shape: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile of a snapshot. tier: footer (file statistics), sample (n rows), exact (all rows). seconds: what it took."""

    ref: str
    snapshot: str | None
    tier: Literal["footer", "sample", "exact"]
    rows: Number
    seconds: float
    columns: Sequence[ColumnProfile]
