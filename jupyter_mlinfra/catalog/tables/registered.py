"""Files and Delta tables that are read where they are: nothing is copied, nothing is written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...core.domain import Domain
from ...core.errors import Conflict
from ...core.tables import TableFacts
from ..rows import height
from ..scanned import Scanned, scans
from ..spec import Column, Dataset, DatasetDetail
from . import Shown
from .domain import DomainTable
from .in_place import delta_rows, facts_of, parquet_rows, text_rows
from .looks import Look, looks
from .placed import DELTA, Found, Place, explained_files, place_of

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ..registrations import Registered
    from ..store import CatalogStore


@dataclass(frozen=True, slots=True)
class Files:
    """What one registered table reads; a `core.tables.Tables` of that table alone."""

    project: Project
    registered: Registered
    place: Place

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
        size, at = looks.of(self.registered) if self.place.far else self.looked()
        return TableFacts(
            description=self.registered.said.description
            or f"read in place: {self.registered.location}",
            columns=len(self.registered.columns),
            bytes=size,
            updated_at=at,
        )

    def looked(self) -> Look:
        """Bytes and time as they are now. Raises what stands in the way of reading them."""
        return facts_of(self.registered.kind, self.place)

    def rows(self, _: str) -> pl.LazyFrame:
        return self.rows_of(() if self.registered.kind == DELTA else self.files())

    def rows_of(self, files: Sequence[Found]) -> pl.LazyFrame:
        """The rows of these files; a Delta table knows its own."""
        kind = self.registered.kind
        if kind == DELTA:
            ref, root = self.registered.name.ref, self.project.root
            return delta_rows(
                self.place, lambda read: scans.note(Scanned(ref=ref, root=root, function=read))
            )
        if kind == "parquet":
            return parquet_rows(files, self.place)
        return text_rows(self.project, self.registered, self.place, files)

    def state(self) -> str:
        """Of the files: they are other ones when one has another size or time."""
        facts = self.place.marked(self.registered.kind)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]

    def files(self) -> Sequence[Found]:
        """Those that say what it is now. Raises NotFound if there are none any more."""
        return self.place.files(self.registered.kind)


class RegisteredTable(DomainTable):
    """A table that was registered in place."""

    tables: Files

    def __init__(self, project: Project, store: CatalogStore, registered: Registered) -> None:
        owner = Domain(name=registered.kind, open=lambda _: None)
        place = place_of(registered.location, project, store)
        super().__init__(owner, Files(project, registered, place), registered.name)

    def needs(self) -> Sequence[str]:
        return ()

    def record(self) -> Dataset:
        said, found = self.tables.registered.said, super().record()
        return replace(found, owner=said.owner, tags=said.tags)

    def detail(self) -> DatasetDetail:
        if self.tables.place.far:
            with self.explained(), looks.kept(self.tables.registered) as look:
                look(self.tables.looked())
        return super().detail()

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
        is_delta = found.kind == DELTA
        with self.explained():
            files = () if is_delta else self.tables.files()
            rows = self.tables.rows_of(files)
        if is_delta or found.kind == "parquet":
            paths = tuple(file.place for file in files)
            folders = (f"{found.location.rstrip('/')}/",) if is_delta else ()
            root = self.tables.project.root
            scans.note(Scanned(ref=self.name.ref, root=root, folders=folders, files=lambda: paths))
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
            return Shown(rows=rows, columns=self.columns(), total=height(rows), snapshot=None)

    def _is_countable(self) -> bool:
        return self._says_rows() or super()._is_countable()

    def _says_rows(self) -> bool:
        return self.tables.registered.kind in (DELTA, "parquet")

    def explained(self) -> AbstractContextManager[None]:
        registered = self.tables.registered
        return explained_files(registered.location, hides=bool(registered.personal))

    def check_own(self) -> None:
        location = self.tables.registered.location
        raise Conflict(
            f"{self.name.text} is registered in place.",
            f"It is read from {location}, never written, and has no snapshots.",
            f"Ingest the files into a dataset of another name: mlinfra catalog ingest {location}"
            " --into NS.TABLE",
        )
