"""The verbs that join features to rows of entities, each as of its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ..repo import folder
from ..snippets import training_code
from .base import FeatureVerbs

if TYPE_CHECKING:
    import polars as pl

    from ...core.frames import Frame


class TrainingVerbs(FeatureVerbs):
    """Features as they were known at a time; a base of `Features`."""

    def training_set(
        self,
        features: Sequence[str],
        entities: Frame,
        *,
        at: str = "event_timestamp",
        full_names: bool = False,
    ) -> pl.DataFrame:
        """`entities` as a Polars frame, and for each row the features as they were known at its
        time: rows, order and columns are kept.

        features: `view:feature`, `view:*`, `view@v2:feature` for a version, or `service:NAME`. at:
        time or date column; without a zone it is UTC.
        full_names: call them `view__feature`. The rule of the join is stated in `join.py`. Every
        dataset is read at one snapshot, which lineage records. Raises NotFound for an unknown
        feature, BadRequest if a column is missing, has a wrong type, or would appear twice.
        """
        from ..training import training_set

        requested = self._requested(features)
        return training_set(
            self._project,
            self.feast(),
            requested,
            self._definitions(requested),
            entities,
            at=at,
            full_names=full_names,
        )

    def known_values(
        self,
        features: Sequence[str],
        entities: pl.DataFrame,
        *,
        at: str,
        snapshots: dict[str, str | None],
    ) -> pl.DataFrame:
        """What stored views have of each entity row at its time, by the same rule as training sets:
        columns `view:feature`, and `view:` for the time of the row that was found, null for none.

        at: see `training_set`. snapshots: those at which datasets are read, to which new ones are
        added, so that a later call reads the same. Raises as `training_set`, and BadRequest for a
        view whose values Feast computes.
        """
        from ..training import known_values

        requested = self._requested(features)
        views = self._definitions(requested)
        for name in requested:
            if not views[name].stored:
                raise BadRequest(
                    f"{name} has no stored history.",
                    "Feast computes its values.",
                    f"Write them into a dataset, and let {name} read that.",
                )
        return known_values(self._project, requested, views, entities, at=at, snapshots=snapshots)

    def examples(self, features: Sequence[str], count: int = 5) -> pl.DataFrame:
        """Some entity rows to try a training set with: the newest keys of each view, at the newest
        time of all views. Not a random sample.
        """
        from ..training import examples

        return examples(
            [self._view(name) for name in self._requested(features)], folder(self._project), count
        )

    def use(self, features: Sequence[str]) -> str:
        """Python code for a training set of these features. Raises NotFound."""
        return training_code(
            list(features), [self._view(name) for name in self._requested(features)]
        )
