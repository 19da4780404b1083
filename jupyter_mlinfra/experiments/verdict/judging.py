"""From two arms to a verdict: better, worse, not yet, or a ratio that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from ...core.errors import BadRequest
from .ratio import ratio_p_value
from .sequences import bounded_mean, mean_difference, proportion_difference

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Values = Sequence[float] | np.ndarray[Any, Any] | pl.Series

Method = Literal["asymptotic", "exact", "betting"]
MINIMUM = 400
"""Outcomes of an arm before the asymptotic method speaks. In simulated streams of very skewed
outcomes (lognormal, sigma 1.5, an arm with a tenth of the traffic) it was wrong in 4.7 % with 400,
in 8.9 % with 100.
"""
MINIMUM_BINARY, EVENTS = 100, 10
"""The same for outcomes of 0 and 1, and how many of each there must be."""
MISMATCH = 0.01
"""A p-value of the ratio below it stops every comparison."""
OPTIMAL_N = 10_000
_MOST_TIMES, _NEAR = 1e6, 1.01


class State(StrEnum):
    """What is known. `ratio mismatch`: the arms cannot be compared."""

    BETTER = "better"
    WORSE = "worse"
    NOT_YET = "not yet"
    RATIO_MISMATCH = "ratio mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The outcomes of one version so far. variance: divided by n - 1. binary: each is 0 or 1."""

    n: int
    mean: float
    variance: float
    binary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Both arms at one moment, from the beginning on. interval: of the difference, if another
    method than ours has made it.
    """

    control: Arm
    treatment: Arm
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What can be said about the new version, at any time. difference: of the means, treatment -
    control, with the ends of its confidence sequence (None while there are too few outcomes).

    decided_at: the look, from 1, at which it was decided; None before. ratio_p: of the shares.
    """

    state: State
    difference: float
    low: float | None
    high: float | None
    alpha: float
    control: Arm
    treatment: Arm
    ratio_p: float
    method: Method
    decided_at: int | None
    why: str

    def __str__(self) -> str:
        return f"{self.state}: {self.why}"


def arm(values: Values) -> Arm:
    """The outcomes of a version. Raises BadRequest for none, or for one that is not finite."""
    import numpy as np

    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise BadRequest(
            "These outcomes cannot be compared.",
            "They are none, or one of them is missing or not finite.",
            "Leave out what has no outcome yet.",
        )
    variance = float(found.var(ddof=1)) if len(found) > 1 else 0.0
    binary = bool(((found == 0) | (found == 1)).all())
    return Arm(n=len(found), mean=float(found.mean()), variance=variance, binary=binary)


def verdict(
    control: Values,
    treatment: Values,
    *,
    share: float = 0.5,
    better: Literal["higher", "lower"] = "higher",
    alpha: float = 0.05,
    method: Method = "asymptotic",
    bounds: tuple[float, float] | None = None,
    optimal_n: float = OPTIMAL_N,
) -> Verdict:
    """Whether the treatment is better than the control, from the outcomes so far. It may be asked
    after every outcome: over all of these looks, a difference that is none is taken for one with
    probability alpha at most.

    share: of the traffic that the treatment should have got. better: which outcomes are. method:
    `asymptotic` for any outcomes; `exact` for outcomes of 0 and 1, and `betting` for others within
    `bounds` and in the order in which they came, assume nothing and need several times as many.
    optimal_n: outcomes of both versions together at which `asymptotic` is sharpest.

    Raises BadRequest for outcomes that do not fit the method.
    """
    arms = arm(control), arm(treatment)
    interval = None
    if method == "betting":
        interval = _by_betting(control, treatment, bounds, alpha)
    look = Look(control=arms[0], treatment=arms[1], interval=interval)
    return judge(
        [look], share=share, better=better, alpha=alpha, method=method, optimal_n=optimal_n
    )


def judge(
    looks: Sequence[Look],
    *,
    method: Method = "asymptotic",
    share: float = 0.5,
    better: Literal["higher", "lower"] = "higher",
    alpha: float = 0.05,
    optimal_n: float = OPTIMAL_N,
) -> Verdict:
    """The verdict after a series of looks, each with all outcomes from the beginning on. The first
    decision stays; a mismatch of the ratio at any look outweighs it.

    Raises BadRequest for no look, or for numbers out of their range.
    """
    _check(looks, share, alpha, method)
    ratios = [
        ratio_p_value((look.control.n, look.treatment.n), (1 - share, share)) for look in looks
    ]
    # The smallest so far is valid too, because each of them may be looked at.
    ratio_p, sign = min(ratios), 1 if better == "higher" else -1
    decided: tuple[int, State] | None = None
    interval: tuple[float, float] | None = None
    for number, look in enumerate(looks, start=1):
        interval = look.interval or _interval(look, method, alpha, optimal_n)
        if decided is None and interval is not None and not interval[0] <= 0 <= interval[1]:
            state = State.BETTER if sign * interval[0] > 0 else State.WORSE
            decided = number, state
    last = looks[-1]
    state = decided[1] if decided else State.NOT_YET
    if ratio_p < MISMATCH:
        state, decided = State.RATIO_MISMATCH, None
    return Verdict(
        state=state,
        difference=last.treatment.mean - last.control.mean,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        alpha=alpha,
        control=last.control,
        treatment=last.treatment,
        ratio_p=ratio_p,
        method=method,
        decided_at=decided[0] if decided else None,
        why=_why(state, last, interval, ratio_p, share, alpha),
    )


