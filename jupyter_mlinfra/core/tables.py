"""Tables that a domain keeps and others may read: SQL and the catalog show them in the namespace of
the domain's name, beside the datasets.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What is known of a table without reading it. description: what its rows are. columns: how
    many; None if only its files say so. bytes: of its files; None if they are too many to look at.
    updated_at: when one of them was last written; None without files.
    """

    description: str
    columns: int | None
    bytes: int | None
    updated_at: datetime | None


class Tables(Protocol):
    """The tables of a domain in one project."""

    def names(self) -> Sequence[str]:
        """The names of those that are listed, without reading any of them."""

    def has(self, table: str) -> bool:
        """Whether there is one of that name, which may be another name of a listed one."""

    def needs(self, table: str) -> Sequence[str]:
        """The other domains that a user must be allowed to read to see it over REST."""

    def masked(self, table: str, columns: Sequence[str]) -> Collection[str]:
        """Those of its columns whose values previews and profiles do not show."""

    def facts(self, table: str) -> TableFacts:
        """What a list shows of one. Raises NotFound if there is none of that name."""

    def rows(self, table: str) -> pl.LazyFrame | None:
        """Its rows as they are now; None if there is none of that name."""
