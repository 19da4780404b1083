"""The Iceberg catalog behind the datasets: opened once, cheap to list, with its metadata parsed
directly.

Lists and pages of datasets need only the metadata JSON of each table, so pyiceberg (half a second
to import) is not loaded for them.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, NotFound, Unprocessable
from ..core.files import file_lock
from ..core.imports import load_modules
from .drivers import with_region
from .names import DatasetName
from .pending import Pending
from .stores.documents import Documents
from .stores.elsewhere import check_here
from .stores.listing import CatalogEntry, Listing, Tables
from .stores.opening import DURABLE, PYICEBERG, TIERED, Opening
from .stores.tiers import Tiers
from .tables.domain import tables_of_domains

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog as IcebergCatalog
    from pyiceberg.table import Table

    from ..core.project import Project
    from .stores.faults import Faults


class CatalogStore:
    """The Iceberg catalog of one project; safe to share between threads."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._opening = Opening(project)
        self._listing = Listing(self._opening)
        self._documents = Documents(self._opening)
        self.pending = Pending(project)

    @property
    def project(self) -> Project:
        """Whose catalog it is."""
        return self._project

    @property
    def embedded(self) -> bool:
        """Whether the catalog is the project's own SQLite file."""
        return self._opening.embedded.is_used

    @property
    def tiers(self) -> Tiers:
        """The places that tables can be in."""
        return self._opening.tiers

    @property
    def iceberg(self) -> IcebergCatalog:
        """pyiceberg's catalog. Raises Unavailable, without secrets in the text, if it cannot be
        reached.
        """
        return self._opening.iceberg

    def tables(self) -> Tables:
        """All tables, as they are now."""
        return self._listing.tables()

    def entries(self, namespace: str | None = None) -> Sequence[CatalogEntry]:
        """All tables, or those of one namespace, by name."""
        tables = self._listing.tables()
        return tables.entries if namespace is None else tables.by_namespace.get(namespace, ())

    def has(self, name: DatasetName) -> bool:
        """Whether there is a table of that name."""
        return (name.namespace, name.table) in self._listing.tables().by_name

    def open(self, name: DatasetName) -> Table:
        """The table as pyiceberg loads it, with its own errors. Raises Conflict for one whose
        files are those of another folder.
        """
        self._check_here(self._listing.tables().by_name.get((name.namespace, name.table)))
        table = self.iceberg.load_table(name.identifier)
        table.io.properties.update(self.tiers.properties(table.metadata.location))
        # A REST catalog may name the endpoint.
        table.io.properties.update(with_region(table.io.properties))
        return table

    def load(self, name: DatasetName) -> Table:
        """The table as pyiceberg reads it now. Raises NotFound, with similar names, if there is
        none.
        """
        load_modules(*PYICEBERG)
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
        from pyiceberg.io import load_file_io

        if self.embedded and not self._opening.embedded.file.exists():
            raise self.absent(name)
        with self.explained(f"{name.text} cannot be read."):
            try:
                table = self.open(name)
            except (NoSuchTableError, NoSuchNamespaceError) as error:
                raise self.absent(name) from error
            # The plain class is enough for reading, and with it Polars keeps manifests in memory.
            if table.io.properties.get("py-io-impl") in (DURABLE, TIERED):
                table.io = load_file_io(
                    {
                        key: value
                        for key, value in table.io.properties.items()
                        if key not in ("py-io-impl", "mlinfra.tiers")
                    },
                    table.metadata.location,
                )
            return table

    def check_writable(self, name: DatasetName) -> None:
        """Raise BadRequest for a table that does not exist and that this catalog cannot create:
        only REST catalogs have nested namespaces.
        """
        if "." not in name.namespace:
            return
        iceberg = self.iceberg
        from pyiceberg.catalog import MetastoreCatalog

        if isinstance(iceberg, MetastoreCatalog):
            try:
                self.load(name)
            except NotFound as error:
                fix = (
                    f"Write into {name.namespace.replace('.', '_')}.{name.table}, or set [catalog]"
                    " uri to a REST catalog."
                )
                raise BadRequest(
                    f"{name.text} cannot be made.",
                    "In this catalog a namespace is one word, without a dot.",
                    fix,
                ) from error

    def entry(self, name: DatasetName) -> CatalogEntry:
        """The table in the list. Raises NotFound if there is none; where listing is expensive,
        `metadata` does.
        """
        if not self._listing.is_cheap:
            return CatalogEntry(name.namespace, name.table, None)
        entry = self._listing.tables().by_name.get((name.namespace, name.table))
        if entry is None:
            raise self.absent(name)
        return entry

    def metadata(self, entry: CatalogEntry) -> Mapping[str, Any]:
        """The parsed metadata file of a table.

        Raises NotFound if the table is gone, Unavailable if the file is gone, Unprocessable if it
        is damaged.
        """
        name = DatasetName(entry.namespace, entry.table)
        # The catalog's own answer holds the metadata; without it the storage may refuse access.
        if entry.metadata is None:
            return self.metadata_of(self.load(name))
        self._check_here(entry)
        return self._documents.metadata(name, entry.metadata)

    def _check_here(self, entry: CatalogEntry | None) -> None:
        if self.embedded and entry is not None and entry.metadata is not None:
            check_here(entry.name, entry.metadata, self._project.home)

    @staticmethod
    def metadata_of(table: Table) -> Mapping[str, Any]:
        """As `metadata`, for a table that was loaded: both come from one commit."""
        from .stores.versions import as_json

        return as_json(table.metadata)

    def tagged(self, name: DatasetName) -> DatasetName:
        """The name with the snapshot that its tag, branch or time means now. Raises NotFound."""
        from .time.travel import snapshot_named

        snapshot = snapshot_named(name, self.metadata(self.entry(name)))
        return replace(name, snapshot=snapshot, tag=None)

    def fingerprint(self) -> str:
        """Changes with every commit to a table; where the list has only names, with the names and
        every ten minutes.
        """
        return self._listing.tables().state

    @contextlib.contextmanager
    def lock(self, name: DatasetName) -> Iterator[None]:
        """Take the lock for changes that two writers of this machine must not make at once:
        creating the table, changing its columns or tags.
        """
        with file_lock(
            self._project.folder("locks") / f"{name.text}.lock", what=f"A change of {name.text}"
        ):
            yield

    @contextlib.contextmanager
    def before_appends(self, name: DatasetName) -> Iterator[None]:
        """Go before the appends of this machine: they wait for it when their files are written. For
        a change that starts again after each of them, and would never come to an end.
        """
        with file_lock(self._project.folder("locks") / f"{name.text}.first.lock"):
            yield

    def absent(self, name: DatasetName) -> NotFound:
        """The error for a name that no table has."""
        from .care.trash import Trash

        what = f"There is no dataset {name.text}."
        if deleted := Trash(self._project, self).newest(name):
            return NotFound(
                what,
                f"It was deleted on {deleted.at:%Y-%m-%d at %H:%M} UTC, and is in the trash.",
                f"mlinfra catalog trash restore {deleted.id}",
            )
        names = list[str]()
        for entry in self._listing.tables().entries:
            found = DatasetName(entry.namespace, entry.table)
            try:
                found.check()
            except Unprocessable as error:
                if found.text == name.text:
                    return NotFound(error.what, error.why, error.fix)
            else:
                names.append(found.text)
        tables, _ = tables_of_domains(self._project, (name.namespace,))
        names += [table.name.text for table in tables]
        similar = difflib.get_close_matches(name.text, names, n=3, cutoff=0.6)
        fix = (
            f"Perhaps: {', '.join(similar)}."
            if similar
            else f"mlinfra catalog list --namespace {name.namespace}"
            if tables
            else f"mlinfra catalog ingest FILES --into {name.text}"
        )
        return NotFound(what, "The catalog has no table of that name.", fix)

    @property
    def faults(self) -> Faults:
        """What is said about its errors; keeps nothing open."""
        return self._opening.faults

    def explained(self, what: str) -> AbstractContextManager[None]:
        """Turn errors of the catalog, its database or its storage into what, why and fix, without
        secrets.
        """
        return self.faults.explained(what)
