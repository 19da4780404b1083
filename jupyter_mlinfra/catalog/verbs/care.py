"""The verbs that care for datasets: where they are, how many files they have, and which of these
are not needed any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, MLInfraError
from ...core.events import telling
from ...core.origin import actor
from ...core.records import Page
from .. import metadata as records
from ..names import DatasetName
from ..stores.versions import check_rows
from .trash import TrashVerbs

if TYPE_CHECKING:
    from ..care.compacting import Compaction
    from ..care.spec import Care, CarePlan, Moved

Progress = Callable[[int, int], None]


class CareVerbs(TrashVerbs):
    """What is done for datasets and their files; a base of `Catalog`."""

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
        note = (
            "" if found else "There is nothing to relocate: all tables name files in this folder."
        )
        return Page(items=found, shown=len(found), total=len(found), cursor=None, note=note)

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
            _, failed = self._emptied()
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
