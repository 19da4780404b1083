"""Which table a name means, and all tables by name: datasets first, then what is registered in
place, then those of other domains.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ...core.errors import Conflict
from ..names import DatasetName
from ..registrations import Registrations
from .domain import DomainTable, table_of_domain, tables_of_domains
from .iceberg import IcebergTable
from .registered import RegisteredTable

if TYPE_CHECKING:
    from ...core.project import Project
    from ..store import CatalogStore
    from ..stores.listing import CatalogEntry
    from . import ReadTable


class Finder:
    """The tables of one project."""

    def __init__(self, project: Project, store: CatalogStore, registrations: Registrations) -> None:
        self._project, self._store, self._registrations = project, store, registrations

    def find(self, name: DatasetName) -> ReadTable:
        """The dataset of that name, unless there is only another table of it. Nothing is read,
        except for what a tag or a time in the name means: whether there is such a dataset shows in
        what is asked of it.
        """
        name = self.settled(name)
        table = self._other(name)
        if table is not None and not self._store.has(name):
            return table
        return IcebergTable(self._project, self._store, name)

    def settled(self, name: DatasetName) -> DatasetName:
        """The name with the snapshot that its tag, branch or time means now. Raises NotFound."""
        if name.tag is None:
            return name
        registered = self._registrations.get(name)
        if registered is None or self._store.has(name):
            return self._store.tagged(name)
        table = RegisteredTable(self._project, self._store, registered)
        return name.at(table.version_at(name.tag))

    def check_free(self, name: DatasetName) -> None:
        """Raise Conflict if there is a table of that name."""
        if self.is_taken(name):
            raise Conflict(
                f"There is a table {name.text} already.",
                "A name stands for one table.",
                f"Choose another name. What it is: mlinfra catalog show {name.text}",
            )

    def is_taken(self, name: DatasetName) -> bool:
        """Whether there is a table of that name. Raises BadRequest for one that none can have."""
        name.check()
        return self._other(name) is not None or self._store.has(name)

    def _other(self, name: DatasetName) -> DomainTable | None:
        if (registered := self._registrations.get(name)) is not None:
            return RegisteredTable(self._project, self._store, registered, name.snapshot)
        return table_of_domain(self._project, name)

    def listed(
        self, namespace: str | None, domains: Collection[str] | None
    ) -> tuple[Sequence[CatalogEntry], Sequence[DomainTable], str]:
        """Datasets, other tables, and which domains cannot list theirs. domains: whose tables; None
        for those of all.
        """
        found = self._store.tables()
        entries = found.entries if namespace is None else found.by_namespace.get(namespace, ())
        tables, note = tables_of_domains(self._project, domains)
        registered = {
            item.name.text: RegisteredTable(self._project, self._store, item)
            for item in self._registrations.all()
        }
        tables = [item for item in tables if item.name.text not in registered]
        tables = sorted([*registered.values(), *tables], key=lambda table: table.name.text)
        kept = [
            table
            for table in tables
            if namespace in (None, table.name.namespace)
            and (table.name.namespace, table.name.table) not in found.by_name
        ]
        return entries, kept, note

    def of(self, listed: CatalogEntry | DomainTable) -> ReadTable:
        """The table of a line of `listed`."""
        if isinstance(listed, DomainTable):
            return listed
        name = DatasetName(listed.namespace, listed.table)
        return IcebergTable(self._project, self._store, name, listed)
