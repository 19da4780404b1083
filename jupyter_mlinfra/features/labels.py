"""Labels that several labelers gave: which of them counts.

Feast's policies, over the labels of one entity that are known at a time (the usable rows of
`join.py`):

- last_write_wins: the row that the rule of joins takes.
- labeler_priority: the row of the strongest labeler; of several rows of his, the one that the rule
  takes. Labelers that are not named come after those that are; if none is named, this is
  last_write_wins.
- majority_vote: of each column the most frequent value, nulls aside; of values that are as
  frequent, the one in the later row by the rule. The column of the labeler says `majority_vote`.

A policy looks at all labels of an entity, not only at the newest: the work grows with the pairs of
entity rows and labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.frames import exactly

if TYPE_CHECKING:
    import polars as pl

    from .definitions import Definition, LabelSpec

LABELERS = "mlinfra.labelers"
"""The tag of a label view that names its labelers, the strongest first, with commas between. Feast
has a policy of priorities, but no place for them.
"""

PRIORITY, MAJORITY = "labeler_priority", "majority_vote"

_PLACE, _COUNT, _RANK = "__place", "__count", "__rank"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A policy that looks at more than the newest label. labeler: the column of the source that
    names who gave a label.
    """

    policy: str
    labeler: str
    priorities: tuple[str, ...] = ()

    def strengths(self, labelers: Iterable[Any]) -> list[int]:
        """How strong labelers are; 0 for one that is not named."""
        places = {name: len(self.priorities) - n for n, name in enumerate(self.priorities)}
        return [places.get(labeler, 0) for labeler in labelers]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the source that are needed besides the requested ones."""
        return (self.labeler,) if self.policy == PRIORITY else ()


def priorities_of(tags: Mapping[str, str]) -> list[str]:
    """The labelers that the tags of a view name, the strongest first."""
    return [name.strip() for name in tags.get(LABELERS, "").split(",") if name.strip()]


def resolution_of(labels: LabelSpec | None) -> Resolution | None:
    """None where the newest label counts, so that the rule of joins is enough."""
    if labels is None or labels.policy not in (PRIORITY, MAJORITY):
        return None
    if labels.policy == PRIORITY and not labels.priorities:
        return None
    return Resolution(
        policy=labels.policy, labeler=labels.labeler, priorities=tuple(labels.priorities)
    )


def priority_of(view: Definition) -> Resolution | None:
    """The policy of a view whose online values say who gave them, if the stronger labeler counts
    before the later label; else None.
    """
    found = resolution_of(view.labels)
    by_priority = found is not None and found.policy == PRIORITY
    known = found is not None and found.labeler in {column.name for column in view.features}
    return found if by_priority and known else None


def resolved(
    pairs: pl.LazyFrame,
    resolution: Resolution,
    *,
    group: Sequence[str],
    order: Sequence[str],
    features: Sequence[str],
    times: Sequence[str] = (),
) -> pl.LazyFrame:
    """One row for each group of usable labels: its columns, then features and times.

    pairs: the labels of each group, with the columns of `features`, those of `resolution.columns`,
    and `order`, by which the winning row of the rule comes last. times: columns that a majority has
    from its newest label.
    """
    if resolution.policy == PRIORITY:
        return _by_priority(pairs, resolution, group, order, [*features, *times])
    answer = _by_majority(pairs, resolution, group, order, features)
    if not times:
        return answer
    newest = pairs.group_by(group).agg(exactly(name).max() for name in times)
    return answer.join(newest, on=list(group))


def _by_priority(
    pairs: pl.LazyFrame,
    resolution: Resolution,
    group: Sequence[str],
    order: Sequence[str],
    features: Sequence[str],
) -> pl.LazyFrame:
    import polars as pl

    names = list(resolution.priorities)
    rank = (
        exactly(resolution.labeler)
        .cast(pl.String)
        .replace_strict(names, list(range(len(names), 0, -1)), default=0, return_dtype=pl.Int32)
    )
    last = [exactly(name).sort_by(_RANK, *order, nulls_last=False).last() for name in features]
    return pairs.with_columns(rank.alias(_RANK)).group_by(group).agg(last)


def _by_majority(
    pairs: pl.LazyFrame,
    resolution: Resolution,
    group: Sequence[str],
    order: Sequence[str],
    features: Sequence[str],
) -> pl.LazyFrame:
    import polars as pl

    placed = pairs.sort(order, nulls_last=False, maintain_order=True).with_row_index(_PLACE)
    answer = placed.select(group).unique()
    for name in features:
        if name == resolution.labeler:
            answer = answer.with_columns(pl.lit(MAJORITY).alias(name))
            continue
        votes = (
            placed.filter(exactly(name).is_not_null())
            .group_by(*group, exactly(name))
            .agg(pl.len().alias(_COUNT), pl.col(_PLACE).max())
            .sort(_COUNT, _PLACE)
            .group_by(group, maintain_order=True)
            .agg(exactly(name).last())
        )
        answer = answer.join(votes, on=list(group), how="left")
    return answer.select(*group, *map(exactly, features))
