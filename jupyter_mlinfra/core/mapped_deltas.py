"""Delta tables with column mapping: their files have other names for columns, and the log has the
values of partitions. Polars reads the files, under their names, so that a condition reads the row
groups alone that may fulfil it.

Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-mapping
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.table import ProtocolVersions

from .deltas import OfPolars
from .frames import asked_for, conditions, exactly

if TYPE_CHECKING:
    import polars as pl

MAPPING = "columnMapping"
_MODE = "delta.columnMapping.mode"
_INNER = "delta.columnMapping.physicalName"
_FILES, _DELETED = "\0files", "\0deleted"
"""No column has these names."""


def inner_names(table: DeltaTable) -> Mapping[str, str] | None:
    """What the columns are called in the files; None if that is not told by names alone: columns
    are found by numbers, or fields within a column have other names, too.
    """
    if table.metadata().configuration.get(_MODE, "none") == "id":
        return None
    fields = json.loads(table.schema().to_json())["fields"]
    if any(_renames(field["type"]) for field in fields):
        return None
    return {field["name"]: field["metadata"].get(_INNER, field["name"]) for field in fields}


def read_mapped(
    table: DeltaTable,
    names: Mapping[str, str],
    schema: Mapping[str, pl.DataType],
    columns: Sequence[str],
    predicate: pl.Expr | None,
    most: int | None,
) -> Iterator[pl.DataFrame]:
    """These columns of the rows that fulfil a condition, at most so many. names: `inner_names`.
    schema: the columns of the table. Files of a partition that cannot fulfil it are not opened.
    """
    import polars as pl

    partitions = table.metadata().partition_columns
    own = {names[name]: dtype for name, dtype in schema.items() if name not in partitions}
    files = _Mapped.of(table, own)
    used = {*columns, *(() if predicate is None else predicate.meta.root_names())}
    asked = [name for name in partitions if name in used]
    outer = {inner: name for name, inner in names.items() if name not in partitions}
    wanted = [exactly(name).cast(schema[name]) for name in columns]

    def frames() -> Iterator[pl.DataFrame]:
        for part in _parts(table, asked, schema, predicate).iter_rows(named=True):
            some = files.only(part.pop(_FILES), deletions=part.pop(_DELETED))
            rows = pl.scan_delta(some).rename(outer)
            rows = rows.with_columns(
                pl.lit(value, dtype=schema[name]).alias(name) for name, value in part.items()
            )
            rows = rows if predicate is None else rows.filter(predicate)
            rows = rows if most is None else rows.head(most)
            yield from rows.select(wanted).collect_batches(maintain_order=True, engine="streaming")

    return asked_for(frames(), None, None, most)


def _parts(
    table: DeltaTable,
    partitions: Sequence[str],
    schema: Mapping[str, pl.DataType],
    predicate: pl.Expr | None,
) -> pl.DataFrame:
    """The parts of a table whose rows may fulfil a condition: their values of these columns, and
    their files, those with deleted rows apart: Polars reads all row groups of these.
    """
    import polars as pl

    files = table.file_uris()
    actions = pl.DataFrame(table.get_add_actions(flatten=True)).select(
        pl.Series(_FILES, files, dtype=pl.String()),
        pl.Series(_DELETED, _have_deletions(table, files), dtype=pl.Boolean()),
        *(exactly(f"partition.{name}").cast(schema[name]).alias(name) for name in partitions),
    )
    for part in conditions(predicate):
        if (about := {*part.meta.root_names()}) and about <= {*partitions}:
            actions = actions.filter(part)
    return actions.group_by(*partitions, _DELETED, maintain_order=True).agg(_FILES)


def _have_deletions(table: DeltaTable, files: Sequence[str]) -> list[bool]:
    """Whether each of these files has rows that are deleted by a vector. Where the log's names of
    those files are not all found, each counts as one.
    """
    import polars as pl

    uris = pl.DataFrame(table.deletion_vectors())["filepath"].to_list()
    names = {unquote(uri).rpartition("/")[2] for uri in uris}
    found = [unquote(file).rpartition("/")[2] in names for file in files]
    return found if sum(found) == len(uris) else [True] * len(files)


class _Mapped(OfPolars):
    """A table as its files are: with their names of columns, and without partitions."""

    columns: Any
    deletions = True

    @classmethod
    def of(cls, table: DeltaTable, columns: Mapping[str, pl.DataType]) -> _Mapped:
        import polars as pl

        options = table._storage_options
        made = cls(table.table_uri, version=table.version(), storage_options=options)
        made.columns = pl.DataFrame(schema=columns).to_arrow().schema
        return made

    def only(self, files: Collection[str], *, deletions: bool) -> _Mapped:
        """The same with some of its files alone. deletions: whether rows of them are deleted."""
        some = copy.copy(self)
        some.files, some.deletions = set(files), deletions
        return some

    def protocol(self) -> ProtocolVersions:
        known = super().protocol()
        left_out = {MAPPING} if self.deletions else {MAPPING, "deletionVectors"}
        features = [name for name in known.reader_features or () if name not in left_out]
        version = 1 if known.min_reader_version == 2 else known.min_reader_version
        return known._replace(min_reader_version=version, reader_features=features or None)

    def schema(self) -> Any:
        return self.columns

    def metadata(self) -> Any:
        return SimpleNamespace(partition_columns=[])


def _renames(kind: Any) -> bool:
    """Whether a field within a type has another name in the files. kind: as the log has it."""
    if not isinstance(kind, dict):
        return False
    inside = [kind.get(key) for key in ("elementType", "keyType", "valueType")]
    fields = kind.get("fields", [])
    return any(
        field["metadata"].get(_INNER, field["name"]) != field["name"] or _renames(field["type"])
        for field in fields
    ) or any(map(_renames, inside))
