"""Datasets of the catalog: Iceberg tables."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError
from .. import metadata as records
from ..scanned import Scanned, plain, scans
from ..snippets import dataset_code
from ..uses import used_by
from ..uuids import Uuids, in_iceberg, with_text
from . import Shown

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table

    from ...core.project import Project
    from ..looking.profile import Tier
    from ..names import DatasetName
    from ..spec import Dataset, DatasetDetail, Profile
    from ..store import CatalogStore
    from ..stores.listing import CatalogEntry


class IcebergTable:
    """One dataset, at its newest snapshot or the one that its name has.

    What lists and pages show comes from the metadata, for which pyiceberg is not loaded. entry: of
    the catalog's list, if that was read.
    """

    def __init__(
        self,
        project: Project,
        store: CatalogStore,
        name: DatasetName,
        entry: CatalogEntry | None = None,
    ) -> None:
        self.name = name
        self._project, self._store, self._entry = project, store, entry

    def needs(self) -> Sequence[str]:
        return ()

    def record(self) -> Dataset:
        try:
            return records.dataset(self.name, self._metadata())
        # One damaged table must not hide the others.
        except MLInfraError as error:
            return records.unreadable(self.name, str(error))

    def detail(self) -> DatasetDetail:
        from ..spec import DatasetDetail

        metadata = self._metadata()
        snapshot = records.snapshot_of(self.name, metadata)
        uses = used_by(self.name, self._project, self._store)
        return DatasetDetail(
            dataset=records.dataset(self.name, metadata),
            schema=records.columns(self.name, metadata, uses),
            location=metadata["location"],
            snapshots=len(metadata.get("snapshots", [])),
            newer=records.newer(metadata, snapshot),
            code=dataset_code(self.name.asked, self.name.at_text),
        )

    def state(self) -> str | None:
        """The snapshot, and the columns if they have changed since."""
        return records.dataset(self.name, self._metadata()).snapshot

    def scan(self) -> pl.LazyFrame:
        """The rows, lazily. That they were scanned is noted, for the lineage of what is made of
        them.
        """
        from ..rows import scan

        table = self._store.load(self.name)
        rows = scan(table, self.name)
        self._note(table)
        return rows

    def _note(self, table: Table) -> None:
        at = self.name.snapshot or table.metadata.current_snapshot_id
        name = self.name if at is None else self.name.at(at)
        folders = [table.location(), table.properties.get("write.data.path")]
        opened = weakref.ref(self._store)  # a note keeps no catalog open

        def files() -> list[str]:
            if (store := opened()) is None:
                return []
            tasks = store.load(name).scan(snapshot_id=name.snapshot).plan_files()
            return [task.file.file_path for task in tasks]

        scans.note(
            Scanned(
                ref=name.ref if at is None else f"{name.ref}@{at}",
                root=self._project.root,
                folders=tuple(f"{plain(folder).rstrip('/')}/" for folder in folders if folder),
                files=files,
            )
        )

    def uuids(self) -> Uuids:
        return in_iceberg(records.fields(self.name, self._metadata()))

    def shown(self) -> Shown:
        from ..rows import scan

        # Loaded once: rows, columns and total must come from one commit.
        table = self._store.load(self.name)
        metadata = self._store.metadata_of(table)
        dataset = records.dataset(self.name, metadata)
        total = dataset.rows.value  # another engine may not record it
        uuids = in_iceberg(records.fields(self.name, metadata))
        return Shown(
            rows=with_text(scan(table, self.name), uuids),
            columns=records.columns(self.name, metadata),
            total=None if total is None else int(total),
            snapshot=dataset.snapshot,
        )

    def masked(self, columns: Sequence[str]) -> Collection[str]:
        return records.masked(self.name, self._metadata()).intersection(columns)

    def personal(self, columns: Sequence[str]) -> Collection[str]:
        return self.masked(columns)

    def profile(self, tier: Tier, sample_rows: int, *, reveal: bool = False) -> Profile:
        """Computed once per snapshot."""
        from ..looking.profile import Profiler

        metadata = self._metadata()
        dataset = records.dataset(self.name, metadata)
        at = self.name.at(dataset.snapshot) if dataset.snapshot else self.name
        with self.explained():
            return Profiler(
                load=lambda: self._store.load(self.name),
                dataset=dataset,
                types={column.name: column.type for column in records.columns(at, metadata)},
                sample_rows=sample_rows,
                home=self._project.home,
                masked=records.masked(at, metadata),
                masked_now=lambda: records.masked(
                    at, self._store.metadata(self._store.entry(self.name))
                ),
                reveal=reveal,
            ).profile(tier)

    def check_own(self) -> None:
        """Do nothing: it is."""

    def explained(self) -> AbstractContextManager[None]:
        return self._store.explained(f"{self.name.text} cannot be read.")

    def _metadata(self) -> Mapping[str, Any]:
        return self._store.metadata(self._entry or self._store.entry(self.name))
