"""Where datasets are kept, and what becomes of those that are not needed any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ....core.errors import BadRequest
from ....faces.handler import Handler, elsewhere
from ....faces.parameters import Cursor, Interval, Limit, Name
from ....faces.reveal import viewer_if_allowed
from .rights import check_readable, may_be_of, read, write

if TYPE_CHECKING:
    from ....core.records import Page
    from ....jobs.spec import Job
    from ...care.spec import Care, CarePlan, Deleted, Trashed

Hours = Annotated[int, Interval(ge=1, le=100_000)]


class DatasetCare(Handler):
    @read(slow=True)
    def get(self, name: str) -> Care:
        """How a dataset is kept: tier, files, size, duplicates, use, and at most one suggestion."""
        return self.bench.catalog.care(check_readable(self, name))


class DatasetMove(Handler):
    @write(slow=elsewhere)
    def post(self, name: str, *, tier: Name) -> Job:
        """Move the dataset into another tier, with its name and all of its snapshots: a job."""
        name = _own(self, name)
        return self.as_job("catalog move", name, of=name, tier=tier)


class DatasetCompact(Handler):
    @read(slow=True)
    def get(self, name: str) -> CarePlan:
        """What a compaction would do."""
        return self.bench.catalog.compact(check_readable(self, name), really=False)

    @write(slow=elsewhere)
    def post(self, name: str) -> Job:
        """Join the small files of the dataset; its rows stay: a job."""
        name = _own(self, name)
        return self.as_job("catalog compact", name, of=name, yes=True)


class DatasetClean(Handler):
    @read(slow=True)
    def get(self, name: str, *, older_than: Hours | None = None) -> CarePlan:
        """The files in the dataset's folders that no snapshot has."""
        name = check_readable(self, name)
        return self.bench.catalog.clean(name, hours=older_than, really=False)

    @write(slow=elsewhere)
    def post(self, name: str, *, older_than: Hours | None = None) -> Job:
        """Delete the files that no snapshot has: a job."""
        name = _own(self, name)
        return self.as_job("catalog clean", name, of=name, yes=True, **{"older-than": older_than})


class Clean(Handler):
    @read(slow=True)
    def get(self, *, older_than: Hours | None = None) -> Page[CarePlan]:
        """The files that no snapshot has, of all datasets that have some."""
        return self.bench.catalog.clean_all(hours=older_than, really=False)

    @write(slow=elsewhere)
    def post(self, *, older_than: Hours | None = None) -> Job:
        """Delete them, and what the trash has kept long enough: a job."""
        options = {"older-than": older_than}
        return self.as_job("catalog clean", of="all datasets", yes=True, **options)


class DatasetDelete(Handler):
    @write
    def post(self, name: str, *, force: bool = False) -> Deleted:
        """Take the dataset out of the catalog, into the trash."""
        return self.bench.catalog.delete(name, force=force, reveal=viewer_if_allowed(self))


class TrashList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Trashed]:
        """The deleted datasets that can be restored, the newest first."""
        return self.bench.catalog.trash(limit=limit, cursor=cursor)


class TrashRestore(Handler):
    @write
    def post(self, id: str, *, into: Name | None = None) -> Trashed:
        """Bring a deleted dataset back, perhaps under another name."""
        return self.bench.catalog.restore_deleted(id, into=into or "")


class TrashPurge(Handler):
    @write(slow=elsewhere)
    def post(self, id: str) -> Job:
        """Delete the files of a deleted dataset now: a job. It cannot be restored any more."""
        _check_number(id)
        return self.as_job("catalog trash", "purge", id, of=id)


def _check_number(text: str) -> None:
    """A name would mean the newest of that name, which may be another one by then."""
    if not text.isdecimal():
        raise BadRequest(f"{text[:80]!r} is no number in the trash.", fix="List the trash.")


def _own(handler: Handler, name: str) -> str:
    """The name of a dataset. Raises Conflict for a table of another domain."""
    from ... import DatasetName

    found = DatasetName.parse(name).asked
    if may_be_of(found):
        handler.bench.catalog.own(found)
    return found


ROUTES: dict[str, type[Handler]] = {
    "catalog/datasets/{name}/care": DatasetCare,
    "catalog/datasets/{name}/move": DatasetMove,
    "catalog/datasets/{name}/compact": DatasetCompact,
    "catalog/datasets/{name}/clean": DatasetClean,
    "catalog/datasets/{name}/delete": DatasetDelete,
    "catalog/clean": Clean,
    "catalog/trash": TrashList,
    "catalog/trash/{id}/purge": TrashPurge,
    "catalog/trash/{id}/restore": TrashRestore,
}
