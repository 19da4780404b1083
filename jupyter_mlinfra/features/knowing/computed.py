"""Values of a view that computes them: what a training set gets at the events that it is computed
from, or at a random sample of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError, Unprocessable
from ...core.frames import exactly
from ..definitions import Definition
from ..join import join_as_of, utc
from ..joining.names import key_names
from ..sources import SourceSpec, one_snapshot, readable, scan, state_of
from ..windows.kept import KeptTiles
from ..windows.newest import windowed
from .drift import Side, sample
from .spec import TrainingWindow

if TYPE_CHECKING:
    import polars as pl
    from feast import FeatureStore

    Join = Callable[[pl.DataFrame], pl.DataFrame]

SAMPLED = 20_000
"""Events at which values are computed, of all, of those in the training window, and of later ones:
of more, so many by chance.
"""

AT = "__at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values at events, by feature. every: of all of them; before, after: in the training
    window, and since; None without a window. source: whose events they are.
    """

    source: str
    every: Side
    before: Side | None = None
    after: Side | None = None

    @property
    def words(self) -> str:
        """What they are, for people."""
        rows, taken = self.every.rows, self.every.frame.height
        some = f"{rows:,}" if self.every.whole else f"a sample of {taken:,} of {rows:,}"
        return f"what a training set gets at {some} events of {self.source}"


def window_values(
    view: Definition, source: SourceSpec, repo: Path, window: TrainingWindow | None
) -> Values:
    """Those of a view with aggregations: each event with its key gets the windows that had ended,
    by the code of training sets. Raises Unprocessable for a value that does not fit its feature.
    """
    rows = scan(source, repo)
    inside = key_names(view.keys)
    features = {column.name: f"value {column.name}" for column in view.features}
    asked = replace(
        windowed(view, rows, source, KeptTiles(source, repo)),
        keys={name: key.name for name, key in zip(inside, view.keys, strict=True)},
        features=features,
        ttl=view.ttl,
    )

    def join(entities: pl.DataFrame) -> pl.DataFrame:
        joined = join_as_of(entities.lazy(), [asked], at=AT).collect(engine="streaming")
        return joined.select(exactly(told).alias(name) for name, told in features.items())

    events = _events(rows, source, dict(zip(inside, asked.keys.values(), strict=True)))
    return _values(events, source.name, window, join)


@dataclass(frozen=True, slots=True)
class OnDemand:
    """An on-demand view, and the view it is computed from whose events have all of its keys."""

    view: Definition
    base: Definition
    source: SourceSpec

    @classmethod
    def of(cls, view: Definition, views: Mapping[str, Definition]) -> OnDemand | None:
        """None of another view, and where no view that it is computed from has all keys, and a
        source that is read here.
        """
        if view.kind != "on_demand":
            return None
        used = [views[name] for name in view.uses if name in views]
        keys = {key.name for item in used for key in item.keys}
        for base in used:
            source = base.source
            has_all = {key.name for key in base.keys} == keys
            if has_all and source is not None and source.kind != "other":
                return cls(view, base, source)
        return None

    def state(self, views: Mapping[str, Definition], repo: Path) -> str:
        """A text that changes with what the values are computed from; empty if that is unknown."""
        used = [views[name] for name in self.view.uses if name in views]
        try:
            states = [state_of(item.source, repo) if item.source else "" for item in used]
        except MLInfraError:
            return ""
        if None in states:
            return ""
        return repr([(item.digest, state) for item, state in zip(used, states, strict=True)])

    def values(
        self,
        feast: FeatureStore,
        views: Mapping[str, Definition],
        repo: Path,
        window: TrainingWindow | None,
        *,
        telling: bool,
    ) -> Values:
        """Runs the code of the view, as a training set does. telling: whether an error of it may be
        told, which may quote values. Raises Unprocessable if the code fails.
        """
        from ..training import joined_by_feast
        from ..training_columns import column_name

        names = [column.name for column in self.view.features]
        requested = {self.view.name: names}
        known = {**views, self.view.name: self.view}

        def computed(entities: pl.DataFrame) -> pl.DataFrame:
            try:
                rows = joined_by_feast(
                    feast, requested, known, entities, at=AT, full_names=True, pins={}
                )
            except MLInfraError:
                raise
            except Exception as error:  # of code that anybody wrote
                why = f"{type(error).__name__}: {error}"[:300] if telling else type(error).__name__
                raise Unprocessable(
                    f"The code of {self.view.name} failed on rows of {self.base.name}.",
                    why,
                    "If it needs columns of the request, store a training set that has them: its"
                    " statistics are then told from that.",
                ) from error
            told = {name: column_name(self.view.name, name, True) for name in names}
            return rows.select(exactly(column).alias(name) for name, column in told.items())

        with one_snapshot(), readable(self.source):
            keys = {key.name: key.name for key in self.base.keys}
            events = _events(scan(self.source, repo), self.source, keys)
            return _values(events, self.base.name, window, computed)


def _events(rows: pl.LazyFrame, source: SourceSpec, keys: Mapping[str, str]) -> pl.LazyFrame:
    """Key and time of each row that has them. keys: column of the source by its name here."""
    from ..pulling import with_keys

    time = utc(source.time, rows.collect_schema()[source.time]).alias(AT)
    slim = with_keys(rows, list(keys.values()))
    named = [exactly(column).alias(name) for name, column in keys.items()]
    return slim.select(*named, time).drop_nulls(AT)


def _values(events: pl.LazyFrame, source: str, window: TrainingWindow | None, join: Join) -> Values:
    """The values at a sample of events, all computed at once."""
    import polars as pl

    parts = [events]
    if window is not None:
        inside = pl.col(AT).is_between(window.first, window.last)
        parts += [events.filter(inside), events.filter(pl.col(AT) > window.last)]
    asked = [sample(part, SAMPLED) for part in parts]
    found = join(pl.concat([side.frame for side in asked]))
    sides, start = [], 0
    for side in asked:
        sides.append(Side(found.slice(start, side.frame.height), side.rows))
        start += side.frame.height
    if window is None:
        return Values(source=source, every=sides[0])
    return Values(source=source, every=sides[0], before=sides[1], after=sides[2])
