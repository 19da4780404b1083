"""A dataset as it is when new rows come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from ..uuids import Uuids


@dataclass(frozen=True, slots=True)
class Present:
    """The dataset as it is: its rows, how many, and the snapshot. uuids: its columns with the bytes
    of UUIDs.
    """

    rows: pl.LazyFrame
    count: int
    snapshot: int | None
    uuids: Uuids
