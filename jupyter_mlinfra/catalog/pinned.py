"""A table whose columns must stay until the commit: the data files of an attempt are written for
them.

pyiceberg lets an append follow whatever was committed before it, also other columns; values of a
column that went would be lost unseen.
"""

from __future__ import annotations

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import Table, Transaction
from pyiceberg.table.update import AssertCurrentSchemaId


class PinnedTable(Table):
    """A table that pyiceberg may read anew between two tries only as long as it is the same one,
    with the same columns.
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
        """A transaction that the catalog refuses once the columns are others."""
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
        """Raises CommitFailedException when the attempt has to begin anew."""
        before = self.metadata.current_schema_id
        try:
            super().refresh()
        except (
            NoSuchTableError,
            ValueError,
        ) as error:  # ValueError: a table of the same name with another UUID
            raise CommitFailedException(
                f"{'.'.join(self.name())} is another table by now"
            ) from error
        if self.metadata.current_schema_id != before:
            raise CommitFailedException(f"{'.'.join(self.name())} has other columns by now")
        return self
