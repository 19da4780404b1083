"""The rules of a dataset at every write of it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from ...core.errors import NotFound
from ...core.events import telling
from ...core.outbox import node
from ...core.records import now
from .. import metadata as records
from ..names import DatasetName
from ..registrations import Registrations
from ..scratch import waiting_folder
from ..uuids import in_iceberg
from .carried import carried, carry
from .kept import RuleStore

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ..intake import Rows
    from ..store import CatalogStore
    from .guarding import Guard
    from .present import Present
    from .selecting import Selecting
    from .spec import Rule, RuleResult


class Guarding:
    """The writes of one project."""

    def __init__(self, project: Project, store: CatalogStore) -> None:
        self._project, self._store = project, store
        self._rules = RuleStore(project)

    @contextlib.contextmanager
    def guarding(
        self,
        name: DatasetName,
        rows: Rows,
        mode: str,
        key: Sequence[str],
        *,
        kept: bool = True,
        personal: Collection[str] = (),
    ) -> Iterator[Guard | None]:
        """Let the rules of a dataset look at rows on their way; None if it has none. kept: whether
        the results of a write that they refuse are kept. personal: columns that the commit tags.
        """
        rules = self._of(name)
        if not rules:
            yield None
            return
        from .guarding import Guard

        with waiting_folder(self._project.folder("staging")) as folder:
            guard = Guard(
                name.text,
                rules,
                mode=mode,
                key=key,
                present=lambda: self._present(name),
                others=lambda other: self.scan(DatasetName.parse(other)),
                select=lambda check, rows, uuids: self._selecting().of_rows(
                    name, check, rows, masked=self._masked(name) | {*personal}, uuids=uuids
                ),
                folder=folder / "values",
            )
            rows.screen = guard
            rows.quarantine.masked = self._masked(name) | {*personal}
            try:
                yield guard
            finally:
                rows.screen = None
                if guard.refused and kept:
                    self.keep(name, "", guard.results)

    def _of(self, name: DatasetName) -> list[Rule]:
        """The rules; in a job on another machine those that the table carries. Raises Unavailable
        if the state is here and cannot be read.
        """
        if not node():
            return self._rules.rules(name.text, certain=True)
        try:
            return carried(name, self._store.metadata(self._store.entry(name)))
        except NotFound:
            return []

    def keep(self, name: DatasetName, snapshot: str, results: Sequence[RuleResult]) -> None:
        """Keep the results of a write. It is done: an error here is logged."""
        if node():
            return
        by = "ingest" if snapshot else "refused ingest"
        with telling(f"the rules of {name.text} have looked at new rows"):
            self._rules.record(name.text, snapshot, now(), results, by)
            if snapshot:  # of a dataset that was made with this write, they are not there yet
                carry(self._store, name, lambda: self._rules.rules(name.text, certain=True))

    def scan(self, name: DatasetName) -> pl.LazyFrame:
        """The rows of a dataset."""
        from ..rows import scan

        return scan(self._store.load(name), name)

    def _selecting(self) -> Selecting:
        from ..tables.finding import Finder
        from .selecting import Selecting

        tables = Finder(self._project, self._store, Registrations(self._project))
        return Selecting(self._project, tables)

    def _masked(self, name: DatasetName) -> frozenset[str]:
        """The columns whose values quarantine does not keep."""
        try:
            return records.masked(name, self._store.metadata(self._store.entry(name)))
        except NotFound:
            return frozenset()

    def _present(self, name: DatasetName) -> Present:
        from ..rows import height, scan
        from .present import Present

        table = self._store.load(name)
        metadata = self._store.metadata_of(table)
        rows = scan(table, name)
        count = records.dataset(name, metadata).rows
        exact = count.value is not None and count.basis == "exact"
        total = int(count.value or 0) if exact else height(rows)
        uuids = in_iceberg(records.fields(name, metadata))
        return Present(rows, total, records.current(metadata), uuids)
