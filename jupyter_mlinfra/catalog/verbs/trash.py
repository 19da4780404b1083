"""The verbs that take datasets out of the catalog, bring them back, and delete their files."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import Conflict, MLInfraError, NotFound, Unavailable, Unprocessable
from ...core.events import telling
from ...core.files import explain_os_error
from ...core.records import Page, page_of
from ...core.viewer import Reveal
from ..personal import personal_before, personal_columns
from ..tables.registered import RegisteredTable
from ..uses import made_from
from .base import Verbs, whole

if TYPE_CHECKING:
    from ..care.spec import Deleted, Trashed
    from ..care.trash import Item, Trash
    from ..names import DatasetName


class TrashVerbs(Verbs):
    """Deleted datasets; a base of `Catalog`."""

    def delete(self, name: str, *, force: bool = False, reveal: Reveal = True) -> Deleted:
        """Take a dataset out of the catalog, into the trash: it can be restored for `trash_days`,
        then its files may be deleted. What is registered in place is only forgotten. reveal: who
        forgets one with columns tagged `pii`, whose values another name would show; it is recorded.

        Raises Conflict if lineage knows something made from it (a view, a run, an existing
        dataset) and Unprocessable if its metadata is damaged, unless `force`; Forbidden if those
        tags may not be taken off.
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
            if not force:
                self._check_whole(dataset_name)
                self._check_unused(dataset_name)
            with contextlib.suppress(NotFound):
                personal = self._personal(dataset_name)
                self._revealing.delete(dataset_name.text, personal, reveal, in_place=False)
            trashed, files = self._trash.drop(dataset_name, damaged=force)
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
        return replace(item.record, name=name.text)

    def purge(self, trashed: str | int | None = None) -> Page[Trashed]:
        """Delete the files of a deleted dataset now, or, without one, of all whose time is over.
        What another dataset needs stays. Returns those that are gone. One that cannot be deleted
        keeps no other from it, stays in the trash, where it cannot be restored any more, and is
        done by the next purge.
        """
        if trashed is None:
            gone, failed = self._emptied()
            if failed:
                raise failed[0][1]
        else:
            number = self._trash.item(str(trashed)).record.id
            found = [item for item in self._trash.gone() if item.record.id == number]
            gone = [self._purged(item) for item in found]
        return Page(items=gone, shown=len(gone), total=len(gone), cursor=None)

    def _emptied(self) -> tuple[list[Trashed], list[tuple[str, MLInfraError]]]:
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

    def _check_whole(self, name: DatasetName) -> None:
        """Raise what is wrong with its metadata: to delete it all the same has to be asked for."""
        try:
            self._store.load(name)
        except (Unavailable, Unprocessable) as error:
            fix = (
                f"{error.fix} To take it out of the catalog all the same:"
                f" mlinfra catalog delete {name.asked} --force (in Python force=True)."
            )
            raise type(error)(f"{name.text} was not deleted.", error.why, fix) from error

    def _personal(self, name: DatasetName) -> frozenset[str]:
        try:
            found = personal_columns(self._project, [name.text], dropped=True)
        except (Unavailable, Unprocessable):  # damaged: it can be deleted still
            with contextlib.suppress(Unavailable, OSError):
                return personal_before(self._project, self._store, name)
            return frozenset()
        return found.get(name.text, frozenset())

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
