"""One commit, or nothing: data files are written to their final place, and no reader sees them
until the catalog's pointer moves.

Appends run side by side. pyiceberg orders them; an append that it cannot order, or whose columns
changed meanwhile, is repeated. Creating a table and changing its columns take a lock, and so does a
change that asks for it. Source: https://iceberg.apache.org/spec/#optimistic-concurrency and
pyiceberg's `Transaction`.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ..core.errors import Conflict
from ..core.processes import failpoint
from . import columnlabels
from .abandoned import clean_up
from .change import Change, FileChange
from .conform import Target
from .datafiles import DataFiles
from .drivers import with_region
from .dtypes import refuse_equal_paths
from .evolving import arrow_schema, evolve, targets_of
from .fate import Commit, settle
from .integrity import checksum_properties
from .metadata import (
    COMMIT,
    INSERTED,
    KEEPS_FILES,
    KEEPS_ROWS,
    OWNER,
    POSITION,
    UPDATED,
    Metadata,
    snapshot_with,
)
from .names import DatasetName
from .pending import Attempt, Demand
from .store import CatalogStore
from .stores.versions import check_rows
from .widening import changes, short_schema

if TYPE_CHECKING:
    from pathlib import Path

    from pyiceberg.io import FileIO
    from pyiceberg.table import Table, Transaction

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
    """What one commit did. updated: rows that took the place of others. schema: the columns of the
    table afterwards, with short types. changes: what it changed of them, a line each.
    """

    snapshot: str
    rows: int
    updated: int
    schema: Mapping[str, str]
    changes: Sequence[str]


class Beside(Protocol):
    """A file beside the table that belongs to a commit. path: None if there is none this time."""

    @property
    def path(self) -> Path | None: ...

    def write(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What else belongs to one commit.

    summary: properties of the snapshot; called between the last file and the commit, so that an
    error in it stops the commit. Positions are properties of the table too. undo: called when it is
    certain that the snapshot was not made and never will be. stale: asked of the metadata that
    another writer's commit has made; if so, the rows do not follow it, and `summary` is called
    again. beside: the file that is made beside the table after `summary`; it goes if the process is
    killed and the snapshot was not made. personal: columns that are tagged `pii` by the commit.
    """

    summary: Callable[[], Mapping[str, str]]
    undo: Callable[[], object]
    stale: Callable[[Metadata], bool]
    beside: Beside | None = None
    personal: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _Draft:
    """An attempt that has not written yet. table: None if it creates the table."""

    record: Attempt
    table: Table | None
    transaction: Transaction
    io: FileIO
    targets: Mapping[str, Target]
    changes: Sequence[str] = ()


class _NeedsLockError(Exception):
    """The attempt would create the table or change its columns or their tags."""


def commit(
    store: CatalogStore, name: DatasetName, change: Change, *, owner: str, terms: Terms
) -> Committed:
    """Bring a change about in one commit, or leave everything as it was. owner: of a table that it
    creates.

    Raises what the change raises, NotFound for a missing table that it does not create, and
    Conflict if other writers came first every time.
    """
    from pyiceberg.exceptions import (
        CommitFailedException,
        TableAlreadyExistsError,
        ValidationException,
    )

    clean_up(store, name)
    locked = change.locks
    with store.explained(f"{name.text} was not written."), contextlib.ExitStack() as before:
        for attempt in range(_ATTEMPTS):
            if attempt == 1 and change.locks:
                before.enter_context(store.before_appends(name))
            try:
                with (
                    store.lock(name) if locked else contextlib.nullcontext(),
                    store.pending.attempt(name.text) as record,
                ):
                    draft = _begin(
                        store, name, change, record, owner=owner, locked=locked, stale=terms.stale
                    )
                    if not locked and _tags(draft, terms.personal):
                        raise _NeedsLockError
                    return _attempt(store, draft, name, change, terms, waits=not locked)
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
    store: CatalogStore,
    draft: _Draft,
    name: DatasetName,
    change: Change,
    terms: Terms,
    *,
    waits: bool,
) -> Committed:
    """waits: for a change that appends have overtaken; not with the table's lock, for which that
    change may wait.
    """
    files = DataFiles(draft.io, draft.transaction.table_metadata, making=draft.record.makes)
    try:
        done = change.files(draft.table, files, draft.targets)
        draft = _with_earlier_columns(draft, done.schema_id)
        failpoint("catalog-files")
        checksums = checksum_properties(files.checksums)
        summary = terms.summary()
        if terms.beside is not None and terms.beside.path is not None:
            draft.record.makes_beside(terms.beside.path)
            terms.beside.write()
            failpoint("catalog-beside")
        if tags := _tags(draft, terms.personal):
            draft.transaction.set_properties(dict(tags))
        _stage(draft, done, {**summary, **checksums, COMMIT: draft.record.mark})
        if waits:
            with store.before_appends(name):
                pass
        failpoint("catalog-staged")
        draft.record.asks(_demand(draft))
    except BaseException:
        files.discard()
        terms.undo()
        raise
    snapshot = _send(store, name, draft)
    if isinstance(snapshot, Exception):
        files.discard()
        terms.undo()
        draft.record.ended()
        raise snapshot
    failpoint("catalog-committed")
    draft.record.ended()
    schema = short_schema(draft.targets)
    return Committed(snapshot, done.rows, done.updated, schema, draft.changes)


