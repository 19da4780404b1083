"""The verbs that care for datasets: where they are, how many files they have, and what becomes of
those that are not needed any more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unprocessable
from ...core.events import telling
from ...core.files import explain_os_error
from ...core.origin import actor
from ...core.records import Page, page_of
from ...core.viewer import Reveal
from .. import metadata as records
from ..names import DatasetName
from ..stores.versions import check_rows
from ..tables.registered import RegisteredTable
from ..uses import made_from
from .base import Verbs, whole

if TYPE_CHECKING:
    from ..care.compacting import Compaction
    from ..care.spec import Care, CarePlan, Deleted, Moved, Trashed
    from ..care.trash import Item, Trash

Progress = Callable[[int, int], None]


class CareVerbs(Verbs):
    """What is done for datasets, and with those that are not needed any more; a base of
    `Catalog`.
    """

    def care(self, name: str) -> Care:
        """How a dataset is kept: its tier, its files, duplicates of them, how often it is read, and
        at most one suggestion.
        """
        from ..care.advice import Advisor

        return Advisor(self._store, self._uses).care(self.own(name))

    def move(self, name: str, *, tier: str, on_progress: Progress = lambda *_: None) -> Moved:
        """Move a dataset into another tier of `[catalog.tiers]`, or back to `hot`, with its name
        and all of its snapshots. Its old files stay until `clean`.

        on_progress: called with the bytes that are copied, and all. Raises NotFound for an unknown
        tier, Conflict if the catalog does not allow it, or if others wrote every time.
        """
        from ..care.moving import Moving

        return Moving(self._project, self._store).move(
            self.own(name), tier, on_progress=on_progress
        )

    def relocate(self, *, on_progress: Progress = lambda *_: None) -> Page[Moved]:
        """After the project's folder was moved or copied: let the tables of its own catalog name
        the files in this folder. Only metadata is written. on_progress: called with the tables that
        are done, and all.

        Returns the tables that were concerned, with a note for one that was not changed. Raises
        Conflict for a catalog that is not in the project's folder.
        """
        from ..care.adopting import adopt

        found = adopt(self._project, self._store, on_progress=on_progress)
        return Page(items=found, shown=len(found), total=len(found), cursor=None)

    def compact(
        self, name: str, *, really: bool = True, on_progress: Progress = lambda *_: None
    ) -> CarePlan:
        """Join the small data files of a dataset within each partition, and take deleted rows out
        of its files, in one commit. really: False only says what it would do. on_progress: called
        with the rows that are written, and all.
        """
        from ..care.compacting import Compaction, NothingToDo, plan
        from ..care.spec import CarePlan

        dataset_name = self.own(name)
        if not really:
            with self._store.explained(f"{dataset_name.text} cannot be read."):
                table = self._store.load(dataset_name)
                check_rows(table, f"{dataset_name.text} cannot be compacted.")
                found = plan(table)
            return CarePlan(
                dataset=dataset_name.text,
                files_before=found.files,
                files_after=found.files_after,
                bytes=found.bytes,
            )
        change = Compaction(on_progress)
        try:
            snapshot = self._compacted(dataset_name, change)
        except NothingToDo as nothing:
            found_files = plan(self._store.load(dataset_name)).files
            return CarePlan(
                dataset=dataset_name.text,
                files_before=found_files,
                files_after=found_files,
                bytes=0,
                note=str(nothing),
            )
        return CarePlan(
            dataset=dataset_name.text,
            files_before=change.before,
            files_after=change.after,
            bytes=change.bytes,
            snapshot=snapshot,
            note="Earlier snapshots keep the old files until they expire.",
            done=True,
        )

    def _compacted(self, name: DatasetName, change: Compaction) -> str:
        from ..commit import Terms, commit

        written_by = actor(self._project)
        terms = Terms(
            summary=lambda: {records.WRITTEN_BY: written_by, records.COMPACTED: "true"},
            undo=lambda: None,
            stale=lambda _: False,
        )
        done = commit(self._store, name, change, owner=self._project.user, terms=terms)
        with telling(f"{name.text} is compacted (snapshot {done.snapshot})"):
            facts = {"snapshot": done.snapshot, "files": change.after}
            self._project.events.emit("dataset", name.ref, facts)
        return done.snapshot

    def clean(
        self,
        name: str,
        *,
        hours: int | None = None,
        really: bool = True,
        on_progress: Progress = lambda *_: None,
    ) -> CarePlan:
        """Delete files that no snapshot has, in the folders of a dataset. hours: how old they must
        be; `orphan_hours` of the settings by default. really: False only says which they are.
        on_progress: called with the files that are deleted, and all. Files with foreign names are
        never deleted, only named.
        """
        from ..care.orphans import Orphans

        _check_hours(hours)
        return Orphans(self._project, self._store).clean(
            self.own(name), hours=hours, really=really, on_progress=on_progress
        )

    def clean_all(self, *, hours: int | None = None, really: bool = True) -> Page[CarePlan]:
        """As `clean`, for every dataset: those where there is something to say. What the trash has
        kept long enough goes too.
        """
        from ..care.orphans import Orphans

        _check_hours(hours)
        orphans = Orphans(self._project, self._store)
        plans: list[CarePlan] = []
        if really:
            _, failed = self._empty()
            plans = [_not_cleaned(DatasetName.of(name), error) for name, error in failed]
        for entry in self._store.entries():
            name = DatasetName(entry.namespace, entry.table)
            try:
                plan = orphans.clean(name, hours=hours, really=really)
            except MLInfraError as error:  # one that cannot be read must not hide the others
                plan = _not_cleaned(name, error)
            if plan.orphans or plan.note:
                plans.append(plan)
        return Page(items=plans, shown=len(plans), total=len(plans), cursor=None)

    def delete(self, name: str, *, force: bool = False, reveal: Reveal = True) -> Deleted:
        """Take a dataset out of the catalog, into the trash: it can be restored for `trash_days`,
        then its files may be deleted. What is registered in place is only forgotten. reveal: who
        forgets one with columns tagged `pii`, whose values another name would show; it is recorded.

        Raises Conflict if lineage knows something made from it (a view, a run, an existing
        dataset), unless `force`, and Forbidden if those tags may not be taken off.
        """
        from ..care.spec import Deleted

        table = self._tables.find(whole(name))
        if isinstance(table, RegisteredTable):
            personal = table.tables.registered.personal
            self._revealing.delete(table.name.text, personal, reveal, in_place=True)
            self._registrations.remove(table.name)
            self._tell_deleted(table.name)
            return Deleted(deleted=table.name.text, files=table.tables.registered.location)
        dataset_name = self.own(name)
        with (
            self._store.lock(dataset_name),
            self._store.explained(f"{dataset_name.text} was not deleted."),
        ):
            if not force and self._store.load(dataset_name):
                self._check_unused(dataset_name)
            with contextlib.suppress(NotFound, Unprocessable):  # damaged: it can be deleted still
                metadata = self._store.metadata(self._store.entry(dataset_name))
                personal = records.masked(dataset_name, metadata)
                self._revealing.delete(dataset_name.text, personal, reveal, in_place=False)
            trashed, files = self._trash.drop(dataset_name)
        self._tell_deleted(dataset_name)
        return Deleted(
            deleted=dataset_name.text,
            files=files,
            trash=trashed.id,
            until=trashed.until,
            undo=f"mlinfra catalog trash restore {trashed.id}",
        )

    def trash(self, *, limit: int = 50, cursor: str | None = None) -> Page[Trashed]:
        """The deleted datasets that can be restored, the newest first."""
        items = [item.record for item in self._trash.gone() if not item.is_purged]
        return page_of(items, limit=limit, cursor=cursor)

    def restore_deleted(self, trashed: str | int, *, into: str = "") -> Trashed:
        """Bring a deleted dataset back, with all of its snapshots. trashed: its number, or its name
        for the newest of that name. into: another name. Raises NotFound, and Conflict if there is a
        dataset of that name.
        """
        item = self._trash.item(str(trashed))
        name = whole(into or item.record.name)
        self._tables.check_free(name)
        with (
            self._store.lock(name),
            self._trash.held(item.record.id),
            self._store.explained(f"{item.record.name} was not restored."),
        ):
            self._trash.restore(item, name)
        with telling(f"{name.text} is restored"):
            self._project.events.emit("dataset", name.ref, {"restored": True})
        return item.record

    def purge(self, trashed: str | int | None = None) -> Page[Trashed]:
        """Delete the files of a deleted dataset now, or, without one, of all whose time is over.
        What another dataset needs stays. Returns those that are gone. One that cannot be deleted
        keeps no other from it, stays in the trash, where it cannot be restored any more, and is
        done by the next purge.
        """
        if trashed is None:
            gone, failed = self._empty()
            if failed:
                raise failed[0][1]
        else:
            number = self._trash.item(str(trashed)).record.id
            found = [item for item in self._trash.gone() if item.record.id == number]
            gone = [self._purged(item) for item in found]
        return Page(items=gone, shown=len(gone), total=len(gone), cursor=None)

    def _empty(self) -> tuple[list[Trashed], list[tuple[str, MLInfraError]]]:
        """Those that are gone, and those that are not, by name."""
        gone: list[Trashed] = []
        failed: list[tuple[str, MLInfraError]] = []
        for item in self._trash.ended():
            try:
                gone.append(self._purged(item))
            except MLInfraError as error:
                failed.append((item.record.name, error))
            except OSError as error:
                found = explain_os_error(error, f"{item.record.name} was not purged.")
                failed.append((item.record.name, found))
        return gone, failed

    def _purged(self, item: Item) -> Trashed:
        from ..care.files import io_of, read_metadata
        from ..care.orphans import Orphans

        number = item.record.id
        with (
            self._trash.held(number),
            self._store.explained(f"{item.record.name} was not purged."),
        ):
            if number not in [line.record.id for line in self._trash.gone()]:
                return item.record  # by another process
            self._trash.purging(number)
            try:
                metadata = read_metadata(io_of(self._store, item.metadata), item.metadata)
            except FileNotFoundError:  # nothing says which files it had
                pass
            else:
                Orphans(self._project, self._store).purge(metadata, item.metadata)
            self._trash.take(number)
        return item.record

    def _check_unused(self, name: DatasetName) -> None:
        if users := made_from(name, self._project, self._store):
            more = f" and {len(users) - 5} more" if len(users) > 5 else ""
            raise Conflict(
                f"{name.text} is in use.",
                f"Made from it: {', '.join(users[:5])}{more}.",
                "If they may lose it: --force (in Python force=True).",
            )

    @property
    def _trash(self) -> Trash:
        from ..care.trash import Trash

        return Trash(self._project, self._store)

    def _tell_deleted(self, name: DatasetName) -> None:
        with telling(f"{name.text} is deleted"):
            self._project.events.emit("dataset", name.ref, {"deleted": True})


def _check_hours(hours: int | None) -> None:
    if hours is not None and hours < 1:
        raise BadRequest(
            f"hours={hours} is out of range.",
            "A younger file may belong to a write that is under way.",
            "At least 1, or leave it out: [catalog] orphan_hours.",
        )


def _not_cleaned(name: DatasetName, error: MLInfraError) -> CarePlan:
    from ..care.spec import CarePlan

    return CarePlan(
        dataset=name.text, files_before=0, files_after=0, bytes=0, note=f"{error.what} {error.why}"
    )
