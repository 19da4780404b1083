"""A table whose columns must not change until the commit, since the data files of an attempt are
written for them, and to which no other writer may add the same files, or more of the same stream.

pyiceberg lets an append follow any earlier commit, even one with other columns or with the same
rows: values of a removed column would be lost silently, and rows would be there twice.
"""

from __future__ import annotations

from collections.abc import Callable

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update import AssertCurrentSchemaId

from . import metadata as records
from .pending import Attempt, Demand
from .store import CatalogStore


class PinnedTable(Table):
    """A table that pyiceberg may reload between two tries only if it is the same table with the
    same columns in the same place, and not `stale`. record: of the attempt.
    """

    def __init__(
        self, table: Table, *, record: Attempt, stale: Callable[[records.Metadata], bool]
    ) -> None:
        super().__init__(
            table.name(),
            _told(table.metadata),
            table.metadata_location,
            table.io,
            table.catalog,
            table.config,
        )
        self._record, self._stale = record, stale

    def transaction(self) -> Transaction:
        """A transaction that the catalog refuses if the columns have changed."""
        transaction = super().transaction()
        transaction._apply(
            (),
            (
                AssertCurrentSchemaId.model_validate(
                    {"current-schema-id": self.metadata.current_schema_id}
                ),
            ),
        )
        return transaction

    def refresh(self) -> Table:
        """Raise CommitFailedException if the attempt has to start again."""
        schema_id, location = self.metadata.current_schema_id, self.metadata.location
        try:
            super().refresh()
        except (
            NoSuchTableError,
            ValueError,
        ) as error:  # ValueError: a table of the same name with another UUID
            raise CommitFailedException(
                f"{'.'.join(self.name())} has been replaced by another table"
            ) from error
        if records.snapshot_with(self, self._record.mark) is not None:
            return self  # it landed, and only its answer was lost
        if self.metadata.current_schema_id != schema_id:
            raise CommitFailedException(f"{'.'.join(self.name())} has changed its columns")
        if self.metadata.location != location:
            raise CommitFailedException(f"{'.'.join(self.name())} has moved to another tier")
        if self._stale(CatalogStore.metadata_of(self)):
            raise CommitFailedException(f"{'.'.join(self.name())} has got other rows meanwhile")
        self.metadata = _told(self.metadata)
        self._record.asks(Demand.on(self.metadata))
        return self


def _told(metadata: TableMetadata) -> TableMetadata:
    """The metadata, where no snapshot is without a summary: after such a one pyiceberg would begin
    to count the rows at 0; after one without totals it writes none.
    """
    if all(entry.summary for entry in metadata.snapshots):
        return metadata
    silent = Summary(Operation.APPEND)
    snapshots = [
        entry if entry.summary else entry.model_copy(update={"summary": silent})
        for entry in metadata.snapshots
    ]
    return metadata.model_copy(update={"snapshots": snapshots})
