"""Training sets that are made when their rows are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from ..core.lineage import Traced
    from .knowing.spec import TrainingSnapshot

Schema = Mapping[str, pl.DataType]


class TrainingSet(pl.LazyFrame):
    """The rows of a training set, lazily: a Polars frame like any other. `snapshot` stores them as
    a dataset. What is made of it further, such as `train.filter(…)`, is a plain lazy frame.
    """

    _store: Callable[[str], TrainingSnapshot]

    @classmethod
    def of(
        cls,
        rows: Callable[[], pl.DataFrame],
        schema: Schema | Callable[[], Schema],
        store: Callable[[str], TrainingSnapshot],
        told: Callable[[], tuple[pl.LazyFrame, Traced]],
    ) -> TrainingSet:
        """rows: makes them. schema: their columns. store: stores them under a name. told: the frame
        of the entities, and what the features come from.
        """
        from ..catalog import note_made

        def read() -> pl.DataFrame:
            return rows()

        made = cls()
        made._ldf = pl.defer(read, schema=schema)._ldf
        note_made(read, told)
        made._store = store
        return made

    @classmethod
    def _from_pyldf(cls, ldf: Any) -> pl.LazyFrame:
        """What is made of it further: Polars asks this for every frame that it derives."""
        return pl.LazyFrame._from_pyldf(ldf)

    def snapshot(self, name: str) -> TrainingSnapshot:
        """Store the rows as the dataset `name` (`namespace.table`), with the snapshots and
        definitions that they came from: one commit, or nothing. A training set of that name gets
        one more snapshot; its earlier ones stay readable.

        Raises Conflict if the dataset is no training set.
        """
        return self._store(name)
