"""A business KPI: what each answer was worth, and how sure the mean is.

Of classes the outcome of a decision is worth an amount: one of two classes' (`tp`, `fp`, `fn`,
`tn`), or of any number of classes the true one and the answered one, as `cat:dog`. Of values each
unit of the distance is, by which an answer was too high (`over`) or too low (`under`). Or what an
answer has brought is known, and was reported with it (`reward`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ...core.value_names import value_name
from ..figures import KpiFigure
from .estimating import THRESHOLD
from .performance import MOST_CLASSES, predicted

if TYPE_CHECKING:
    import numpy as np

OUTCOMES = ("tp", "fp", "fn", "tn")
DISTANCES = ("over", "under")
REWARD = "reward"
LIMIT = "threshold"
"""Beside the outcomes: the probability from which on the decision is for class 1 of two."""

CONFIDENCE = 0.95
_DRAWS = 4000
_SEED = 20_130_101
_MOST_AMOUNTS = 1000
_EXTREMES, _BLOCKS = 100, 800
"""Of more amounts so many smallest and largest are drawn each for itself, the others in blocks."""

_UNKNOWN_FIRST = (
    "Which class is the first of two is known from a reference with labels only; name both:"
    " --value TRUE:ANSWERED=AMOUNT"
)
OTHER_CLASSES = (
    "The reference has {there} classes, the model {answered}: make it from labels of all that the"
    " model has, and of no other."
)
_MORE_CLASSES = "The model has more than two classes: --value TRUE:ANSWERED=AMOUNT"
NO_LABEL = "No row of the window has a label."
NO_REWARD = "No answer of the window has a reward."


@dataclass(frozen=True, slots=True)
class Decisions:
    """What became of labelled rows. names: of the outcomes; places: of each row, among them."""

    names: Sequence[str]
    places: np.ndarray


@dataclass(frozen=True, slots=True)
class Worths:
    """What each of some answers was worth. outcomes: how many had which, if there are some few."""

    amounts: np.ndarray
    outcomes: Mapping[str, int]


def check_costs(costs: Mapping[str, float]) -> dict[str, float]:
    """The worth of every outcome; those that are not named are worth nothing. Raises BadRequest."""
    pairs = [name for name in costs if ":" in name]
    kinds = [(*(pairs or OUTCOMES), LIMIT), DISTANCES, (REWARD,)]
    known = next((kind for kind in kinds if set(costs) <= set(kind)), None)
    if known is None:
        first = next((kind for kind in kinds if next(iter(costs)) in kind), kinds[0])
        unknown = min(set(costs) - set(first))
        raise BadRequest(
            f"{unknown!r} is no outcome"
            + (
                f" beside {', '.join(name for name in costs if name in first)}."
                if len(costs) > 1
                else "."
            ),
            f"Outcomes are {', '.join(OUTCOMES)}, or pairs of classes, TRUE:ANSWERED; of values"
            f" {' and '.join(DISTANCES)}, what a unit too high or too low is worth; or {REWARD}.",
            "For example --value fn=-75 --value fp=-10, or --value over=-1 --value under=-3",
        )
    if not 0 < costs.get(LIMIT, THRESHOLD) < 1:
        raise BadRequest(
            f"{costs[LIMIT]:g} is no threshold.",
            "A decision is for class 1 from a probability between 0 and 1 on.",
            "For example --value threshold=0.3",
        )
    named = {name: float(costs.get(name, 0.0)) for name in known if name != LIMIT}
    return named | ({LIMIT: float(costs[LIMIT])} if LIMIT in costs else {})


def check_answers(costs: Mapping[str, float], answers: str) -> None:
    """Raise BadRequest for worths of outcomes that no answer can have. costs: see `check_costs`;
    answers: `classes`, `probabilities` or `values`, empty if that is not known.
    """
    of_values, first = set(costs) <= set(DISTANCES), next(iter(costs), REWARD)
    if first == REWARD or not answers or of_values is (answers == "values"):
        return
    if of_values:
        raise BadRequest(
            f"{' and '.join(costs)} would never count.",
            f"The deployment answers {answers}, and only a value is too high or too low.",
            "For example --value fn=-75 --value fp=-10, or --value TRUE:ANSWERED=AMOUNT",
        )
    raise BadRequest(
        f"{', '.join(costs)} would never count.",
        "The deployment answers values, which are too high or too low, but of no class.",
        "For example --value over=-1 --value under=-3. If the answers are classes, deploy the model"
        " with --answers classes.",
    )


def kpi(
    outputs: np.ndarray,
    labels: np.ndarray,
    answers: str,
    costs: Mapping[str, float],
    *,
    names: Sequence[str] = (),
    ordered: bool = True,
) -> KpiFigure | str:
    """The KPI of labelled rows, or why there is none. See `worths`."""
    found = worths(outputs, labels, answers, costs, names=names, ordered=ordered)
    return found if isinstance(found, str) else figure_of(found)


def worths(
    outputs: np.ndarray,
    labels: np.ndarray,
    answers: str,
    costs: Mapping[str, float],
    *,
    names: Sequence[str] = (),
    ordered: bool = True,
) -> Worths | str:
    """What each labelled row was worth, or why that cannot be told. outputs … ordered: see
    `decisions`; of several values the first counts.
    """
    import numpy as np

    if not set(costs) <= set(DISTANCES):
        found = decisions(outputs, labels, answers, costs, names=names, ordered=ordered)
        if isinstance(found, str):
            return found
        counts = np.bincount(found.places, minlength=len(found.names))
        shown = found.names == OUTCOMES
        outcomes = {
            name: int(count)
            for name, count in zip(found.names, counts, strict=True)
            if shown or count
        }
        amounts = np.asarray([costs.get(name, 0.0) for name in found.names])
        return Worths(amounts[found.places], outcomes)
    if answers != "values":
        return "The deployment answers classes, which are not too high or too low: see --value."
    if not len(labels):
        return NO_LABEL
    distance = outputs[:, 0] - labels
    over, under = (costs.get(name, 0.0) for name in DISTANCES)
    sides = {"over": distance > 0, "under": distance < 0, "exact": distance == 0}
    return Worths(
        np.where(distance > 0, over, -under) * distance,
        {name: int(side.sum()) for name, side in sides.items()},
    )


def rewards(found: np.ndarray, costs: Mapping[str, float]) -> Worths | str:
    """What answers were worth by the rewards that were reported for them."""
    return Worths(found * costs[REWARD], {}) if len(found) else NO_REWARD


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
        return "The deployment answers no classes: --value over=-1 --value under=-3"
    if not len(labels):
        return NO_LABEL
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
    classes = list(names) or [value_name(item) for item in known.tolist()]
    if len(classes) > MOST_CLASSES:
        return f"The model has more than {MOST_CLASSES} classes."
    pairs = [f"{true}:{answered}" for true in classes for answered in classes]
    asked = {name for name in costs if ":" in name}
    unknown, listed = sorted(asked - set(pairs)), ", ".join(classes[:10])
    if unknown and (whole or len(unknown) == len(asked)):
        return f"No two of the classes {listed} are {', '.join(unknown[:10])}: see --value."
    places = np.searchsorted(known, labels) * len(classes) + np.searchsorted(known, given)
    return Decisions(pairs, places)


def figure_of(found: Worths) -> KpiFigure:
    """The KPI of what some answers were worth.

    The interval is the percentile bootstrap over rows. Source: Efron and Tibshirani, An
    Introduction to the Bootstrap (1993), ch. 13.
    """
    import numpy as np

    amounts, counts = np.unique(found.amounts, return_counts=True)
    rows, total = len(found.amounts), float(amounts @ counts)
    low, high = np.quantile(_drawn(amounts, counts), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return KpiFigure(
        value=total / rows,
        low=float(low),
        high=float(high),
        confidence=CONFIDENCE,
        total=total,
        rows=rows,
        outcomes=found.outcomes,
    )


def _drawn(amounts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means of bootstrap samples. amounts: different ones, ascending; counts: rows of each.

    To draw n rows is to draw the counts of amounts from a multinomial distribution. Of many
    amounts those in the middle are put together in blocks of neighbours: how many rows a sample has
    of a block is drawn so, and the sum of that many draws from within it is taken as normal. Mean
    and variance of the samples stay what they are.
    """
    import numpy as np

    generator, rows = np.random.default_rng(_SEED), int(counts.sum())
    if len(amounts) <= _MOST_AMOUNTS:
        drawn = generator.multinomial(rows, counts / rows, size=_DRAWS)
        return np.asarray(drawn @ amounts / rows)
    middle = np.linspace(_EXTREMES, len(amounts) - _EXTREMES, _BLOCKS, endpoint=False).astype(int)
    ends = np.arange(len(amounts) - _EXTREMES, len(amounts))
    starts = np.concatenate([np.arange(_EXTREMES), middle, ends])
    sizes, sums = np.add.reduceat(counts, starts), np.add.reduceat(counts * amounts, starts)
    means = sums / sizes
    apart = (amounts - np.repeat(means, np.diff([*starts, len(amounts)]))) ** 2
    variances = np.add.reduceat(counts * apart, starts) / sizes
    drawn = generator.multinomial(rows, sizes / rows, size=_DRAWS)
    within = generator.standard_normal(_DRAWS) * np.sqrt(drawn @ variances)
    return np.asarray((drawn @ means + within) / rows)
