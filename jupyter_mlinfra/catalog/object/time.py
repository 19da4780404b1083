"""Earlier states of a dataset, in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from ..names import DatasetName
from ..spec import DatasetDetail, Snapshot

if TYPE_CHECKING:
    from ..service import Catalog
    from ..time.spec import Diff, ExpiryPlan, Restored


class EarlierStates:
    """A base of `Table`. A snapshot is asked for by its number, a tag, a branch, or a time such as
    `2026-05-01T12:00Z`.
    """

    _catalog: Catalog
    _name: DatasetName
    _detail: DatasetDetail

    def snapshots(self) -> Sequence[Snapshot]:
        """Its newest commits, newest first."""
        return self._catalog.snapshots(self._name.text).items

    def diff(
        self,
        before: str | int,
        after: str | int | None = None,
        *,
        key: str | Sequence[str] = (),
        examples: int = 5,
        reveal: bool = False,
    ) -> Diff:
        """What differs between two snapshots: rows added, removed, changed (with a key), columns,
        statistics. after: the one that `scan()` reads, if not given. reveal: with values of masked
        columns.
        """
        later = self._detail.dataset.snapshot if after is None else after
        return self._catalog.diff(
            self._name.whole.asked, before, later, key=key, examples=examples, reveal=reveal
        )

    def restore(self, snapshot: str | int) -> Restored:
        """Bring the rows and columns of an earlier snapshot back, as a new one; afterwards `scan()`
        reads them. Can be undone.
        """
        restored = self._catalog.restore(self._writable_name(), snapshot)
        self._refresh()
        return restored

    def expire(
        self,
        *,
        older_than: timedelta = timedelta(days=30),
        keep: int = 10,
        preview: bool = True,
    ) -> ExpiryPlan:
        """Let old snapshots go; only say what would go, unless `preview` is False."""
        return self._catalog.expire(
            self._name.text, older_than=older_than, keep=keep, preview=preview
        )

    def _writable_name(self) -> str:
        raise NotImplementedError

    def _refresh(self) -> None:
        raise NotImplementedError
