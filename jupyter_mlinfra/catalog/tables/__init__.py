"""The tables that the catalog reads, of whatever kind: what verbs ask of them.

A further kind is a class with these methods, which `finding` knows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from ..looking.profile import Tier
    from ..names import DatasetName
    from ..spec import Column, Dataset, DatasetDetail, Profile
    from ..uuids import Uuids


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The rows that a preview pages through, and what belongs to them, all of one state. total: how
    many there are; None if they would have to be counted.
    """

    rows: pl.LazyFrame
    columns: Sequence[Column]
    total: int | None
    snapshot: str | None


class ReadTable(Protocol):
    """One table, for one question. Nothing is read before a method is called; all but `needs` and
    `record` raise NotFound if there is no such table.
    """

    @property
    def name(self) -> DatasetName:
        """Its name, perhaps with a snapshot."""

    def needs(self) -> Sequence[str]:
        """The further domains that a user must be allowed to read to see it over REST."""

    def record(self) -> Dataset:
        """Its row of a list; of one that cannot be read, a row that says why."""

    def detail(self) -> DatasetDetail:
        """The head of its page."""

    def state(self) -> str | None:
        """Differs exactly when the rows read may differ; None if nothing was ever written."""

    def scan(self) -> pl.LazyFrame:
        """The rows, lazily."""

    def uuids(self) -> Uuids:
        """Those of its columns of which `scan` has the bytes of UUIDs, and `shown` their text."""

    def shown(self) -> Shown:
        """The rows of a preview."""

    def masked(self, columns: Sequence[str], /) -> Collection[str]:
        """Those of its columns whose values previews and profiles do not show."""

    def personal(self, columns: Sequence[str], /) -> Collection[str]:
        """Those of them that SQL does not show either, and who has the right to may see: they hold
        personal data.
        """

    def profile(self, tier: Tier, sample_rows: int, *, reveal: bool = False) -> Profile:
        """Statistics of every column. Values of masked ones are neither in it nor kept; with
        `reveal` they are in it.
        """

    def check_own(self) -> None:
        """Raise Conflict if it is not the catalog's own, for verbs that only datasets have."""

    def explained(self) -> AbstractContextManager[None]:
        """Turn what fails while it is read into what, why and fix."""
