"""One write into a dataset: the commit, then its event and its lineage."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..core.errors import NotFound
from ..core.events import telling
from ..core.lineage import UNTRACED
from ..core.origin import actor
from ..core.processes import failpoint
from . import metadata as records
from .change import WriteMode
from .commit import Committed, Terms, commit
from .intake import Rows
from .looking.folders import forget, profiles_in, sketches_in
from .names import DatasetName
from .positions import Advance, Advancing, Position, position
from .quality.ingest import Guarding
from .quarantine import Quarantine
from .quarantined import quarantine_of
from .spec import IngestReport
from .store import CatalogStore
from .ways import changing, notes_of

if TYPE_CHECKING:
    from ..core.project import Project
    from .quality.guarding import Guard

Columns = Mapping[str, Sequence[tuple[str, str]]]
"""For each column of a dataset, inputs and their columns that its values were made of."""


class Writer:
    """Writes rows into the datasets of one project."""

    def __init__(self, project: Project, store: CatalogStore) -> None:
        self._project, self._store = project, store
        self._rules = Guarding(project, store)

    def write(
        self,
        name: DatasetName,
        rows: Rows,
        mode: WriteMode,
        inputs: Sequence[str],
        quarantine: Quarantine,
        *,
        key: Sequence[str] = (),
        properties: Callable[[], Mapping[str, str]] = dict,
        stale: Callable[[records.Metadata], bool] = lambda _: False,
        personal: Collection[str] = (),
        columns: Columns = MappingProxyType({}),
    ) -> IngestReport:
        """Commit rows. key: columns of an upsert. inputs: references of what the rows were made
        from. properties: further properties of the snapshot; called after the last row was read, so
        that an error in it stops the commit. stale: of the metadata that another writer's commit
        has made: whether `properties` must be called again. personal: columns that the commit tags
        `pii`. columns: of each column of the rows, the inputs and their columns that it was made
        of, where that is known.
        """
        written_by, owner = actor(self._project), self._project.user
        folder = self._project.home / "quarantine" / name.text

        def told() -> Mapping[str, str]:
            return {records.WRITTEN_BY: written_by, **properties()}

        with (
            self._rules.guarding(name, rows, mode, key, personal=personal) as guard,
            changing(rows, mode, key, self._project.folder("staging")) as change,
        ):
            terms = _terms(
                quarantine,
                guard,
                properties=told,
                stale=stale,
                place=lambda: quarantine.place(folder, key),
                personal=personal,
            )
            committed = commit(self._store, name, change, owner=owner, terms=terms)
            notes, failed = notes_of(change), guard.warnings if guard else []
            if guard is not None:
                self._rules.keep(name, committed.snapshot, guard.results)
        self._announce(
            name,
            committed,
            written_by,
            inputs,
            quarantined=len(quarantine.rows),
            columns=columns,
        )
        failpoint("catalog-told")
        if personal:
            self._forget_figures(name)
        return IngestReport(
            dataset=name.text,
            rows_written=committed.rows,
            rows_updated=committed.updated,
            quarantined=len(quarantine.rows),
            snapshot=committed.snapshot,
            quarantine=quarantine_of(name) if quarantine.path else None,
            columns=list(committed.schema),
            schema=committed.schema,
            schema_changes=committed.changes,
            notes=notes,
            rules_failed=failed,
        )

    def _forget_figures(self, name: DatasetName) -> None:
        """Remove what is kept of earlier snapshots: it may tell values of a column that is masked
        now.
        """
        forget(profiles_in(self._project.home, name.text))
        forget(sketches_in(self._project.home, self._metadata(name).get("table-uuid")))

    def write_once(
        self,
        name: DatasetName,
        rows: Rows,
        mode: WriteMode,
        inputs: Sequence[str],
        once: str,
        advance: Advance | None,
        *,
        key: Sequence[str] = (),
        personal: Collection[str] = (),
        columns: Columns = MappingProxyType({}),
    ) -> IngestReport:
        """Commit rows, unless those of this name are in the dataset already. It is kept where an
        ingest keeps the digests of its files.
        """
        mark, advancing = _mark(once), Advancing(advance)

        def last_check() -> Mapping[str, str]:
            metadata = self._metadata(name)
            if mark in records.files_in(metadata):
                raise _WrittenError
            return {records.FILES: json.dumps([mark]), **advancing.properties(metadata)}

        def stale(metadata: records.Metadata) -> bool:
            return mark in records.files_in(metadata) or advancing.stale(metadata)

        if not self.written(name, once):
            try:
                return self.write(
                    name,
                    rows,
                    mode,
                    inputs,
                    rows.quarantine,
                    key=key,
                    properties=last_check,
                    stale=stale,
                    personal=personal,
                    columns=columns,
                )
            except _WrittenError:
                pass  # by another process, while this one wrote its files
        metadata = self._store.metadata(self._store.entry(name))
        return IngestReport(
            dataset=name.text,
            rows_written=0,
            quarantined=0,
            snapshot=records.files_in(metadata)[mark],
            columns=[column.name for column in records.columns(name, metadata)],
            summary="Nothing was written: these rows are in the dataset already",
        )

    def written(self, name: DatasetName, once: str) -> str | None:
        """The snapshot that added the rows of this name; None if they are not there."""
        return records.files_in(self._metadata(name)).get(_mark(once))

    def position(self, name: DatasetName, stream: str) -> Position:
        """How far the dataset has got with a stream."""
        return position(self._metadata(name), stream)

    def _metadata(self, name: DatasetName) -> records.Metadata:
        """That of the dataset now; empty if there is none."""
        try:
            return self._store.metadata(self._store.entry(name))
        except NotFound:
            return {}

    def _announce(
        self,
        name: DatasetName,
        committed: Committed,
        written_by: str,
        inputs: Sequence[str],
        *,
        quarantined: int,
        columns: Columns,
    ) -> None:
        """Event and lineage of a commit. The rows are in: an error here is logged, never reported
        as a failed write.
        """
        facts = {"rows": committed.rows, "quarantined": quarantined}
        if committed.updated:
            facts["updated"] = committed.updated
        unknown = [column for column in committed.schema if column not in columns]
        with telling(f"{name.text} is written (snapshot {committed.snapshot})"):
            self._project.lineage.record(
                written_by,
                inputs=inputs,
                outputs=[f"{name.ref}@{committed.snapshot}"],
                facts={**facts, UNTRACED: unknown} if columns and unknown else facts,
                columns=columns,
            )
            self._project.events.emit(
                "dataset", name.ref, {"snapshot": committed.snapshot, **facts}
            )


def _terms(
    quarantine: Quarantine,
    guard: Guard | None,
    *,
    properties: Callable[[], Mapping[str, str]],
    stale: Callable[[records.Metadata], bool],
    place: Callable[[], object],
    personal: Collection[str],
) -> Terms:
    """The terms of a commit. properties, stale, personal: as for `Writer.write`. place: puts the
    rows that did not fit where they are kept.
    """

    def summary() -> Mapping[str, str]:
        further = properties()
        if guard is not None:
            guard.check()
        place()
        return {
            records.QUARANTINED: str(len(quarantine.rows)),
            **({records.QUARANTINE: quarantine.path.stem} if quarantine.path else {}),
            **further,
        }

    def outdated(metadata: records.Metadata) -> bool:
        return stale(metadata) or (guard is not None and guard.stale(metadata))

    return Terms(
        summary=summary,
        undo=quarantine.discard,
        stale=outdated,
        beside=quarantine,
        personal=personal,
    )


class _WrittenError(Exception):
    """The rows of the same name are in the dataset by now."""


def _mark(once: str) -> str:
    return f"key:{once}"
