"""The verb that asks in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Verbs

if TYPE_CHECKING:
    import polars as pl


class SqlVerbs(Verbs):
    """SQL; a base of `Catalog`."""

    def sql(self, query: str, *, limit: int | None = None) -> pl.DataFrame:
        """The answer to one SELECT over datasets (`FROM flights.departures`), and over the tables
        that other domains have (`FROM monitoring.flights_series`). limit: most rows; None for all.
        """
        from ..sql import run

        return run(query, lambda name: self._tables.find(name).scan(), limit=limit)
