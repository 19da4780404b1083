"""One commit, or nothing: data files are written to their final place, and no reader sees them
until the catalog's pointer moves.

Appends run side by side. pyiceberg orders them; an append that it cannot order, or whose columns
changed meanwhile, is repeated. Creating a table, replacing its rows and changing its columns take a
lock. Source: https://iceberg.apache.org/spec/#optimistic-concurrency and pyiceberg's `Transaction`.
"""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import Conflict, Unprocessable
from .conform import Target
from .datafiles import DataFiles
from .drivers import with_region
from .dtypes import refuse_equal_paths
from .fate import Commit, settle
from .intake import Rows
from .integrity import checksum_properties
from .metadata import COMMIT, OWNER, POSITION, Metadata, snapshot_with
from .names import DatasetName
from .store import CatalogStore

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table, Transaction

Mode = Literal["append", "replace"]

# By default pyiceberg waits up to a minute between tries and makes four: too long for one writer,
# too few for forty.
_PROPERTIES = {
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "50",
    "commit.retry.max-wait-ms": "1000",
    "commit.retry.total-timeout-ms": "60000",
}
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Committed:
    """What one commit did. columns: those of the table afterwards."""

    snapshot: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What else belongs to one commit.

    summary: properties of the snapshot; called between the last row and the commit, so that an
    error in it stops the commit. Positions are properties of the table too. undo: called when it is
    certain that the snapshot was not made and never will be. stale: asked of the metadata that
    another writer's commit has made; if so, the rows do not follow it, and `summary` is called
    again.
    """

    summary: Callable[[], Mapping[str, str]]
    undo: Callable[[], object]
    stale: Callable[[Metadata], bool]


@dataclass(frozen=True, slots=True)
class _Draft:
    """An attempt that has not written yet. mark: what its snapshot carries. table: None if it
    creates the table.
    """

    mark: str
    table: Table | None
    transaction: Transaction
    io: FileIO
    targets: Mapping[str, Target]


class _NeedsLockError(Exception):
    """The attempt would create the table, replace its rows or change its columns."""


def commit(
    store: CatalogStore, name: DatasetName, rows: Rows, *, mode: Mode, owner: str, terms: Terms
) -> Committed:
    """Write `rows` in one commit, or leave everything as it was.

    Raises Unprocessable for rows that do not fit, Conflict if other writers came first every time.
    """
    from pyiceberg.exceptions import (
        CommitFailedException,
        TableAlreadyExistsError,
        ValidationException,
    )

    locked = False
    with store.explained(f"{name.text} was not written."):
        for attempt in range(_ATTEMPTS):
            try:
                with store.lock(name) if locked else contextlib.nullcontext():
                    draft = _begin(
                        store, name, rows, mode=mode, owner=owner, locked=locked, stale=terms.stale
                    )
                    return _attempt(store, draft, name, rows, mode, terms)
            except _NeedsLockError:
                locked = True
            except (CommitFailedException, TableAlreadyExistsError, ValidationException):
                time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 (spreads writers, keeps no secret)
    raise Conflict(
        f"{name.text} was not written.",
        f"Other writers came first {_ATTEMPTS} times.",
        "Try again when fewer write to it; nothing was changed.",
    )


def _attempt(
    store: CatalogStore, draft: _Draft, name: DatasetName, rows: Rows, mode: Mode, terms: Terms
) -> Committed:
    files = DataFiles(draft.io, draft.transaction.table_metadata)
    try:
        for frame in rows.frames(draft.targets):
            files.add(frame)
        written = files.close()
        _stage(
            draft,
            written,
            mode,
            {**terms.summary(), **checksum_properties(files.checksums), COMMIT: draft.mark},
        )
    except BaseException:
        files.discard()
        terms.undo()
        raise
    snapshot = _send(store, name, draft)
    if isinstance(snapshot, Exception):
        files.discard()
        terms.undo()
        raise snapshot
    return Committed(snapshot, files.rows, tuple(draft.targets))


def _begin(
    store: CatalogStore,
    name: DatasetName,
    rows: Rows,
    *,
    mode: Mode,
    owner: str,
    locked: bool,
    stale: Callable[[Metadata], bool],
) -> _Draft:
    """Open the transaction with its columns; nothing is written yet except an empty namespace."""
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

    from .pinned import PinnedTable

    mark = uuid.uuid4().hex
    try:
        table = store.open(name)
    except (NoSuchTableError, NoSuchNamespaceError):
        table = None
    if not locked and (table is None or mode == "replace"):
        raise _NeedsLockError
    if table is None:
        targets = _planned(rows, None)
        store.iceberg.create_namespace_if_not_exists(name.identifier[:-1])
        creation = store.iceberg.create_table_transaction(
            name.identifier, _arrow(targets), properties={**_PROPERTIES, OWNER: owner}
        )
        # The staged table's own FileIO: a REST catalog may have given it credentials of its own.
        creation._table.io.properties.update(with_region(creation._table.io.properties))
        return _Draft(mark, None, creation, creation._table.io, targets)
    if not table.spec().is_unpartitioned():
        fix = (
            "Write it with Polars (sink_iceberg) or with the engine that made it; reading works"
            " here."
        )
        raise Unprocessable(
            f"{name.text} is partitioned.", "This catalog writes unpartitioned tables only.", fix
        )
    columns = _targets_of(table.schema())
    targets = _planned(rows, columns if mode == "append" else None)
    if not locked and set(targets) != set(columns):
        raise _NeedsLockError
    transaction = PinnedTable(table, mark=mark, stale=stale).transaction()
    _evolve(transaction, columns, targets)
    return _Draft(mark, table, transaction, table.io, targets)


def _planned(rows: Rows, columns: Mapping[str, Target] | None) -> Mapping[str, Target]:
    targets = rows.plan(columns)
    refuse_equal_paths({name: target.dtype for name, target in targets.items()})
    return targets


def _evolve(
    transaction: Transaction, columns: Mapping[str, Target], targets: Mapping[str, Target]
) -> None:
    """Make the columns those of `targets`. A column of another type becomes a new column, so that
    old snapshots keep theirs.
    """
    removed = [name for name, target in columns.items() if targets.get(name) != target]
    if removed:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for name in removed:
                update.delete_column((name,))
    new = {name: target for name, target in targets.items() if columns.get(name) != target}
    if new:
        with transaction.update_schema() as update:
            update.union_by_name(_arrow(new))


def _stage(draft: _Draft, written: list[DataFile], mode: Mode, properties: dict[str, str]) -> None:
    """Put the files into one snapshot of the transaction; with mode replace, remove all earlier
    files from it.
    """
    old = (
        [task.file for task in draft.table.scan().plan_files()]
        if draft.table is not None and mode == "replace"
        else []
    )
    positions = {key: text for key, text in properties.items() if key.startswith(POSITION)}
    if positions:
        draft.transaction.set_properties(positions)
    snapshot = draft.transaction.update_snapshot(snapshot_properties=properties)
    with snapshot.overwrite() if old else snapshot.fast_append() as producer:
        for file in old:
            producer.delete_data_file(file)
        for file in written:
            producer.append_data_file(file)


def _send(store: CatalogStore, name: DatasetName, draft: _Draft) -> str | Exception:
    """Move the catalog's pointer; returns the snapshot, or the error when it is certain that there
    is none and never will be. Whatever is raised, Ctrl-C too, says nothing about that.
    """
    try:
        snapshot = snapshot_with(draft.transaction.commit_transaction(), draft.mark)
    except Exception as error:  # noqa: BLE001 - it is returned, or raised by `settle`
        # pyiceberg's own retries move it.
        base_snapshot = (
            draft.transaction._table.current_snapshot() if draft.table is not None else None
        )
        request = Commit(
            name=name.text,
            mark=draft.mark,
            base=base_snapshot.snapshot_id if base_snapshot else None,
            creates=draft.table is None,
            local=store.embedded,
        )
        snapshot = settle(
            request, error, load=lambda: store.load(name), snapshot_with=snapshot_with
        )
        if snapshot is None:
            return error
    assert snapshot is not None  # the commit was answered
    return snapshot


def _targets_of(schema: Schema) -> dict[str, Target]:
    import polars as pl
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    dtypes = pl.DataFrame(
        pl.from_arrow(schema_to_pyarrow(schema, include_field_ids=False).empty_table())
    ).schema
    return {
        field.name: Target(dtype, field.required)
        for field, dtype in zip(schema.fields, dtypes.values(), strict=True)
    }


def _arrow(targets: Mapping[str, Target]) -> Any:
    """The columns as an Arrow schema that Iceberg accepts: its times of day are in microseconds,
    those of Polars in nanoseconds.
    """
    import polars as pl
    import pyarrow as pa

    schema = (
        pl.DataFrame(schema={name: target.dtype for name, target in targets.items()})
        .to_arrow()
        .schema
    )
    return pa.schema(
        [
            field.with_type(pa.time64("us")) if pa.types.is_time(field.type) else field
            for field in schema
        ]
    )
