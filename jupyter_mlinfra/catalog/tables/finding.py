"""Which table a name means, and all tables by name: datasets first, then those of other domains."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ..names import DatasetName
from .domain import DomainTable, table_of_domain, tables_of_domains
from .iceberg import IcebergTable

if TYPE_CHECKING:
    from ...core.project import Project
    from ..store import CatalogStore
    from ..stores.listing import CatalogEntry
    from . import ReadTable


class Finder:
    """The tables of one project."""

    def __init__(self, project: Project, store: CatalogStore) -> None:
        self._project, self._store = project, store

    def find(self, name: DatasetName) -> ReadTable:
        """The dataset of that name, unless only another domain has such a table. Nothing of it is
        read: whether there is such a dataset shows in what is asked of it.
        """
        table = table_of_domain(self._project, name)
        if table is not None and not self._store.has(name):
            return table
        return IcebergTable(self._project, self._store, name)

    def listed(
        self, namespace: str | None, domains: Collection[str] | None
    ) -> tuple[Sequence[CatalogEntry], Sequence[DomainTable], str]:
        """Datasets, tables of other domains, and which domains cannot list theirs. domains: whose
        tables; None for those of all.
        """
        entries = self._store.entries(namespace)
        names = {entry.name for entry in entries}
        tables, note = tables_of_domains(self._project, domains)
        kept = [
            table
            for table in tables
            if namespace in (None, table.name.namespace) and table.name.text not in names
        ]
        return entries, kept, note

    def of(self, listed: CatalogEntry | DomainTable) -> ReadTable:
        """The table of a line of `listed`."""
        if isinstance(listed, DomainTable):
            return listed
        name = DatasetName(listed.namespace, listed.table)
        return IcebergTable(self._project, self._store, name, listed)
