"""Files that no snapshot of any table has: of writers that were killed, of commits that were
refused, of snapshots that expired, of moves.

The folder is listed before the metadata is read, so that what is committed meanwhile is younger
than what is looked at. Only a file with a name that Iceberg's writers give is ever deleted.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from ...core.waiting import check_waiting
from ..abandoned import clean_up
from ..access.folders import MaskedFolders
from ..names import DatasetName
from ..settings import CatalogSettings
from ..stores.tiers import plain
from .files import Found, earlier, io_of, listed, needed, read_metadata
from .places import Left, Moves
from .spec import CarePlan, Orphan
from .trash import Trash

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from ...core.project import Project
    from ..store import CatalogStore

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_OURS = re.compile(
    rf"(?:\d{{5}}-\d+-{_UUID}(?:-\d+)*(?:-deletes)?\.(?:parquet|avro|orc)"
    rf"|\d{{5}}-{_UUID}(?:\.gz)?\.metadata\.json(?:\.gz)?"
    rf"|v\d+(?:\.gz)?\.metadata\.json|{_UUID}-m\d+\.avro|snap-\d+-\d+-{_UUID}\.avro)\Z"
)
"""Names that pyiceberg, Iceberg's own writers and this package give."""

_SHOWN = 500
_HOUR = 3600.0


