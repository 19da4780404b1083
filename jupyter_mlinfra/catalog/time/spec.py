"""The records about earlier states: how two differ, what going back did, what expires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...core.records import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaDiff:
    """How the columns of two snapshots differ, with short types. A column is the same one if it has
    Iceberg's id of it, or the name of one that is gone and its type or a wider one. renamed: the
    new names by the old ones. retyped: old and new type, by the new name.
    """

    added: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRows:
    """Some rows, JSON-safe. data[i][j] is column i of row j. before: of changed rows, the values
    that they had, in the same form.
    """

    columns: Sequence[str]
    data: Sequence[Sequence[Any]]
    before: Sequence[Sequence[Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """A few of the rows that differ."""

    added: ExampleRows
    removed: ExampleRows
    changed: ExampleRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What one has to do to a dataset at snapshot `before` to get that at snapshot `after`.

    added, removed: rows. changed: rows with a key that both have, and other values; None without a
    key, where such a row counts as removed and added. Rows are compared in the columns of `after`.
    statistics: of each column of which one differs, the figures before and after, by their name.
    alike: how many other columns have figures that are known on both sides, of which none differs.
    key: the columns that tell which row is which. files_read: data files whose rows were read:
    those that only one of them has. note: what is to be known of the counts.
    """

    dataset: str
    before: str
    after: str
    key: Sequence[str]
    added: int
    removed: int
    changed: int | None
    schema: SchemaDiff
    statistics: Mapping[str, Mapping[str, tuple[Any, Any]]]
    examples: Examples
    files_read: int
    alike: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A dataset that has the rows and columns of an earlier snapshot again. snapshot: the new one.
    undo: the command that takes it back; empty if it had those rows already. note: what else is to
    be known.
    """

    dataset: str
    snapshot: str
    restored_from: str
    rows: int | None
    undo: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringSnapshot:
    """A snapshot, and why it stays; empty if it expires."""

    id: str
    at: datetime
    operation: str
    rows: Number
    refs: Mapping[str, str]
    kept_because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryPlan:
    """Which snapshots of a dataset expire. snapshots: the newest `shown` of `total`, with why they
    stay. expires: how many go. files, bytes: of the files that are deleted, since no snapshot needs
    them afterwards; rows: in those of them that hold rows. lost: what cannot be done any more, a
    sentence each. note: which files stay all the same. done: whether it was done; otherwise it is a
    preview.
    """

    dataset: str
    snapshots: Sequence[ExpiringSnapshot]
    shown: int
    total: int
    expires: int
    files: int
    bytes: int
    rows: int
    lost: Sequence[str]
    done: bool
    note: str = ""
