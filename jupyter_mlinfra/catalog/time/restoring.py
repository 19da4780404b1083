"""A dataset as it was at an earlier snapshot: one new snapshot with the files of that one.

No row is read or written again, and the history goes on, so that it can be undone. Where other
writers listed deleted rows in files of their own, or wrote other partitions, the dataset goes back
to the snapshot itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ...core.errors import Conflict
from ...core.events import telling
from ...core.origin import actor
from .. import metadata as records
from ..change import FileChange
from ..commit import Terms, commit
from ..equality import is_needed
from ..names import DatasetName
from ..positions import position
from ..rows import with_columns_of
from ..stores.versions import check_properties
from .spec import Restored

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

    from ...core.project import Project
    from ..conform import Target
    from ..datafiles import DataFiles
    from ..store import CatalogStore

_MISSING_SHOWN, _ATTEMPTS = 3, 8
_WENT_BACK = (
    "Other writers listed deleted rows in files of their own, or changed the partitions: the"
    " dataset went back to that snapshot itself."
)
_PRESENT_COLUMNS = (
    "The dataset went back to that snapshot itself, with its present columns: it is partitioned or"
    " sorted by one that was not there then."
)


class _SameError(Exception):
    """The dataset is as it was then."""


class _NotByFilesError(Exception):
    """That state cannot be made from its data files alone."""


class _RestoreChange:
    """A change that gives a table the data files of one of its snapshots, and the columns of that
    or those of a number. before: after `files`, the state that the commit follows.
    """

    locks: ClassVar = True
    creates: ClassVar = False
    rebases: ClassVar = False

    def __init__(self, snapshot: int, columns: int | None) -> None:
        self._snapshot, self._columns = snapshot, columns
        self.before = ""

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        return existing or {}

    def files(
        self,
        table: Table | None,
        out: DataFiles,  # noqa: ARG002
        targets: Mapping[str, Target],  # noqa: ARG002
    ) -> FileChange:
        assert table is not None  # it creates none
        self.before = _state_of(table)
        then, now = _data_files(table, self._snapshot), _data_files(table, None)
        added = [file for path, file in then.items() if path not in now]
        removed = [file for path, file in now.items() if path not in then]
        if any(file.spec_id != table.metadata.default_spec_id for file in added):
            raise _NotByFilesError
        columns = _columns_then(table, self._snapshot, self._columns)
        if columns is not None and not _has_keys(table, columns):
            raise _NotByFilesError
        if not added and not removed and columns is None:
            raise _SameError
        _check_there(table, added)
        rows = sum(int(file.record_count) for file in added)
        return FileChange(added=added, removed=removed, rows=rows, schema_id=columns)


class Restoring:
    """name: a dataset at the snapshot that it goes back to."""

    def __init__(self, project: Project, store: CatalogStore, name: DatasetName) -> None:
        self._project, self._store, self._name = project, store, name
        self._written_by = actor(project)

    def restore(self) -> Restored:
        """Bring the state back. Raises NotFound for a snapshot that there is not, and Conflict if
        data files of it are gone.
        """
        name, snapshot, note = self._name.whole, self._name.snapshot, ""
        assert snapshot is not None
        rows = records.dataset(self._name, self._metadata()).rows.value  # NotFound if it is gone
        with_columns_of(self._store.load(name), self._name)  # NotFound if it has no such columns
        change = _RestoreChange(snapshot, self._name.columns)
        terms = Terms(summary=self._summary, undo=lambda: None, stale=lambda _: False)
        try:
            done = commit(self._store, name, change, owner=self._project.user, terms=terms)
            new, before = done.snapshot, change.before
        except _SameError:
            return self._restored(change.before.partition(".")[0], rows, undo="")
        except _NotByFilesError:
            before, note = self._go_back(name, snapshot)
            new = str(snapshot)
        undo = f"mlinfra catalog restore {name.asked} {before}" if before else ""
        self._tell(new)
        return self._restored(new, rows, undo=undo, note=note)

    def _metadata(self) -> records.Metadata:
        return self._store.metadata(self._store.entry(self._name))

    def _summary(self) -> Mapping[str, str]:
        """What the new snapshot says: which files count, and how far each stream has got, as the
        earlier one has them.
        """
        metadata, snapshot = self._metadata(), self._name.snapshot
        then = {**metadata, "current-snapshot-id": snapshot}
        streams = [
            key.removeprefix(records.POSITION)
            for key in metadata.get("properties", {})
            if key.startswith(records.POSITION)
        ]
        told = {**then, "properties": {}}
        return {
            records.WRITTEN_BY: self._written_by,
            records.RESTORED_FROM: str(snapshot),
            records.FILES: json.dumps(list(records.files_at(metadata, snapshot))),
            **{f"{records.POSITION}{stream}": position(told, stream).at for stream in streams},
        }

    def _go_back(self, name: DatasetName, snapshot: int) -> tuple[str, str]:
        """Returns the newest state that there was, and a note. pyiceberg asks that it still is the
        newest: so a commit that comes first is in what the next attempt returns.
        """
        from pyiceberg.exceptions import CommitFailedException

        with self._store.explained(f"{name.text} was not restored."), self._store.lock(name):
            for _ in range(_ATTEMPTS):
                table = self._store.open(name)
                check_properties(table, f"{name.text} was not restored.")
                before = _state_of(table)
                columns = _columns_then(table, snapshot, self._name.columns)
                keeps = columns is not None and not _has_keys(table, columns)
                try:
                    _set_current(table, snapshot, None if keeps else columns)
                except CommitFailedException:
                    continue
                return before, _PRESENT_COLUMNS if keeps else _WENT_BACK
        raise Conflict(
            f"{name.text} was not restored.",
            f"Other writers came first {_ATTEMPTS} times.",
            "Try again when fewer write to it; nothing was changed.",
        )

    def _restored(
        self, new: str, rows: float | str | None, *, undo: str, note: str = ""
    ) -> Restored:
        return Restored(
            dataset=self._name.text,
            snapshot=new,
            restored_from=str(self._name.snapshot),
            rows=None if rows is None else int(rows),
            undo=undo,
            note=note,
        )

    def _tell(self, new: str) -> None:
        name, then = self._name, self._name.snapshot
        with telling(f"{name.text} is restored (snapshot {new})"):
            self._project.lineage.record(
                self._written_by,
                inputs=[f"{name.ref}@{then}"],
                outputs=[f"{name.ref}@{new}"],
                facts={"restored_from": str(then)},
            )
            facts = {"snapshot": new, "restored_from": str(then)}
            self._project.events.emit("dataset", name.ref, facts)


def _state_of(table: Table) -> str:
    """The newest state, as `restore` takes it; with the number of its columns if they were changed
    since its rows were written. Empty if it has only branches.
    """
    snapshot, columns = table.current_snapshot(), table.metadata.current_schema_id
    if snapshot is None:
        return ""
    is_same = snapshot.schema_id in (None, columns)
    return f"{snapshot.snapshot_id}" if is_same else f"{snapshot.snapshot_id}.{columns}"


def _columns_then(table: Table, snapshot: int, columns: int | None) -> int | None:
    """The number of the columns that a state has: its own, or `columns` if that is given. None if
    they are the present ones.
    """
    then = table.snapshot_by_id(snapshot)
    if columns is None and then is not None:
        columns = then.schema_id
    return None if columns == table.metadata.current_schema_id else columns


def _has_keys(table: Table, columns: int) -> bool:
    """Whether these columns have all by which the table is partitioned and sorted now."""
    keys = {field.source_id for field in table.spec().fields}
    keys |= {field.source_id for field in table.sort_order().fields}
    return keys <= set(table.schemas()[columns].field_ids)


def _set_current(table: Table, snapshot: int, columns: int | None) -> None:
    """Let the table go back to a snapshot, and to these columns, in one commit."""
    from pyiceberg.table.update import AssertCurrentSchemaId, SetCurrentSchemaUpdate
    from pyiceberg.table.update.snapshot import ManageSnapshots

    with table.transaction() as transaction:
        if columns is not None:
            update = SetCurrentSchemaUpdate.model_validate({"schema-id": columns})
            present = table.metadata.current_schema_id
            asserted = AssertCurrentSchemaId.model_validate({"current-schema-id": present})
            transaction._apply((update,), (asserted,))
        with ManageSnapshots(transaction) as manage:
            manage.set_current_snapshot(snapshot)


def _data_files(table: Table, snapshot: int | None) -> dict[str, DataFile]:
    """The data files of a snapshot, or of the newest, by location. Raises _NotByFilesError if rows
    of them are deleted in files of their own.
    """
    there = table.current_snapshot() if snapshot is None else table.snapshot_by_id(snapshot)
    if there is None:
        return {}
    if is_needed(table, there):
        raise _NotByFilesError
    tasks: list[FileScanTask] = list(table.scan(snapshot_id=there.snapshot_id).plan_files())
    if any(task.delete_files for task in tasks):
        raise _NotByFilesError
    return {task.file.file_path: task.file for task in tasks}


def _check_there(table: Table, files: list[DataFile]) -> None:
    missing = [file.file_path for file in files if not table.io.new_input(file.file_path).exists()]
    if missing:
        raise Conflict(
            f"{'.'.join(table.name())} was not restored.",
            f"{len(missing)} of its data files are gone: {', '.join(missing[:_MISSING_SHOWN])}.",
            "Restore them from a backup, or choose another snapshot.",
        )
