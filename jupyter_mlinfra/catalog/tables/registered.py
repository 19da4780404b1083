"""Files and Delta tables that are read where they are: nothing is copied, nothing is written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...core.domain import Domain
from ...core.errors import Conflict, NotFound
from ...core.tables import TableFacts
from ..rows import height
from ..scanned import Scanned, scans
from ..snippets import dataset_code
from ..spec import Column, Dataset, DatasetDetail, Snapshot
from . import Shown
from .domain import DomainTable
from .explained import explained_files
from .in_place import delta_bytes, delta_rows, facts_of, parquet_rows, text_rows
from .looks import Look, looks
from .placed import DELTA, Found, Place, place_of
from .versions import opened, snapshots_of, version_at

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

    from ...core.project import Project
    from ..registrations import Registered
    from ..store import CatalogStore
    from .statistics import Statistics


@dataclass(frozen=True, slots=True)
class Files:
    """What one registered table reads; a `core.tables.Tables` of that table alone. version: of a
    Delta table, the one that is read; the newest if None.
    """

    project: Project
    registered: Registered
    place: Place
    version: int | None = None

    def names(self) -> Sequence[str]:
        return [self.registered.name.table]

    def has(self, _: str) -> bool:
        return True

    def needs(self, _: str) -> Sequence[str]:
        return ()

    def masked(self, _: str, columns: Sequence[str]) -> Collection[str]:
        return self.registered.personal.intersection(columns)

    def facts(self, _: str) -> TableFacts:
        """Of a disk as they are now; of a store as they were when it was looked at last, since a
        list of many tables asks none.
        """
        known = self.place.far and self.version is None
        size, at = looks.of(self.registered) if known else self.looked()
        return TableFacts(
            description=self.registered.said.description
            or f"read in place: {self.registered.location}",
            columns=None if self.version is not None else len(self.registered.columns),
            bytes=size,
            updated_at=at,
        )

    def looked(self) -> Look:
        """Bytes and time of what is read. Raises what stands in the way of reading it."""
        if self.version is None:
            return facts_of(self.registered.kind, self.place)
        of_version = [item for item in self.versions() if item.id == str(self.version)]
        at = of_version[0].at if of_version else None
        return delta_bytes(self.place, self.version), at

    def versions(self) -> Sequence[Snapshot]:
        """Those of a Delta table that can still be opened, newest first; of files none."""
        if self.registered.kind != DELTA:
            return []
        return snapshots_of(self.registered.name, self.place)

    def rows(self, _: str) -> pl.LazyFrame:
        return self.rows_of(() if self.registered.kind == DELTA else self.files())

    def rows_of(self, files: Sequence[Found]) -> pl.LazyFrame:
        """The rows of these files; a Delta table knows its own."""
        kind = self.registered.kind
        if kind == DELTA:
            root = self.project.root
            return delta_rows(
                self.place,
                lambda read: scans.note(Scanned(ref=self.ref, root=root, function=read)),
                name=self.registered.name,
                version=self.version,
            )
        if kind == "parquet":
            return parquet_rows(files, self.place)
        return text_rows(self.project, self.registered, self.place, files)

    def opened(self) -> DeltaTable:
        """The Delta table at the version that is read."""
        return opened(self.registered.name, self.place, self.version)

    @property
    def ref(self) -> str:
        """What lineage calls it."""
        ref = self.registered.name.ref
        return ref if self.version is None else f"{ref}@{self.version}"

    def state(self) -> str:
        """The version; else of the files: they are other ones when one has another size or time."""
        if self.version is not None:
            return str(self.version)
        facts = self.place.marked(self.registered.kind)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]

    def files(self) -> Sequence[Found]:
        """Those that say what it is now. Raises NotFound if there are none any more."""
        return self.place.files(self.registered.kind)


class RegisteredTable(DomainTable):
    """A table that was registered in place."""

    tables: Files

    def __init__(
        self,
        project: Project,
        store: CatalogStore,
        registered: Registered,
        version: int | None = None,
    ) -> None:
        owner = Domain(name=registered.kind, open=lambda _: None)
        place = place_of(registered.location, project, store)
        name = registered.name if version is None else registered.name.at(version)
        super().__init__(owner, Files(project, registered, place, version), name)

    def needs(self) -> Sequence[str]:
        return ()

    def record(self) -> Dataset:
        said, found = self.tables.registered.said, super().record()
        at = self.tables.version
        snapshot = None if at is None else str(at)
        return replace(found, owner=said.owner, tags=said.tags, snapshot=snapshot)

    def detail(self) -> DatasetDetail:
        """The head of its page; of a Delta table with its version, at which the page then stays."""
        if self.tables.place.far and self.tables.version is None:
            with self.explained(), looks.kept(self.tables.registered) as look:
                look(self.tables.looked())
        found, versions = super().detail(), self.versions()
        if not versions:
            return found
        at = self.name.at_text or versions[0].id
        return replace(
            found,
            dataset=replace(found.dataset, snapshot=at),
            snapshots=len(versions),
            newer=sum(int(item.id) > int(at) for item in versions),
            code=dataset_code(self.name.text, self.name.at_text),
        )

    def versions(self) -> Sequence[Snapshot]:
        """Those of a Delta table that can still be opened, newest first; of files none."""
        with self.explained():
            return self.tables.versions()

    @property
    def is_delta(self) -> bool:
        """Whether it is a Delta table, which has versions."""
        return self.tables.registered.kind == DELTA

    def version_at(self, word: str) -> int:
        """The version of a Delta table that was the newest at a time. Raises NotFound."""
        self._check_versions()
        with self.explained():
            return version_at(self.name, self.tables.place, word)

    def _check_versions(self) -> None:
        if not self.is_delta:
            raise NotFound(
                f"{self.name.text} has no snapshots.",
                "Files that are registered in place are read as they are now.",
                f"Leave the snapshot out: {self.name.text}",
            )

    def columns(self) -> Sequence[Column]:
        registered = self.tables.registered
        return [
            replace(column, tags=said.tags, doc=said.description)
            for column in super().columns()
            for said in [registered.labels(column.name)]
        ]

    def personal(self, columns: Sequence[str]) -> Collection[str]:
        return self.masked(columns)

    def scan(self) -> pl.LazyFrame:
        """The rows, lazily; see `Scanned`. Rows of text are noted where they are read."""
        found = self.tables.registered
        if self.name.has_state:
            self._check_versions()
        is_delta = found.kind == DELTA
        with self.explained():
            files = () if is_delta else self.tables.files()
            rows = self.tables.rows_of(files)
        if is_delta or found.kind == "parquet":
            paths = tuple(file.place for file in files)
            folders = (f"{found.location.rstrip('/')}/",) if is_delta else ()
            root = self.tables.project.root
            scans.note(
                Scanned(ref=self.tables.ref, root=root, folders=folders, files=lambda: paths)
            )
        return rows

    def state(self) -> str:
        with self.explained():
            return self.tables.state()

    def shown(self) -> Shown:
        """All rows, if the files say how many they are; otherwise the first ones."""
        if not self._says_rows():
            return replace(super().shown(), columns=self.columns())
        with self.explained():
            rows = self.scan()
            at = self.name.at_text
            return Shown(rows=rows, columns=self.columns(), total=height(rows), snapshot=at)

    def _in_footers(self, scanned: pl.LazyFrame, types: Mapping[str, str]) -> Statistics | None:
        from .footers import of_delta, of_parquet

        if self.is_delta:
            return of_delta(self.tables.opened(), types)
        if not self._says_rows():
            return None
        schema = dict(scanned.collect_schema())
        return of_parquet(self.tables.files(), self.tables.place, schema, types)

    def _is_countable(self) -> bool:
        return self._says_rows() or super()._is_countable()

    def _says_rows(self) -> bool:
        return self.tables.registered.kind in (DELTA, "parquet")

    def explained(self) -> AbstractContextManager[None]:
        registered = self.tables.registered
        return explained_files(registered.location, hides=bool(registered.personal))

    def check_own(self) -> None:
        location, name = self.tables.registered.location, self.name.text
        what = f"{name} is registered in place."
        if self.is_delta:
            raise Conflict(
                what,
                f"It is read from {location}, never written: whoever writes that Delta table keeps"
                " its versions.",
                "To bring one back there: RESTORE TABLE in Spark, DeltaTable(…).restore(…) of"
                " deltalake. To have its rows as a dataset: mlinfra catalog sql"
                f" 'FROM {name}' --out NS.TABLE",
            )
        raise Conflict(
            what,
            f"It is read from {location}, never written, and has no snapshots.",
            f"Ingest the files into a dataset of another name: mlinfra catalog ingest {location}"
            " --into NS.TABLE",
        )
