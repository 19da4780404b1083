"""What one commit does to a table: its columns, the data files that come and those that go.

`commit` brings a change about without knowing its kind; a further kind needs only this protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from .integrity import check_before_rewriting
from .rewriting import rows_again
from .widening import rewritten

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from .conform import Target
    from .datafiles import DataFiles
    from .intake import Rows

Mode = Literal["append", "replace"]
WriteMode = Literal["append", "replace", "upsert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """The data files of a commit. rows: how many it reports as written. updated: how many of these
    took the place of other ones.

    Where files are removed, earlier rows count as gone, and the files of earlier ingests as not in
    the table any more, unless the change says otherwise. keeps_rows: every earlier row is still
    there, in the files that were added. keeps_files: the earlier ingests still count, although rows
    of theirs have changed; so it is with `keeps_rows`, too. without_deletes: the files from which
    rows were deleted are all among those that go, so no list of deleted rows is needed any more.
    schema_id: an earlier schema of the table that becomes its present one.
    """

    added: Sequence[DataFile] = ()
    removed: Sequence[DataFile] = ()
    rows: int = 0
    updated: int = 0
    keeps_rows: bool = False
    keeps_files: bool = False
    without_deletes: bool = False
    schema_id: int | None = None


class Change(Protocol):
    """One change of a table. `plan` and `files` are called again if another writer came first."""

    @property
    def locks(self) -> bool:
        """Whether it takes the table's lock from the start. Without it, only a change that creates
        the table or changes its columns does.
        """

    @property
    def creates(self) -> bool:
        """Whether it makes a table that does not exist; otherwise that is NotFound."""

    @property
    def rebases(self) -> bool:
        """Whether files that it adds may follow commits that came after `files`; otherwise, and
        where it removes files from rows that others added to, `files` is called again for the table
        as it is then.
        """

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        """The columns of the table afterwards, in order. existing: its present ones; None if there
        is no table yet.
        """

    def files(
        self, table: Table | None, out: DataFiles, targets: Mapping[str, Target]
    ) -> FileChange:
        """Write the new files into `out`, and say which go. table: as it is before the commit; None
        if the commit creates it. Raises rather than write a part: `out` is discarded then.
        """


@dataclass(slots=True)
class RowsChange:
    """Further rows, or with mode replace, other rows. widened: after `plan`, columns of whole
    numbers that become floats, so that the rows that are there are written again.
    """

    creates: ClassVar = True

    rows: Rows
    mode: Mode
    widened: Mapping[str, pl.DataType] = field(default_factory=dict, init=False)

    @property
    def rebases(self) -> bool:
        return not self.widened

    @property
    def locks(self) -> bool:
        return self.mode == "replace"

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        kept = existing if self.mode == "append" else None
        targets = self.rows.plan(kept)
        self.widened = rewritten(kept or {}, targets)
        return targets

    def files(
        self, table: Table | None, out: DataFiles, targets: Mapping[str, Target]
    ) -> FileChange:
        again = table is not None and bool(self.widened)
        if table is not None and again:
            check_before_rewriting(table, (file.file_path for file in present(table)))
            for frame in rows_again(table, targets):
                out.add(frame)
        kept = out.rows
        for frame in self.rows.frames(targets):
            out.add(frame)
        removed = present(table) if again or self.mode == "replace" else ()
        return FileChange(
            added=out.close(),
            removed=removed,
            rows=out.rows - kept,
            keeps_rows=again,
            keeps_files=again,
        )


def present(table: Table | None) -> list[DataFile]:
    """The data files that have the rows of a table now."""
    return [] if table is None else [task.file for task in table.scan().plan_files()]
