"""The records of the catalog: datasets, columns, snapshots, profiles, and the result of an
ingest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ..core.records import Number, Real

Certainty = Literal["exact", "approximate", "sample"]
"""How a figure of a profile was obtained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What one ingest did: one commit, or nothing.

    rows_written: rows that are new, or that took the place of earlier ones in an upsert, which
    `rows_updated` counts; a row that is there already as it is, is not written. quarantined: rows
    that could not be read as the table's types; `quarantine`, a table, holds them with the reason.
    snapshot: the one that was written, or, if nothing was, the one that added the files; None for a
    dry run, whose counts are of what would be. columns: those of the dataset now, which reveal a
    file read without its header; schema: with short types. schema_changes: what was changed of its
    columns, such as `n: i32 → i64`. summary: all of it in one line, beginning with what was left
    out. skipped: files that were already in the dataset. spelled: a line for each spelling of
    numbers and dates that is not 1234.5 and ISO 8601, with its columns. notes: what was guessed and
    could be otherwise. rules_failed: a line for each rule that new rows fail, and that let them in
    or set them aside.
    """

    dataset: str
    rows_written: int
    quarantined: int
    snapshot: str | None
    rows_updated: int = 0
    quarantine: str | None = None
    columns: Sequence[str] = ()
    schema: Mapping[str, str] = field(default_factory=dict)
    schema_changes: Sequence[str] = ()
    summary: str = ""
    skipped: Sequence[str] = ()
    spelled: Sequence[str] = ()
    notes: Sequence[str] = ()
    rules_failed: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadColumn:
    """One column of the inspected files. guessed: whether its type was guessed; in_dataset: the
    dataset has it, and its type counts.

    decimal, thousands, date_format: how its values are spelled, if not as 1234.5 and ISO 8601.
    """

    name: str
    type: str
    guessed: bool
    in_dataset: bool
    decimal: str = "."
    thousands: str = ""
    date_format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """One inspected file, or the table of a database (`table`), or a Delta table that is to be
    registered (`delta`). snapshot: the one that already added it to the dataset; None for a new
    file.

    encoding … header: how it is split into records and fields, for CSV. guessed: which of these
    were guessed. sheets: of a workbook.
    """

    path: str
    kind: Literal["csv", "json", "parquet", "arrow", "excel", "table", "delta"]
    bytes: int
    snapshot: str | None = None
    encoding: str | None = None
    separator: str | None = None
    quote: str | None = None
    comment: str | None = None
    skip: int | None = None
    header: bool | None = None
    guessed: Sequence[str] = ()
    sheets: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDoubt:
    """A guess that may be wrong. option: the one that settles it. stops: an ingest is refused until
    it is set.
    """

    option: str
    what: str
    fix: str
    stops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that would go to quarantine."""

    file: str
    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What an ingest would read, by the beginning of the files; nothing is written.

    whole: the beginning is all of them, so types and counts are final. data[i][j] is column i of
    row j, JSON-safe. rows: how many were read; bad: how many of them do not fit; refused: why an
    ingest would refuse them, else empty. exists: whether the dataset exists. notes: files that are
    left out.
    """

    dataset: str | None
    exists: bool
    files: Sequence[ReadFile]
    columns: Sequence[ReadColumn]
    data: Sequence[Sequence[Any]]
    shown: int
    rows: int
    whole: bool
    bad: int
    broken: Sequence[BadRow]
    refused: str
    doubts: Sequence[ReadDoubt]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One row of a list. name: `namespace.table`. rows, bytes: from the snapshot's summary, so
    exact. domain: whose table it is: that domain alone writes it, it has no snapshots, and what
    would have to be read is unknown; of what is registered in place, its kind (`csv`, `delta`);
    empty for a dataset of the catalog. columns_tagged: tags of its columns, by name. signs: what is
    wrong with it, with a sentence: `failing` (rules that failed when they were last run), `late`,
    `short` or `large` (new rows; see `quality`).
    """

    ref: str
    name: str
    namespace: str
    rows: Number
    bytes: int | None
    columns: int | None
    snapshot: str | None
    updated_at: datetime | None
    owner: str
    tags: Sequence[str]
    description: str
    domain: str = ""
    columns_tagged: Mapping[str, Sequence[str]] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled(Dataset):
    """A dataset after its tags or texts, or those of a column, were changed. undo: the command that
    changes them back; empty if they were so before. refs: the snapshot of each tag and branch that
    names one.
    """

    undo: str = ""
    refs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A namespace. datasets: how many datasets and other tables it has."""

    name: str
    datasets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. type: short (`i64`, `f64`, `str`, `ts[us, tz]`, …). doc: its description.
    used_by: references of what was made from this column, if lineage names it.
    """

    name: str
    type: str
    required: bool
    doc: str
    used_by: Sequence[str] = ()
    tags: Sequence[str] = ()


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
    """One commit of a table. operation: append, overwrite, delete, replace. written_by: job,
    notebook or user. refs: `tag` or `branch` by name, of those that mean it. restored_from: the
    earlier snapshot whose rows it has. added, removed: rows; one that was written again as it was
    is neither. updated: rows that took the place of others, which only an upsert of ours tells.
    added, removed: None where another writer's summary does not say it; removed too where a Delta
    table was overwritten and its log does not.
    """

    ref: str
    id: str
    parent: str | None
    at: datetime
    operation: str
    rows: Number
    added: int | None
    removed: int | None
    written_by: str
    refs: Mapping[str, str] = field(default_factory=dict)
    restored_from: str | None = None
    updated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBlock:
    """Part of a table, column by column. data[i][j] is column i of row start + j; values are
    JSON-safe. masked: the columns whose values are not shown.
    """

    start: int
    columns: Sequence[Column]
    data: Sequence[Sequence[Any]]
    shown: int
    total: int
    snapshot: str | None
    masked: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a shape: a value (`low` and `high` are equal), or values from `low` to below
    `high`. count: rows with them.
    """

    low: Any
    high: Any
    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the values of a column are distributed.

    kind: values (a bar for each), words (the most frequent first), bins (of equal width) or days
    (whole minutes, hours, days, weeks, months or years). below, above: rows with values beyond the
    bars, in long tails; of words, `above` counts the rows with others.
    """

    kind: Literal["values", "words", "bins", "days"]
    bars: Sequence[Bar]
    below: int = 0
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Statistics of one column; None or empty where they are not known, or do not exist.

    nulls: rows without a value. min, max: without NaN. mean, std: of finite numbers. quantiles:
    values by share, such as "0.5". top: the most frequent values with their rows. basis: of each
    figure that is known, by its name. errors: relative standard error of `distinct`, and how far
    the rank of a quantile may be off (in 19 of 20 cases). sample: how many rows figures of a sample
    come from; their counts are estimates for all rows.
    """

    type: str
    nulls: int | None = None
    distinct: int | None = None
    min: Any = None
    max: Any = None
    mean: Real | None = None
    std: Real | None = None
    quantiles: Mapping[str, Any] = field(default_factory=dict)
    top: Sequence[tuple[Any, int]] = ()
    shape: Shape | None = None
    basis: Mapping[str, Certainty] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    sample: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A data file that is not what was written, or is gone."""

    file: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of reading all files of a snapshot. files: how many there are. unchecked: the
    first of those without a checksum. note: why they have none. set_aside: damaged files that were
    taken out of the dataset, with `rows_lost` rows; put_back: those that are in it again.
    still_out: those that are out of it. now: the snapshot that did so.
    """

    dataset: str
    snapshot: str | None
    files: int
    checked: int
    damaged: Sequence[Damage]
    unchecked: Sequence[str]
    note: str = ""
    set_aside: Sequence[str] = ()
    rows_lost: int = 0
    put_back: Sequence[str] = ()
    still_out: Sequence[str] = ()
    now: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What is known of the files of a dataset without reading them. at, found: when they were last
    verified, and what was found then; None if they never were. still_out: damaged files that are
    set aside now.
    """

    dataset: str
    at: datetime | None
    found: Verification | None
    still_out: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRows:
    """Rows that did not fit into a dataset, in a file where they can be mended. rows: how many."""

    dataset: str
    file: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile of a snapshot. tier: footer (file statistics), sample (some rows), exact (all
    rows). rows: those of the table; None if they would have to be counted. columns: by name.
    files_read: data files whose rows were read for it; what is known of the others was kept.
    seconds: how long it took. first_rows: a sample of the first rows, which may differ from others:
    to draw it from all rows, all of a large file of text would have to be read.
    """

    ref: str
    snapshot: str | None
    tier: Literal["footer", "sample", "exact"]
    rows: int | None
    columns: Mapping[str, ColumnProfile]
    files_read: int
    seconds: float
    first_rows: bool = False
