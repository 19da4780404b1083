"""Damaged data files out of a dataset, so that the others can be read; and back again, once they
are what was written.

The files stay where they are, and older snapshots still name them. A copy is kept, with what is
needed to recognise the file when it is whole again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ..core.errors import Conflict
from ..core.events import telling
from ..core.files import write_atomic
from ..core.origin import actor
from . import metadata as records
from .access.folders import MaskedFolders
from .change import FileChange
from .commit import Terms, commit
from .integrity import checksums_of, damage_of, verify
from .names import DatasetName
from .spec import Verification

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from ..core.project import Project
    from .conform import Target
    from .datafiles import DataFiles
    from .store import CatalogStore


@dataclass
class _Files:
    """A change that takes data files out, or puts some in. out: their locations. rows: of these
    files, after `files`.
    """

    locks: ClassVar = True
    creates: ClassVar = False
    rebases: ClassVar = False

    out: Collection[str] = ()
    back: Collection[str] = ()
    rows: int = 0

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        return existing or {}

    def files(
        self,
        table: Table | None,
        out: DataFiles,  # noqa: ARG002
        targets: Mapping[str, Target],  # noqa: ARG002
    ) -> FileChange:
        assert table is not None  # it creates none
        present = {task.file.file_path: task.file for task in table.scan().plan_files()}
        removed = [present[path] for path in self.out if path in present]
        added = [_described(table, path) for path in self.back if path not in present]
        if not removed and not added:
            raise Conflict(
                f"{'.'.join(table.name())} was not changed.",
                "Another process has done the same meanwhile.",
                "Look at it again with mlinfra catalog verify.",
            )
        self.rows = sum(int(file.record_count) for file in [*removed, *added])
        return FileChange(added=added, removed=removed, rows=0, keeps_files=True)


class SettingAside:
    """The damaged files of one dataset."""

    def __init__(self, project: Project, store: CatalogStore, name: DatasetName) -> None:
        self._project, self._store, self._name = project, store, name
        self._folder = project.home / "quarantine" / "files" / name.text

    def set_aside(self, found: Verification) -> Verification:
        """Take the damaged files of a verification out of the dataset, in one commit; a copy of
        each is kept. Returns the verification with what was done.
        """
        damaged = [damage.file for damage in found.damaged]
        if not damaged:
            return found
        table = self._store.load(self._name)
        checksums = checksums_of(table)
        for path in damaged:
            self._keep(table, path, checksums[path.rpartition("/")[2]])
        change = _Files(out=damaged)
        snapshot = self._commit(change)
        return replace(found, set_aside=damaged, rows_lost=change.rows, now=snapshot)

    def put_back(self, on_progress: Callable[[int, int], None]) -> Verification:
        """Put those files back that are what was written again. on_progress: as in `verify`."""
        table = self._store.load(self._name)
        whole = [
            facts["file"]
            for facts in self._kept()
            if not damage_of(table.io, facts["file"], facts["sha256"])
        ]
        present = {task.file.file_path for task in table.scan().plan_files()}
        back = [path for path in whole if path not in present]
        self._check_unchanged(back)
        snapshot = self._commit(_Files(back=back)) if back else None
        for path in whole:
            self._forget(path)
        found = verify(self._store.load(self._name), self._name, on_progress=on_progress)
        return replace(found, put_back=back, still_out=self.still_out(), now=snapshot)

    def still_out(self) -> list[str]:
        """The files that are out of the dataset. A copy is kept before the commit that takes its
        file out, which may be under way or was killed.
        """
        if not (kept := [facts["file"] for facts in self._kept()]):
            return []
        present = {task.file.file_path for task in self._store.load(self._name).scan().plan_files()}
        return [file for file in kept if file not in present]

    def _check_unchanged(self, back: Collection[str]) -> None:
        """Raise Conflict if rows were changed or replaced since files were set aside: theirs would
        come in beside those in their place.
        """
        metadata = self._store.metadata(self._store.entry(self._name))
        left = set(back)
        for entry in records.ancestors(metadata, metadata.get("current-snapshot-id")):
            if not left:
                return
            names = json.loads((entry.get("summary") or {}).get(records.SET_ASIDE, "null"))
            if names is not None:
                left -= {path for path in left if path in names}
            elif not records.keeps_rows(entry):
                break
        if left:
            raise Conflict(
                f"{MaskedFolders(metadata).hide(min(left))} was not put back.",
                "Other rows of the dataset were changed or replaced since it was set aside, perhaps"
                " in its place.",
                "Read its rows with Polars (scan_parquet), and write those that are missing.",
            )

    def _commit(self, change: _Files) -> str:
        written_by = actor(self._project)
        out = json.dumps(list(change.out))
        terms = Terms(
            summary=lambda: {records.WRITTEN_BY: written_by, records.SET_ASIDE: out},
            undo=lambda: None,
            stale=lambda _: False,
        )
        done = commit(self._store, self._name, change, owner=self._project.user, terms=terms)
        with telling(f"{self._name.text} is written (snapshot {done.snapshot})"):
            facts = {"snapshot": done.snapshot, "set_aside": len(change.out)}
            self._project.events.emit("dataset", self._name.ref, facts)
        return done.snapshot

    def _keep(self, table: Table, path: str, checksum: str) -> None:
        """A copy of a damaged file, if it can be read, and what is known of it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / path.rpartition("/")[2]
        with (
            contextlib.suppress(OSError),
            table.io.new_input(path).open() as source,
            place.open("wb") as copy,
        ):
            shutil.copyfileobj(source, copy)
        facts = {"file": path, "sha256": checksum}
        write_atomic(place.with_name(f"{place.name}.json"), json.dumps(facts).encode())

    def _kept(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_bytes()) for path in sorted(self._folder.glob("*.json"))]

    def _forget(self, path: str) -> None:
        place = self._folder / path.rpartition("/")[2]
        for file in (place, place.with_name(f"{place.name}.json")):
            file.unlink(missing_ok=True)


def _described(table: Table, path: str) -> DataFile:
    """What a commit needs to know about a file, read from the file."""
    from pyiceberg.io.pyarrow import parquet_file_to_data_file

    return parquet_file_to_data_file(table.io, table.metadata, path)