def _begin(
    store: CatalogStore,
    name: DatasetName,
    change: Change,
    record: Attempt,
    *,
    owner: str,
    locked: bool,
    stale: Callable[[Metadata], bool],
) -> _Draft:
    """Open the transaction with its columns; nothing is written yet except an empty namespace."""
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

    from .pinned import PinnedTable

    try:
        table = store.open(name)
    except (NoSuchTableError, NoSuchNamespaceError):
        table = None
    if table is None:
        if not change.creates:
            raise store.absent(name)
        if not locked:
            raise _NeedsLockError
        return _creating(store, name, _planned(change, None), record, owner=owner)
    check_rows(table, f"{name.text} was not written.")
    columns = targets_of(table.schema())
    targets = _planned(change, columns)
    if not locked and targets != columns:
        raise _NeedsLockError
    outdated = stale if change.rebases else _any_other
    transaction = PinnedTable(table, record=record, stale=outdated).transaction()
    evolve(transaction, columns, targets)
    return _Draft(record, table, transaction, table.io, targets, changes(columns, targets))


def _creating(
    store: CatalogStore,
    name: DatasetName,
    targets: Mapping[str, Target],
    record: Attempt,
    *,
    owner: str,
) -> _Draft:
    store.iceberg.create_namespace_if_not_exists(name.identifier[:-1])
    creation = store.iceberg.create_table_transaction(
        name.identifier, arrow_schema(targets), properties={**_PROPERTIES, OWNER: owner}
    )
    # The staged table's own FileIO: a REST catalog may have given it credentials of its own.
    creation._table.io.properties.update(with_region(creation._table.io.properties))
    return _Draft(record, None, creation, creation._table.io, targets)


def _tags(draft: _Draft, personal: Collection[str]) -> Mapping[str, str]:
    """The properties to set so that these columns are tagged `pii`; none if they are."""
    metadata, found = draft.transaction.table_metadata, dict[str, str]()
    for field in metadata.schema().fields:
        properties = {**metadata.properties, **found}
        tags = columnlabels.tags_of(properties).get(field.field_id, ())
        if field.name in personal and not columnlabels.is_pii(tags):
            wanted = [*tags, columnlabels.PII]
            found.update(columnlabels.with_column_tags(properties, field.field_id, wanted))
    return found


def _any_other(_: Metadata) -> bool:
    """Whether a change that follows no other commit must start again: after every one."""
    return True


def _planned(change: Change, columns: Mapping[str, Target] | None) -> Mapping[str, Target]:
    targets = change.plan(columns)
    refuse_equal_paths({name: target.dtype for name, target in targets.items()})
    return targets


def _with_earlier_columns(draft: _Draft, schema_id: int | None) -> _Draft:
    """The attempt, if the table gets the columns of an earlier schema of its own."""
    if schema_id is None:
        return draft
    assert draft.table is not None  # there is no earlier one otherwise
    from pyiceberg.table.update import SetCurrentSchemaUpdate

    update = SetCurrentSchemaUpdate.model_validate({"schema-id": schema_id})
    draft.transaction._apply((update,))
    targets = targets_of(draft.table.schemas()[schema_id])
    return replace(draft, targets=targets, changes=changes(draft.targets, targets))


def _stage(draft: _Draft, change: FileChange, properties: dict[str, str]) -> None:
    """Put the files into one snapshot of the transaction, and take those out that go."""
    from .whole import whole_files

    positions = {key: text for key, text in properties.items() if key.startswith(POSITION)}
    if positions:
        draft.transaction.set_properties(positions)
    # Iceberg's own word for it, the operation `replace`, is one that pyiceberg does not write.
    kept = {KEEPS_ROWS: change.keeps_rows, KEEPS_FILES: change.keeps_files}
    if change.removed:
        properties = {**properties, **{key: "true" for key, value in kept.items() if value}}
        if change.updated:
            new = change.rows - change.updated
            properties |= {INSERTED: str(new), UPDATED: str(change.updated)}
    snapshot = draft.transaction.update_snapshot(snapshot_properties=properties)
    with (
        whole_files(draft.transaction, draft.io, properties)
        if change.without_deletes
        else snapshot.overwrite()
        if change.removed
        else snapshot.fast_append()
    ) as producer:
        for file in change.removed:
            producer.delete_data_file(file)
        for file in change.added:
            producer.append_data_file(file)


def _demand(draft: _Draft) -> Demand:
    table = draft.transaction._table  # pyiceberg's own retries move it
    return Demand.on(table.metadata, creates=draft.table is None)


def _send(store: CatalogStore, name: DatasetName, draft: _Draft) -> str | Exception:
    """Move the catalog's pointer; returns the snapshot, or the error when it is certain that there
    is none and never will be. Whatever is raised, Ctrl-C too, says nothing about that.
    """
    failpoint("catalog-sent")
    mark = draft.record.mark
    try:
        snapshot = snapshot_with(draft.transaction.commit_transaction(), mark)
    except Exception as error:  # noqa: BLE001 - it is returned, or raised by `settle`
        demand = _demand(draft)
        request = Commit(
            name=name.text,
            mark=mark,
            base=demand.base,
            creates=demand.creates,
            local=store.embedded,
        )
        snapshot = settle(
            request, error, load=lambda: store.load(name), snapshot_with=snapshot_with
        )
        if snapshot is None:
            return error
    assert snapshot is not None  # the commit was answered
    return snapshot
