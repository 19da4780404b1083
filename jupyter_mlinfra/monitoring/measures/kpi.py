"""A business KPI: what each outcome of a decision is worth, and how sure its mean is.

Outcomes are those of two classes (`tp`, `fp`, `fn`, `tn`), or of any number of classes the true one
and the answered one, as `cat:dog`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ..figures import KpiFigure
from .estimating import THRESHOLD
from .performance import MOST_CLASSES, predicted

if TYPE_CHECKING:
    import numpy as np

OUTCOMES = ("tp", "fp", "fn", "tn")
LIMIT = "threshold"
"""Beside the outcomes: the probability from which on the decision is for class 1 of two."""

CONFIDENCE = 0.95
_DRAWS = 4000
_SEED = 20_130_101

_UNKNOWN_FIRST = (
    "Which class is the first of two is known from a reference with labels only; name both:"
    " --value TRUE:ANSWERED=AMOUNT"
)
OTHER_CLASSES = (
    "The reference has {there} classes, the model {answered}: make it from labels of all that the"
    " model has, and of no other."
)
_MORE_CLASSES = "The model has more than two classes: --value TRUE:ANSWERED=AMOUNT"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What became of labelled rows. names: of the outcomes; places: of each row, among them."""

    names: Sequence[str]
    places: np.ndarray


def check_costs(costs: Mapping[str, float]) -> dict[str, float]:
    """The worth of every outcome; those that are not named are worth nothing. Raises BadRequest."""
    pairs = [name for name in costs if ":" in name]
    known = (*pairs, LIMIT) if pairs else (*OUTCOMES, LIMIT)
    if unknown := sorted(set(costs) - set(known)):
        raise BadRequest(
            f"{unknown[0]!r} is no outcome" + (" beside pairs of classes." if pairs else "."),
            f"Outcomes are {', '.join(OUTCOMES)}, or pairs of classes, TRUE:ANSWERED.",
            "For example --value fn=-75 --value fp=-10, or --value cat:dog=-5",
        )
    if not 0 < costs.get(LIMIT, THRESHOLD) < 1:
        raise BadRequest(
            f"{costs[LIMIT]:g} is no threshold.",
            "A decision is for class 1 from a probability between 0 and 1 on.",
            "For example --value threshold=0.3",
        )
    named = {name: float(costs.get(name, 0.0)) for name in (pairs or OUTCOMES)}
    return named | ({LIMIT: float(costs[LIMIT])} if LIMIT in costs else {})


def kpi(
    outputs: np.ndarray,
    labels: np.ndarray,
    answers: str,
    costs: Mapping[str, float],
    *,
    names: Sequence[str] = (),
    ordered: bool = True,
) -> KpiFigure | str:
    """The KPI of labelled rows, or why there is none. See `decisions`."""
    found = decisions(outputs, labels, answers, costs, names=names, ordered=ordered)
    return found if isinstance(found, str) else figure_of(found, costs)


def decisions(
    outputs: np.ndarray,
    labels: np.ndarray,
    answers: str,
    costs: Mapping[str, float],
    *,
    names: Sequence[str] = (),
    ordered: bool = True,
) -> Decisions | str:
    """The outcome of each labelled row, or why that cannot be told.

    outputs: n rows, one column per output; labels: n numbers of classes. names: of the classes,
    none if they are numbers; ordered: whether their order is known.
    """
    import numpy as np

    if answers not in ("classes", "probabilities"):
        return "The deployment answers no classes: it has no outcomes."
    if not len(labels):
        return "No row of the window has a label."
    given = predicted(outputs, answers, costs.get(LIMIT, THRESHOLD))
    width = max(2, outputs.shape[1]) if answers == "probabilities" else 0
    if names and width and len(names) != width:
        return OTHER_CLASSES.format(there=len(names), answered=width)
    if any(":" in name for name in costs):
        return _pairs(given, labels, width, names, costs, whole=bool(width or (names and ordered)))
    if names and not ordered:
        return _UNKNOWN_FIRST
    if len(names) > 2 or outputs.shape[1] > 2:
        return _MORE_CLASSES
    positive, true = given == 1, labels == 1
    return Decisions(OUTCOMES, np.where(true, np.where(positive, 0, 2), np.where(positive, 1, 3)))


def _pairs(
    given: np.ndarray,
    labels: np.ndarray,
    width: int,
    names: Sequence[str],
    costs: Mapping[str, float],
    *,
    whole: bool,
) -> Decisions | str:
    """width: how many classes have a probability. whole: whether all classes are known, not those
    of these rows alone: a pair of others is then a mistake.
    """
    import numpy as np

    known = np.arange(len(names)) if names else np.union1d(given, labels)
    if not names and width:
        known = np.union1d(known, np.arange(width))
    classes = list(names) or [f"{item:g}" for item in known]
    if len(classes) > MOST_CLASSES:
        return f"The model has more than {MOST_CLASSES} classes."
    pairs = [f"{true}:{answered}" for true in classes for answered in classes]
    asked = {name for name in costs if ":" in name}
    unknown, listed = sorted(asked - set(pairs)), ", ".join(classes[:10])
    if unknown and (whole or len(unknown) == len(asked)):
        return f"No two of the classes {listed} are {', '.join(unknown[:10])}: see --value."
    places = np.searchsorted(known, labels) * len(classes) + np.searchsorted(known, given)
    return Decisions(pairs, places)


def worth_of(found: Decisions, costs: Mapping[str, float]) -> np.ndarray:
    """What each outcome is worth, in the order of their names."""
    import numpy as np

    return np.asarray([costs.get(name, 0.0) for name in found.names])


def mean_worth(found: Decisions, costs: Mapping[str, float]) -> float:
    """The value of a KPI, without its interval."""
    return float(_counts(found) @ worth_of(found, costs)) / len(found.places)


def _counts(found: Decisions) -> np.ndarray:
    import numpy as np

    return np.bincount(found.places, minlength=len(found.names))


def figure_of(found: Decisions, costs: Mapping[str, float]) -> KpiFigure:
    """The KPI of what became of rows.

    The interval is the percentile bootstrap over rows: as a row is worth one of some amounts, to
    draw n rows is to draw the counts of these from a multinomial distribution. Source: Efron and
    Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
    """
    import numpy as np

    counts, worth = _counts(found), worth_of(found, costs)
    rows, total = int(counts.sum()), float(counts @ worth)
    amounts, places = np.unique(worth[counts > 0], return_inverse=True)
    shares = np.bincount(places, weights=counts[counts > 0]) / rows
    drawn = np.random.default_rng(_SEED).multinomial(rows, shares, size=_DRAWS)
    means = drawn @ amounts / rows
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    shown = found.names == OUTCOMES
    return KpiFigure(
        value=total / rows,
        low=float(low),
        high=float(high),
        confidence=CONFIDENCE,
        total=total,
        rows=rows,
        outcomes={
            name: int(count)
            for name, count in zip(found.names, counts, strict=True)
            if shown or count
        },
    )
