"""The verbs about earlier states of a dataset."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, NotFound
from ...core.records import Page, page_of
from ...core.viewer import Reveal
from .. import metadata as records
from ..names import DatasetName
from ..settings import CatalogSettings
from ..spec import Snapshot
from ..tables.registered import RegisteredTable
from .base import Verbs, whole

if TYPE_CHECKING:
    from ..tables import ReadTable
    from ..time.spec import Diff, ExpiryPlan, Restored

_KEY_COLUMNS, _EXAMPLES = 100, 100


class TimeVerbs(Verbs):
    """Snapshots, and what differs between them; a base of `Catalog`.

    A snapshot is asked for by its number, a tag, a branch, or a time in ISO 8601: the one that was
    the newest then.
    """

    def snapshots(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Snapshot]:
        """The commits of a dataset, or the versions of a Delta table in place, newest first."""
        table = self._tables.find(whole(name))
        if isinstance(table, RegisteredTable) and table.is_delta:
            return page_of(table.versions(), limit=limit, cursor=cursor)
        dataset_name = self.own(name)
        return page_of(
            records.snapshots(dataset_name, self._store.metadata(self._store.entry(dataset_name))),
            limit=limit,
            cursor=cursor,
        )

    def diff(
        self,
        name: str,
        before: str | int,
        after: str | int | None = None,
        *,
        key: str | Sequence[str] = (),
        examples: int = 5,
        reveal: Reveal = False,
    ) -> Diff:
        """What differs between two snapshots of a dataset, or versions of a Delta table in place:
        rows, columns, statistics. Only the data files that one of them has and the other has not
        are read; of a Delta table with deletion vectors or column mapping all.

        after: the newest one if not given. key: columns that tell which row is which; without it a
        row with another value counts as removed and added. examples: rows of each kind that are
        shown, at most 100. reveal: who sees values of masked columns too; see `preview`.
        """
        key = (key,) if isinstance(key, str) else tuple(dict.fromkeys(key))
        if not 0 <= examples <= _EXAMPLES or len(key) > _KEY_COLUMNS:
            raise BadRequest(
                f"examples={examples}, {len(key)} key columns is out of range.",
                f"examples is 0 to {_EXAMPLES}, a key at most {_KEY_COLUMNS} columns.",
            )
        tables = [self._at(whole(name), at) for at in (before, after)]
        rows = self._project.settings.of(CatalogSettings).sample_rows
        self._revealing.check(reveal)
        recorded = set[str]()

        def hidden(table: ReadTable, columns: Sequence[str]) -> Collection[str]:
            """A column that both states have is recorded once."""
            asked = [column for column in columns if column not in recorded]
            recorded.update(asked if reveal else ())
            return self._revealing.hidden(table, asked, reveal, verb="diff")

        with tables[0].explained():
            old, new = tables
            if isinstance(old, RegisteredTable) and isinstance(new, RegisteredTable):
                from ..time.versions import version_diff

                return version_diff(old, new, key, examples, hidden, self._project)
            from ..time.diff import Comparison

            return Comparison(
                self._project,
                self._store,
                *tables,
                sample_rows=rows,
                hidden=hidden,
                reveal=bool(reveal),
            ).diff(key, examples=examples)

    def restore(self, name: str, snapshot: str | int) -> Restored:
        """Give a dataset the rows and columns that it had at an earlier snapshot: a new snapshot,
        made of the data files of that one, so that it can be undone. Restoring twice changes
        nothing the second time.

        Raises NotFound for a snapshot that there is not, and Conflict if data files of it are gone.
        """
        from ..time.restoring import Restoring

        at = self._state(self.own(name), snapshot)
        return Restoring(self._project, self._store, at).restore()

    def expire(
        self,
        name: str,
        *,
        older_than: timedelta = timedelta(days=30),
        keep: int = 10,
        preview: bool = True,
    ) -> ExpiryPlan:
        """Let old snapshots of a dataset go, with the files that no other snapshot needs; unless
        `preview` is False, only say what would go, what is lost with it, and why others stay.

        The newest state always stays, and so do the newest `keep`, what is younger than
        `older_than`, what a tag or branch names, and what lineage or a training set names as used.
        """
        from ..time.expiry import Expiry

        expiry = Expiry(
            self._project, self._store, self.own(name), older_than=older_than, keep=keep
        )
        return expiry.preview() if preview else expiry.expire()

    def _at(self, name: DatasetName, at: str | int | None) -> ReadTable:
        """One state of a table; the newest if None. Raises Conflict for a table without states."""
        table = self._tables.find(name)
        if not isinstance(table, RegisteredTable) or not table.is_delta:
            table.check_own()
            return self._tables.find(self._state(name, at))
        if at is None:
            at = table.versions()[0].id
        return self._tables.find(name.at(at))

    def _state(self, name: DatasetName, at: str | int | None) -> DatasetName:
        """The dataset at a snapshot, which it has; with its present columns for the newest state.
        Raises NotFound.
        """
        metadata = self._store.metadata(self._store.entry(name))
        if at is None:
            newest = records.dataset(name, metadata).snapshot
            if newest is None:
                raise NotFound(f"{name.text} has no snapshot.", "Nothing was ever written to it.")
            return name.at(newest)
        asked = name.at(at)
        found = asked if asked.tag is None else self._store.tagged(asked)
        records.snapshot_of(found, metadata)
        return found
