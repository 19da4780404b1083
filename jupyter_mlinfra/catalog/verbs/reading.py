"""The verbs that list, show and read datasets and the tables of other domains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, MLInfraError, NotFound
from ...core.records import Page, page_of
from ...core.viewer import Reveal
from .. import metadata as records
from ..access.folders import MaskedFolders
from ..names import DatasetName
from ..spec import Dataset, DatasetDetail, Namespace, RowBlock, Verification, Verified
from ..stores.listing import CatalogEntry
from ..tables.domain import DomainTable
from ..tables.preview import preview
from ..verified import LastVerified
from .base import Verbs, whole

if TYPE_CHECKING:
    import polars as pl


class ReadingVerbs(Verbs):
    """Lists, pages and rows; a base of `Catalog`."""

    def list(
        self,
        *,
        namespace: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        domains: Collection[str] | None = None,
    ) -> Page[Dataset]:
        """Datasets by name, then the tables of other domains by name; `total` counts all of them.
        Only the metadata of those on the page is read. domains: whose tables; None for those of
        all. A domain that cannot list its tables is named in the page's `note`.
        """
        entries, tables, note = self._tables.listed(namespace, domains)
        listed: Sequence[CatalogEntry | DomainTable] = [*entries, *tables]
        page = page_of(listed, limit=limit, cursor=cursor)
        items = self._marked(page.items)
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor, note=note)

    def _marked(self, listed: Sequence[CatalogEntry | DomainTable]) -> Sequence[Dataset]:
        """The lines of a list, with what is wrong with each."""
        items = [(self._tables.of(item).record(), self._parsed(item)) for item in listed]
        return self._watching.marked(items)

    def _parsed(self, item: CatalogEntry | DomainTable) -> records.Metadata | None:
        """The metadata of a dataset; None for another table, or if it cannot be read."""
        if isinstance(item, DomainTable):
            return None
        try:
            return self._store.metadata(item)
        except MLInfraError:
            return None

    def namespaces(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        domains: Collection[str] | None = None,
    ) -> Page[Namespace]:
        """The namespaces that have datasets or tables of other domains, by name. domains: as in
        `list`.
        """
        entries, tables, note = self._tables.listed(None, domains)
        counts = Counter(entry.namespace for entry in entries)
        counts.update(item.name.namespace for item in tables)
        found = [Namespace(name=name, datasets=count) for name, count in sorted(counts.items())]
        return replace(page_of(found, limit=limit, cursor=cursor), note=note)

    def asked(self, name: str) -> str:
        """A name of a list as other verbs read it: the reference of a table with a name that only
        other clients accept, anything else as it is.
        """
        found = DatasetName.of(name)
        return found.asked if found.is_odd and self._store.has(found) else name

    def needs(self, name: str) -> Sequence[str]:
        """The domains that one must be allowed to read to see that table; none for a dataset."""
        return self._tables.find(self.named(name)).needs()

    def show(self, name: str) -> DatasetDetail:
        """One dataset, at its newest snapshot or, as `ns.table@SNAPSHOT`, at that one. Raises
        NotFound if it does not exist.
        """
        dataset_name = self.named(name)
        detail = self._tables.find(dataset_name).detail()
        if detail.dataset.domain:
            return detail
        metadata = self._parsed(self._store.entry(dataset_name))
        return replace(detail, dataset=self._watching.marked([(detail.dataset, metadata)])[0])

    def fingerprint(self, name: str) -> str | None:
        """The newest snapshot, and the columns if they have changed since: differs exactly when the
        rows read may differ.

        None if there is no such dataset, or nothing was written.
        """
        try:
            return self._tables.find(self.named(name)).state()
        except (BadRequest, NotFound):
            return None

    def column_ids(self, name: str) -> Mapping[str, int]:
        """Iceberg's own id of each column: it stays when the column is renamed, and differs for a
        new column of an old name.
        """
        dataset_name = self.named(name)
        return {
            field["name"]: field["id"]
            for field in records.fields(
                dataset_name, self._store.metadata(self._store.entry(dataset_name))
            )
        }

    def properties(self, name: str) -> Mapping[str, str]:
        """What was kept with the newest snapshot of a dataset, or with the one that is named (see
        `write`); empty if nothing was ever written. Raises NotFound.
        """
        dataset_name = self.named(name)
        metadata = self._store.metadata(self._store.entry(dataset_name))
        snapshot = records.snapshot_of(dataset_name, metadata)
        return dict(snapshot.get("summary", {})) if snapshot else {}

    def newest_with(self, name: str, key: str) -> tuple[str, str] | None:
        """The newest snapshot of a dataset with which a property was kept (see `write`), and its
        value; None if there is none. Raises NotFound.
        """
        dataset_name = self.named(name)
        return records.newest_with(self._store.metadata(self._store.entry(dataset_name)), key)

    def preview(
        self,
        name: str,
        *,
        start: int = 0,
        count: int = 100,
        columns: Sequence[str] | None = None,
        snapshot: str | int | None = None,
        reveal: Reveal = False,
    ) -> RowBlock:
        """Rows `start` to `start + count` (at most 500) as JSON-safe values, column by column.

        reveal: who sees values of masked columns too, which is recorded first. Raises Forbidden if
        the settings do not allow it.
        """
        dataset_name = self.named(name)
        if snapshot is not None:
            dataset_name = dataset_name.at(snapshot)
        table = self._found(dataset_name)
        return preview(
            table,
            start=start,
            count=count,
            columns=columns,
            hidden=lambda names: self._revealing.hidden(table, names, reveal, verb="preview"),
        )

    def verify(
        self, name: str, *, on_progress: Callable[[int, int], None] = lambda *_: None
    ) -> Verification:
        """Read every data file of a dataset, or of one snapshot of it, and compare it with the
        checksum of what was written.

        on_progress: called with bytes read and total bytes.
        """
        dataset_name = self.named(name)
        self._tables.find(dataset_name).check_own()
        found = self._folders(dataset_name).hide_in(self._verification(dataset_name, on_progress))
        return found if dataset_name.has_state else LastVerified(self._project).keep(found)

    def _verification(
        self, name: DatasetName, on_progress: Callable[[int, int], None]
    ) -> Verification:
        """With the files as they are called."""
        from ..integrity import verify

        table = self._store.load(name)
        records.snapshot_of(name, self._store.metadata_of(table))
        with self._store.explained(f"{name.text} cannot be read."):
            return verify(table, name, on_progress=on_progress)

    def _folders(self, name: DatasetName) -> MaskedFolders:
        return MaskedFolders(self._store.metadata(self._store.entry(name)))

    def verified(self, name: str) -> Verified:
        """What the newest verification of a dataset found, and which files are set aside now.
        Nothing is read again.
        """
        from ..set_aside import SettingAside

        dataset_name = whole(name)
        self._tables.find(dataset_name).check_own()
        folders = self._folders(dataset_name)
        out = SettingAside(self._project, self._store, dataset_name).still_out()
        last = LastVerified(self._project).of(dataset_name.text)
        return replace(
            last,
            found=last.found and folders.hide_in(last.found),
            still_out=[*map(folders.hide, out)],
        )

    def set_aside(
        self, name: str, *, on_progress: Callable[[int, int], None] = lambda *_: None
    ) -> Verification:
        """Verify a dataset, and take its damaged files out, so that the others can be read: one
        commit. Older snapshots keep them, and so does a copy in `.mlinfra/quarantine/files`.

        on_progress: as in `verify`.
        """
        from ..set_aside import SettingAside

        dataset_name = self.own(name)
        found = self._verification(dataset_name, on_progress)
        with self._store.explained(f"{dataset_name.text} was not changed."):
            done = SettingAside(self._project, self._store, dataset_name).set_aside(found)
        return LastVerified(self._project).keep(self._folders(dataset_name).hide_in(done))

    def put_back(
        self, name: str, *, on_progress: Callable[[int, int], None] = lambda *_: None
    ) -> Verification:
        """Put the files that were set aside back into a dataset, as far as they are what was
        written again, for example from a backup; then verify it.

        on_progress: as in `verify`.
        """
        from ..set_aside import SettingAside

        dataset_name = self.own(name)
        with self._store.explained(f"{dataset_name.text} was not changed."):
            setting = SettingAside(self._project, self._store, dataset_name)
            done = setting.put_back(on_progress)
        return LastVerified(self._project).keep(self._folders(dataset_name).hide_in(done))

    def scan(self, name: DatasetName) -> pl.LazyFrame:
        """The rows, lazily; `Table.scan` uses it."""
        return self._found(name).scan()