def outcomes_needed(found: Verdict, *, optimal_n: float = OPTIMAL_N) -> int | None:
    """About how many more outcomes of both arms would decide by the asymptotic method, if their
    means, variances and shares stay. None if that is decided, or cannot be said.
    """
    arms = found.control, found.treatment
    if found.state is not State.NOT_YET or not found.difference or any(map(_too_few, arms)):
        return None

    def decides(factor: float) -> bool:
        half = mean_difference(
            (arms[0].n * factor, arms[1].n * factor),
            (arms[0].variance, arms[1].variance),
            alpha=found.alpha,
            optimal_n=optimal_n,
        )
        return bool(half < abs(found.difference))

    low, high = 1.0, 2.0
    while not decides(high):
        low, high = high, 2 * high
        if high > _MOST_TIMES:
            return None
    while high / low > _NEAR:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if decides(middle) else (middle, high)
    return round((arms[0].n + arms[1].n) * (high - 1))


def _interval(
    look: Look, method: Method, alpha: float, optimal_n: float
) -> tuple[float, float] | None:
    """The confidence sequence of the difference at a look; None while nothing can be said."""
    arms = look.control, look.treatment
    if method == "exact":
        return proportion_difference(
            (arms[0].mean * arms[0].n, arms[1].mean * arms[1].n),
            (arms[0].n, arms[1].n),
            alpha=alpha,
        )
    if any(_too_few(item) for item in arms):
        return None
    half = float(
        mean_difference(
            (arms[0].n, arms[1].n),
            (arms[0].variance, arms[1].variance),
            alpha=alpha,
            optimal_n=optimal_n,
        )
    )
    difference = arms[1].mean - arms[0].mean
    return difference - half, difference + half


def _too_few(item: Arm) -> bool:
    """Whether the central limit theorem says nothing about it yet."""
    if item.binary:
        return item.n < MINIMUM_BINARY or min(item.mean, 1 - item.mean) * item.n < EVENTS
    return item.n < MINIMUM or item.variance <= 0


def _by_betting(
    control: Values, treatment: Values, bounds: tuple[float, float] | None, alpha: float
) -> tuple[float, float]:
    import numpy as np

    values = [np.asarray(item, dtype=float) for item in (control, treatment)]
    if bounds is None or not bounds[0] < bounds[1]:
        raise BadRequest(
            "Betting needs the bounds of the outcomes.",
            f"bounds={bounds}.",
            "For example bounds=(0, 100), between which every outcome is by its nature.",
        )
    if any((item < bounds[0]).any() or (item > bounds[1]).any() for item in values):
        raise BadRequest(
            "An outcome is outside of its bounds.",
            f"They are {bounds[0]:g} to {bounds[1]:g}.",
            'Give bounds that all outcomes keep, or method="asymptotic".',
        )
    ends = [bounded_mean(item, alpha=alpha / 2, low=bounds[0], high=bounds[1]) for item in values]
    return ends[1][0] - ends[0][1], ends[1][1] - ends[0][0]


def _check(looks: Sequence[Look], share: float, alpha: float, method: Method) -> None:
    if not looks or not 0 < share < 1 or not 0 < alpha < 1:
        raise BadRequest(
            "There is nothing to judge.",
            f"{len(looks)} looks, share={share}, alpha={alpha}.",
            "share and alpha are between 0 and 1; give at least one look.",
        )
    if method == "exact" and not all(
        item.binary for look in looks for item in (look.control, look.treatment)
    ):
        raise BadRequest(
            "The exact method is for outcomes of 0 and 1.",
            "There are others.",
            'method="asymptotic", or method="betting" with bounds.',
        )
    if method == "betting" and any(look.interval is None for look in looks):
        raise BadRequest(
            "Betting needs every outcome, not only their mean.",
            "A look has no interval.",
            "Call verdict(control, treatment, bounds=…) with the outcomes.",
        )


def _why(
    state: State,
    look: Look,
    interval: tuple[float, float] | None,
    ratio_p: float,
    share: float,
    alpha: float,
) -> str:
    total = look.control.n + look.treatment.n
    if state is State.RATIO_MISMATCH:
        return (
            f"{look.treatment.n / total:.2%} of {total:,} outcomes are the treatment's, of which"
            f" {share:.2%} were expected (p = {ratio_p:.2g}): outcomes are lost or misdirected, and"
            " the arms cannot be compared"
        )
    if interval is None:
        needed = (
            f"{MINIMUM_BINARY:,} of each are needed, and in both {EVENTS} zeros and {EVENTS} ones"
            if look.control.binary and look.treatment.binary
            else f"{MINIMUM:,} of each are needed, and they must differ"
        )
        return f"{look.control.n:,} and {look.treatment.n:,} outcomes are too few: {needed}"
    difference = look.treatment.mean - look.control.mean
    return (
        f"the difference is {difference:+.4g}, at {1 - alpha:.0%} within {interval[0]:+.4g} and"
        f" {interval[1]:+.4g} ({total:,} outcomes)"
    )
