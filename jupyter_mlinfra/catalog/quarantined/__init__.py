"""The rows that did not fit, as tables that others read: `quarantine.shop__orders` has those of
`shop.orders`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..names import DatasetName

NAMESPACE = "quarantine"


def quarantine_of(name: DatasetName) -> str:
    """The table with the rows that did not fit into a dataset."""
    return f"{NAMESPACE}.{table_name(name.text)}"


def table_name(dataset: str) -> str:
    """The name of that table within its namespace."""
    return dataset.replace(".", "__")
