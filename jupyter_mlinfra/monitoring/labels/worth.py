"""What labelled and rewarded answers were worth, as a monitor values them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..measures.kpi import REWARD, Worths, rewards, worths
from .classes import codes_of, kind_of

if TYPE_CHECKING:
    import polars as pl

    from ..hours.recording import Plan

UNKNOWN = "It is not known what the deployment answers: no version of it was packaged."
NO_COSTS = "It is not known what an outcome is worth: monitors watch --value fn=-75"


def has_label() -> pl.Expr:
    """Whether a kept row has a label: the others have a reward alone. Of rows of an earlier version
    the names of classes are not known; they have no rewards.
    """
    import polars as pl

    rewarded = pl.col("reward").is_not_null()
    return ~rewarded | pl.any_horizontal(pl.col("label", "text", "labels").is_not_null())


def worths_of(rows: pl.DataFrame, plan: Plan, version: str) -> Worths | str:
    """What each of these rows was worth, in their order, or why that is not known. rows: as they
    are kept, see `joining.kept_rows`.
    """
    if not plan.costs:
        return NO_COSTS
    if REWARD in plan.costs:
        return rewards(rows["reward"].drop_nulls().to_numpy(), plan.costs)
    if not plan.answers:
        return UNKNOWN
    reference = plan.reference(version)
    classes = reference.classes if reference else ()
    labelled = rows.filter(has_label())
    outputs, labels, names = codes_of(labelled, classes, plan.answers)
    kind = kind_of(labelled, plan.answers)
    return worths(outputs, labels, kind, plan.costs, names=names, ordered=bool(classes))
