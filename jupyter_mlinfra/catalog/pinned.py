"""A table whose columns must not change until the commit: the data files of an attempt are written
for them.

pyiceberg lets an append follow any earlier commit, even one with other columns; values of a removed
column would be lost silently.
"""

from __future__ import annotations

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import Table, Transaction
from pyiceberg.table.update import AssertCurrentSchemaId


class PinnedTable(Table):
    """A table that pyiceberg may reload between two tries only if it is the same table with the
    same columns.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(
            table.name(),
            table.metadata,
            table.metadata_location,
            table.io,
            table.catalog,
            table.config,
        )

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
        schema_id = self.metadata.current_schema_id
        try:
            super().refresh()
        except (
            NoSuchTableError,
            ValueError,
        ) as error:  # ValueError: a table of the same name with another UUID
            raise CommitFailedException(
                f"{'.'.join(self.name())} has been replaced by another table"
            ) from error
        if self.metadata.current_schema_id != schema_id:
            raise CommitFailedException(f"{'.'.join(self.name())} has changed its columns")
        return self
