"""`ml.features`: some features, for training and online; `ml.feature_store`: where they are defined
and stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import BadRequest
from ..faces.parse import moment
from ..workbench import Workbench, current
from .shown import Shown

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import polars as pl
    from feast import FeatureStore

    from ..core.frames import Frame
    from ..features.knowing.spec import Explained, Rebuilt, ViewComparison, ViewStatistics
    from ..features.lazily import TrainingSet
    from ..features.spec import (
        AppliedViews,
        Materialized,
        OnlineBatch,
        OnlineRow,
        Pushed,
        SkewReport,
    )


def features(refs: Sequence[str]) -> FeatureSelection:
    """Features by `view:feature` or `view:*`, for training and for online look-up."""
    return FeatureSelection(current(), tuple(refs))


def feature_store() -> FeatureStoreHandle:
    """The project's feature store: apply definitions, copy values to the online store."""
    return FeatureStoreHandle(current())


@dataclass(frozen=True)
class FeatureSelection(Shown):
    """Some features, in code."""

    workbench: Workbench = field(repr=False)
    refs: Sequence[str]

    def training_set(self, entities: Frame, *, at: str = "event_timestamp") -> pl.DataFrame:
        """A training set: each row of a Polars or pandas frame gets the values known at its time
        `at`; the order of `entities` is kept.
        """
        return self.workbench.features.training_set(self.refs, entities, at=at)

    def train(self, entities: Frame, *, at: str = "event_timestamp") -> TrainingSet:
        """The same training set lazily: a Polars lazy frame, whose rows are made when they are
        collected. `.snapshot(name)` stores it as a dataset, with the exact versions that it came
        from.
        """
        return self.workbench.features.train(self.refs, entities, at=at)

    def examples(self, count: int = 5, *, reveal: bool = False) -> pl.DataFrame:
        """Some entity rows to try `train` with: keys of each view, each at a time at which most of
        the features have values, the newest first. Not a random sample. Keys whose column is tagged
        `pii` are masked, unless with `reveal`, which is recorded.
        """
        return self.workbench.features.examples(self.refs, count, reveal=reveal)

    def online(self, **keys: Any) -> OnlineRow | list[OnlineRow]:
        """The newest values of one entity (`user_id=42`), or of several (`user_id=[42, 43]`)."""
        if not keys:
            raise BadRequest(
                "Which entity?", "No key was given.", "For example .online(origin='JFK')"
            )
        several = {name: value for name, value in keys.items() if isinstance(value, list | tuple)}
        if not several:
            return self.workbench.features.online(self.refs, [keys])[0]
        length = len(next(iter(several.values())))
        if len(several) != len(keys) or any(len(value) != length for value in several.values()):
            raise BadRequest(
                "The keys do not fit together.", "Each key must be a list of the same length."
            )
        return self.workbench.features.online(
            self.refs,
            [dict(zip(keys, row, strict=True)) for row in zip(*keys.values(), strict=True)],
        )

    def online_batch(self, entities: Frame | Sequence[Mapping[str, Any]]) -> OnlineBatch:
        """The newest values of many entities, by feature: the rows of a frame, or mappings, with
        the join keys.
        """
        return self.workbench.features.online_batch(self.refs, entities)

    def _shown(self) -> Any:
        return self.workbench.features.selected(self.refs)


@dataclass(frozen=True)
class FeatureStoreHandle(Shown):
    """The feature store."""

    workbench: Workbench = field(repr=False)

    def apply(self) -> AppliedViews:
        """Make the registry match the definition files; `problems` names the views that were left
        out. Raises Unprocessable (file and line) if a file is broken.
        """
        return self.workbench.features.apply()

    def materialize(
        self,
        view: str | Sequence[str] | None = None,
        *,
        start: datetime | timedelta | None = None,
        end: datetime | None = None,
        every: timedelta | None = None,
        full: bool = False,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> list[Materialized]:
        """Copy the newest row of each entity to the online store, for one view, some or all;
        incremental, unless `start` sets the first event time (or how long before `end`), or `full`
        asks for everything again.

        every: length of the parts in which a range is written; an interrupted call goes on with the
        next part. on_progress: called with view, rows done, rows to do.
        """
        return self.workbench.features.materialize(
            view, start=start, end=end, every=every, full=full, on_progress=on_progress
        )

    def push(
        self,
        name: str,
        rows: Frame | Sequence[Mapping[str, Any]],
        *,
        to: Literal["online", "offline", "both"] = "online",
    ) -> Pushed:
        """Write rows of a stream to the views that a push source feeds, or to one view: a frame, or
        a list of mappings, with the keys, all features and the event time.

        to: `online` replaces what is older there, `offline` appends to the source. Rows whose
        values are not of their types go nowhere, and the answer names them.
        """
        return self.workbench.features.push(name, rows, to=to)

    def check(self, view: str, *, sample: int | None = None) -> SkewReport:
        """Compare the online values of a view with what training reads, on a sample of keys."""
        return self.workbench.features.check(view, sample=sample)

    def explain(
        self, view: str, at: datetime | str | None = None, *, known_only: bool = False, **keys: Any
    ) -> Explained:
        """Which row a training set takes for one entity (`origin="JFK"`) at a time, and why it
        refuses every other. at: a moment, or its text (`2013-12-01T06:00Z`). known_only: rows count
        only once they are written.
        """
        asked = moment(at) if isinstance(at, str) else at
        return self.workbench.features.explain(view, keys, asked, known_only=known_only)

    def statistics(self, view: str, *, compute: bool = False) -> ViewStatistics:
        """Distribution, freshness, drift and skew of each feature of a view. compute: run the code
        of an on-demand view on a sample of its inputs.
        """
        return self.workbench.features.statistics(view, compute=compute)

    def compare_views(self, before: str, after: str) -> ViewComparison:
        """What differs between two versions of a view (`view@v1`), or between two views."""
        return self.workbench.features.compare_views(before, after)

    def rebuild(self, name: str, *, newest: bool = False) -> pl.DataFrame:
        """A stored training set, made again from the versions that it came from, or with `newest`
        from the sources as they are now.
        """
        return self.workbench.features.rebuild(name, newest=newest)

    def compare(self, name: str, *, newest: bool = False) -> Rebuilt:
        """How a stored training set differs from itself made again (see `rebuild`)."""
        return self.workbench.features.compare_snapshot(name, newest=newest)

    def feast(self) -> FeatureStore:
        """Feast's own object for this repository, up to date with the registry."""
        return self.workbench.features.feast()

    def _shown(self) -> Any:
        return self.workbench.features.views()