class Orphans:
    """Finds and deletes the files of one project's tables that nobody needs."""

    def __init__(self, project: Project, store: CatalogStore) -> None:
        self._project, self._store = project, store
        self._moves = Moves(project)

    def clean(
        self,
        name: DatasetName,
        *,
        hours: int | None,
        really: bool,
        on_progress: Callable[[int, int], None] = lambda *_: None,
    ) -> CarePlan:
        """Find what nobody needs in the folders of a table; `really`: delete it. hours: how old a
        file must be; None for what the settings say. on_progress: called with the number of files
        that are deleted, and of all.
        """
        settings = self._project.settings.of(CatalogSettings)
        least = settings.orphan_hours if hours is None else hours
        if really:
            clean_up(self._store, name)
        with self._store.explained(f"{name.text} was not cleaned."):
            table = self._store.load(name)
            left = self._moves.of(str(table.metadata.table_uuid))
            own = table.metadata.location
            since = {plain(item.folder): item for item in left if plain(item.folder) != plain(own)}
            found = {plain(file.path): file for file in self._listed([own, *since])}
            _check_whole(table, found.keys(), self._store.metadata_of(table))
            needs = self.needed(name, [own, *since])
            files, is_busy = self._store.pending.files(name.text)
            journal = {plain(path) for path in files}
            deleted = self._of_deleted(found.values(), needs, str(table.metadata.table_uuid))
            judged = [
                (file, self._judged(file, journal, deleted, since, least, is_busy=is_busy))
                for file in found.values()
                if plain(file.path) not in needs
            ]
            orphans = [item for item in judged if not item[1][1]]
            if really:
                self._delete([file for file, _ in orphans], on_progress)
                self._forget(left, own)
            return self._plan(table, name, judged, really=really)

    def purge(self, metadata: Mapping[str, Any], location: str) -> None:
        """Delete what a table that is no more has left in its folder, and where it was before, but
        what others need. metadata: its last; location: of that file, which goes last, so that it
        can be done again.
        """
        left = self._moves.of(str(metadata["table-uuid"]))
        folders = list(dict.fromkeys([metadata["location"], *(item.folder for item in left)]))
        needs = self.needed(None, folders)
        gone = [
            file
            for file in self._listed(folders)
            if plain(file.path) not in needs and is_ours(file.path)
        ]
        gone.sort(key=lambda file: plain(file.path) == plain(location))
        self._delete(gone, lambda *_: None)
        self._forget(left, metadata["location"])

    def _listed(self, folders: Sequence[str]) -> list[Found]:
        return [file for folder in folders for file in listed(self._store, folder)]

    def needed(self, name: DatasetName | None, folders: Sequence[str]) -> set[str]:
        """What the tables need that may have files in these folders: that of the name, those whose
        location is there, and those in the trash.
        """
        found = set[str]()
        places = [f"{plain(folder)}/" for folder in folders]
        for other, location in self._locations:
            if other != name and not _meets(location, places):
                continue
            table = self._store.load(other)
            found |= needed(table.io, self._store.metadata_of(table), table.metadata_location)
        for location, metadata in self._trashed():
            if _meets(location, places):
                found |= needed(io_of(self._store, location), metadata, location)
        return found | self._set_aside()

    def trashed(self, uuid: str) -> list[Mapping[str, Any]]:
        """The metadata of the tables with a UUID that can be restored from the trash."""
        return [metadata for _, metadata in self._trashed() if metadata["table-uuid"] == uuid]

    def _trashed(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The places of the last metadata files in the trash, and what they say."""
        for item in Trash(self._project, self._store).rows():
            if not item.is_purged:
                with contextlib.suppress(FileNotFoundError):  # it cannot be restored any more
                    io = io_of(self._store, item.metadata)
                    yield item.metadata, read_metadata(io, item.metadata)

    @cached_property
    def _locations(self) -> Sequence[tuple[DatasetName, str]]:
        return [
            (
                DatasetName(entry.namespace, entry.table),
                str(self._store.metadata(entry)["location"]),
            )
            for entry in self._store.entries()
        ]

    def _of_deleted(self, files: Iterable[Found], needs: set[str], own: str) -> set[str]:
        """What tables with another UUID need whose metadata files are there: a catalog may be used
        by several projects, each with a trash of its own.
        """
        from pyiceberg.exceptions import ValidationError

        newest: dict[str, tuple[Mapping[str, Any], str]] = {}
        for file in files:
            if not file.path.endswith(".metadata.json") or plain(file.path) in needs:
                continue
            try:
                metadata = read_metadata(io_of(self._store, file.path), file.path)
            except (OSError, ValueError, ValidationError):  # of a write that was killed
                continue
            at, uuid = metadata["last-updated-ms"], metadata["table-uuid"]
            if uuid != own and (uuid not in newest or newest[uuid][0]["last-updated-ms"] < at):
                newest[uuid] = (metadata, file.path)
        found = set[str]()
        for metadata, path in newest.values():
            with contextlib.suppress(OSError):  # its files are gone already
                found |= needed(io_of(self._store, path), metadata, path)
        return found

    def _set_aside(self) -> set[str]:
        """Damaged files that may be put back."""
        notes = (self._project.home / "quarantine" / "files").glob("*/*.json")
        return {plain(json.loads(note.read_bytes())["file"]) for note in notes}

    def _judged(
        self,
        file: Found,
        journal: set[str],
        deleted: set[str],
        since: dict[str, Left],
        least: int,
        *,
        is_busy: bool,
    ) -> tuple[Orphan, bool]:
        """The file with the reason, and whether it is kept all the same."""
        moved = next((m for f, m in since.items() if plain(file.path).startswith(f"{f}/")), None)
        at = max(file.at, moved.at if moved else 0.0)
        age = max(0.0, (time.time() - at) / _HOUR)
        why, kept = "no snapshot has it", True
        if plain(file.path) in journal:
            why = "a write that is not settled made it"
        elif plain(file.path) in deleted:
            why = "a dataset that was deleted needs it: another project may have it in its trash"
        elif not is_ours(file.path):
            why = "its name is not one of Iceberg's: somebody else put it there"
        elif is_busy and moved is None:
            why = "the dataset is being written"
        elif age < least:
            why = f"it is younger than {least} h: a reader or writer may still need it"
        else:
            kept = False
            why = "the dataset has moved away" if moved else why
        return Orphan(file=file.path, bytes=file.bytes, age_hours=round(age, 1), why=why), kept

    def _delete(self, files: Sequence[Found], on_progress: Callable[[int, int], None]) -> None:
        io = io_of(self._store, files[0].path) if files else None
        for number, file in enumerate(files, 1):
            check_waiting()
            assert io is not None  # there are files
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                io.delete(file.path)
            on_progress(number, len(files))

    def _forget(self, left: Sequence[Left], own: str) -> None:
        for item in left:
            if plain(item.folder) == plain(own) or not any(listed(self._store, item.folder)):
                self._moves.done(item)

    def _plan(
        self,
        table: Table,
        name: DatasetName,
        judged: Sequence[tuple[Found, tuple[Orphan, bool]]],
        *,
        really: bool,
    ) -> CarePlan:
        largest = sorted((item for _, item in judged), key=lambda item: -item[0].bytes)
        folders = MaskedFolders(self._store.metadata_of(table))
        shown = [(replace(item, file=folders.hide(item.file)), kept) for item, kept in largest]
        orphans = [orphan for orphan, is_kept in shown if not is_kept]
        kept = [orphan for orphan, is_kept in shown if is_kept]
        snapshot = table.current_snapshot()
        totals = snapshot.summary if snapshot is not None else None
        files = int((totals["total-data-files"] if totals is not None else None) or 0)
        return CarePlan(
            dataset=name.text,
            files_before=files,
            files_after=files,
            bytes=sum(orphan.bytes for orphan in orphans),
            orphans=orphans[:_SHOWN],
            kept=kept[:_SHOWN],
            orphans_total=len(orphans),
            kept_total=len(kept),
            more=max(0, len(orphans) - _SHOWN) + max(0, len(kept) - _SHOWN),
            done=really,
        )


def _check_whole(table: Table, listed: Collection[str], metadata: Mapping[str, Any]) -> None:
    """Raise Unprocessable if the listing of a table's folder lacks what the table needs there:
    then it does not say which files are not needed either.
    """
    own = f"{plain(table.metadata.location)}/"
    needs = needed(table.io, metadata, table.metadata_location)
    there = {path for path in needs if path.startswith(own)}
    lost = there - set(listed) - {plain(path) for path in earlier(metadata)}
    if lost or not there:
        found = MaskedFolders(metadata).hide(min(lost)) if lost else own
        raise Unprocessable(
            f"{'.'.join(table.name())} was not cleaned.",
            f"{found} is not in the listing of its folder, so what else is there cannot be judged.",
            "Restore the file, or expire the snapshots that need it.",
        )


def is_ours(path: str) -> bool:
    """Whether Iceberg's writers give such names."""
    return _OURS.match(path.rpartition("/")[2]) is not None


def _meets(location: str, places: Sequence[str]) -> bool:
    """Whether a location is in one of the folders, or one of them in it."""
    found = f"{plain(location)}/"
    return any(found.startswith(place) or place.startswith(found) for place in places)
