"""How two snapshots of a dataset differ: rows, columns, statistics. Only the data files that one of
them has and the other has not are read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from .. import metadata as records
from ..looking.snapshot import SnapshotFiles
from ..rows import scan
from .columns import Pair, new_ids, pairs, schema_diff, types_of
from .counting import Counted, count
from .examples import examples_of
from .sides import Side, sides
from .spec import Diff
from .statistics import differing

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from ...core.project import Project
    from ..looking.profile import Tier
    from ..store import CatalogStore
    from ..tables import ReadTable

EXAMPLES = 5


class Comparison:
    """Two states of one dataset. before, after: with their snapshots. hidden: those of the columns
    of a state whose values are not shown. reveal: whether statistics show those of masked ones.
    """

    def __init__(
        self,
        project: Project,
        store: CatalogStore,
        before: ReadTable,
        after: ReadTable,
        *,
        sample_rows: int,
        hidden: Callable[[ReadTable, Sequence[str]], Collection[str]],
        reveal: bool,
    ) -> None:
        self._project, self._before, self._after = project, before, after
        self._sample_rows, self._hidden, self._reveal = sample_rows, hidden, reveal
        self._table: Table = store.load(before.name)
        self._metadata = store.metadata_of(self._table)

    def diff(self, key: Sequence[str] = (), *, examples: int = EXAMPLES) -> Diff:
        """How they differ. key: the columns that tell which row is which. examples: rows of each
        kind that are shown.

        Raises BadRequest for a key that not both have, Unprocessable for a damaged file.
        """
        names = self._before.name, self._after.name
        old, new = (records.fields(name, self._metadata) for name in names)
        types = [dict(scan(self._table, name).collect_schema()) for name in names]
        columns = pairs(old, new, *types)
        check_key(key, columns)
        by_id = all(pair.by_id for pair in columns)
        before, after = sides(self._table, *names, shared=by_id, new=new_ids(old, new))
        counted = count(
            before,
            after,
            columns,
            key,
            examples=examples,
            staging=partial(self._project.folder, "staging"),
        )
        masked = self._masked(columns)
        statistics, alike = self._statistics(before, after, columns, masked)
        return Diff(
            dataset=names[0].text,
            before=str(names[0].at_text),
            after=str(names[1].at_text),
            key=list(key),
            added=counted.added,
            removed=counted.removed,
            changed=counted.changed if key else None,
            schema=schema_diff(types_of(old), types_of(new), columns),
            statistics=statistics,
            alike=alike,
            examples=examples_of(counted, before, after, columns, key, masked, self._after.uuids()),
            files_read=len(before.files | after.files),
            note=note_of(counted, key),
        )

    def _masked(self, columns: Sequence[Pair]) -> Collection[str]:
        """By their later names, those that either state does not show."""
        names = [pair.before for pair in columns if pair.before is not None]
        old = self._hidden(self._before, names)
        new = self._hidden(self._after, [pair.after for pair in columns])
        return {pair.after for pair in columns if pair.after in new or pair.before in old}

    def _statistics(
        self, before: Side, after: Side, columns: Sequence[Pair], masked: Collection[str]
    ) -> tuple[dict[str, dict[str, tuple[object, object]]], int]:
        """Those that differ, and of how many columns none does: of all rows, if no file has to be
        read for it that is not read anyway; else what the files say of themselves. None where they
        do not tell which rows are deleted.
        """
        if not before.planned:
            return {}, 0
        read = before.files | after.files
        home = self._project.home
        known = all(
            file.path in read
            for table in (self._before, self._after)
            for file in SnapshotFiles(self._table, table.name, home).unknown
        )
        tier: Tier = "exact" if known else "footer"
        profiles = [
            table.profile(tier, self._sample_rows, reveal=self._reveal)
            for table in (self._before, self._after)
        ]
        return differing(profiles[0], profiles[1], columns, masked)


def check_key(key: Sequence[str], columns: Sequence[Pair]) -> None:
    """Raise BadRequest for a key of columns that not both states have."""
    known = {pair.after for pair in columns if pair.before is not None}
    for name in key:
        if name not in known:
            raise BadRequest(
                f"There is no column {name!r} for the key in both states.",
                f"Columns that both have: {', '.join(list(known)[:20]) or 'none'}.",
            )


def note_of(counted: Counted, key: Sequence[str]) -> str:
    """What is to be known of the counts."""
    if not counted.repeated or not key:
        return ""
    return (
        f"Several rows have the same {', '.join(key)}: of such rows, as many count as changed as"
        " both states have of them."
    )
