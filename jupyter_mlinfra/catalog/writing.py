"""One write into a dataset: the commit, then its event and its lineage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.errors import NotFound
from ..core.events import telling
from ..core.origin import actor
from ..core.processes import failpoint
from . import metadata as records
from .change import Mode, RowsChange
from .commit import Committed, Terms, commit
from .intake import Rows
from .names import DatasetName
from .positions import Advance, Advancing, Position, position
from .quarantine import Quarantine
from .spec import IngestReport
from .store import CatalogStore

if TYPE_CHECKING:
    from ..core.project import Project


class Writer:
    """Writes rows into the datasets of one project."""

    def __init__(self, project: Project, store: CatalogStore) -> None:
        self._project, self._store = project, store

    def write(
        self,
        name: DatasetName,
        rows: Rows,
        mode: Mode,
        inputs: Sequence[str],
        quarantine: Quarantine,
        *,
        properties: Callable[[], Mapping[str, str]] = dict,
        stale: Callable[[records.Metadata], bool] = lambda _: False,
    ) -> IngestReport:
        """Commit rows. inputs: references of what they were made from. properties: further
        properties of the snapshot; called after the last row was read, so that an error in it stops
        the commit. stale: of the metadata that another writer's commit has made: whether
        `properties` must be called again.
        """
        written_by = actor(self._project)

        def summary() -> Mapping[str, str]:
            further = properties()
            quarantine.write(self._project.home / "quarantine" / name.text)
            return {
                records.WRITTEN_BY: written_by,
                records.QUARANTINED: str(len(quarantine.rows)),
                **further,
            }

        committed = commit(
            self._store,
            name,
            RowsChange(rows, mode),
            owner=self._project.user,
            terms=Terms(summary=summary, undo=quarantine.discard, stale=stale),
        )
        self._announce(name, committed, written_by, inputs, quarantined=len(quarantine.rows))
        failpoint("catalog-told")
        return IngestReport(
            dataset=name.text,
            rows_written=committed.rows,
            quarantined=len(quarantine.rows),
            snapshot=committed.snapshot,
            quarantine=str(quarantine.path) if quarantine.path else None,
            columns=committed.columns,
        )

    def write_once(
        self,
        name: DatasetName,
        rows: Rows,
        mode: Mode,
        inputs: Sequence[str],
        key: str,
        advance: Advance | None,
    ) -> IngestReport:
        """Commit rows, unless those with this key are in the dataset already. It is kept where an
        ingest keeps the digests of its files.
        """
        mark, advancing = _mark(key), Advancing(advance)

        def last_check() -> Mapping[str, str]:
            metadata = self._metadata(name)
            if mark in records.files_in(metadata):
                raise _WrittenError
            return {records.FILES: json.dumps([mark]), **advancing.properties(metadata)}

        def stale(metadata: records.Metadata) -> bool:
            return mark in records.files_in(metadata) or advancing.stale(metadata)

        if not self.written(name, key):
            try:
                return self.write(
                    name,
                    rows,
                    mode,
                    inputs,
                    Quarantine(),
                    properties=last_check,
                    stale=stale,
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

    def written(self, name: DatasetName, key: str) -> str | None:
        """The snapshot that added the rows with this key; None if they are not there."""
        return records.files_in(self._metadata(name)).get(_mark(key))

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
    ) -> None:
        """Event and lineage of a commit. The rows are in: an error here is logged, never reported
        as a failed write.
        """
        facts = {"rows": committed.rows, "quarantined": quarantined}
        with telling(f"{name.text} is written (snapshot {committed.snapshot})"):
            self._project.lineage.record(
                written_by,
                inputs=inputs,
                outputs=[f"{name.ref}@{committed.snapshot}"],
                facts=facts,
            )
            self._project.events.emit(
                "dataset", name.ref, {"snapshot": committed.snapshot, **facts}
            )


class _WrittenError(Exception):
    """The rows with the same key are in the dataset by now."""


def _mark(key: str) -> str:
    return f"key:{key}"
