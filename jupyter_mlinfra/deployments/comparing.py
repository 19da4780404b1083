"""Two versions' answers to the same rows: how often they agree, how far the scores moved, and how
long each took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

EQUAL = 1e-6
NEAR = 0.05
"""Two values agree if they differ by at most this share of the standard deviation of those that
were given.
"""

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerComparison:
    """A version compared with the answers that were given. kind: `replay` of logged rows, or the
    copies that a `shadow` answered. rows: compared ones; given_by: how many of them each version
    answered then. window: of their arrival.

    agreement: share of the rows with the same answer by `rule`; identical: to 1e-6. score_shift:
    mean of its scores minus that of the given ones; score_distance: the Kolmogorov-Smirnov distance
    of the two, for names of classes their total variation. spread: standard deviation of the given
    scores. latency: p50_ms, p95_ms and p99_ms of the version, and with `given_` before them of
    those that answered, both measured as `latency_basis` says. refused: rows that it did not
    answer. left_out: rows of the window that could not be sent, or were not for want of time; notes
    say why.
    """

    id: int = 0
    kind: Literal["replay", "shadow"]
    deployment: str
    version: str
    since: datetime
    until: datetime
    rows: int
    given_by: Mapping[str, int]
    agreement: float | None
    rule: str
    identical: float | None
    score_shift: float | None
    score_distance: float | None
    spread: float | None
    latency: Mapping[str, float | None]
    latency_basis: str
    refused: int = 0
    left_out: int = 0
    notes: Sequence[str] = field(default_factory=tuple)
    at: datetime
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How two series of answers compare; the fields are those of `AnswerComparison`."""

    agreement: float | None
    rule: str
    identical: float | None
    score_shift: float | None
    score_distance: float | None
    spread: float | None


def compare(given: Sequence[Sequence[Any]], found: Sequence[Sequence[Any]], kind: str) -> Compared:
    """Compare row by row. given, found: n answers, each a list of numbers or texts. kind:
    `classes`, `probabilities` or `values`. An answer of another width, or without a number, agrees
    with none.
    """
    if not given:
        return Compared(
            agreement=None,
            rule=_RULES.get(kind, ""),
            identical=None,
            score_shift=None,
            score_distance=None,
            spread=None,
        )
    if any(isinstance(value, str) for row in (*given, *found) for value in row):
        return _texts([tuple(map(str, row)) for row in given], [tuple(map(str, r)) for r in found])
    return _numbers(given, found, kind)


_RULES = {
    "classes": "the same class",
    "probabilities": "the same class: the most probable, of two classes from 0.5 on",
    "values": f"a difference of at most {NEAR:g} standard deviations of the given values",
}


def _texts(given: Sequence[tuple[str, ...]], found: Sequence[tuple[str, ...]]) -> Compared:
    count = len(given)
    same = sum(one == other for one, other in zip(given, found, strict=True)) / count
    names = {*given, *found}
    moved = sum(abs(given.count(name) - found.count(name)) for name in names) / (2 * count)
    return Compared(
        agreement=same,
        rule=_RULES["classes"],
        identical=same,
        score_shift=None,
        score_distance=moved,
        spread=None,
    )


def _numbers(given: Sequence[Sequence[Any]], found: Sequence[Sequence[Any]], kind: str) -> Compared:
    import numpy as np

    width = max(map(len, given))
    one, other = (_matrix(rows, width) for rows in (given, found))
    usable = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    a, b = one[usable], other[usable]
    share = len(a) / len(given)
    if not len(a):
        return compare([], [], kind)
    scale = np.maximum(1.0, np.abs(a))
    identical = float((np.abs(a - b) <= EQUAL * scale).all(axis=1).mean()) * share
    scores, moved = _score(a, kind), _score(b, kind)
    return Compared(
        agreement=float(_agree(a, b, kind).mean()) * share,
        rule=_RULES.get(kind, _RULES["values"]),
        identical=identical,
        score_shift=float(moved.mean() - scores.mean()),
        score_distance=_distance(scores, moved),
        spread=float(scores.std()),
    )


def _matrix(rows: Sequence[Sequence[Any]], width: int) -> Floats:
    """n × width numbers; NaN where a row is of another width or has none."""
    import numpy as np

    found: Floats = np.full((len(rows), width), np.nan)
    for number, row in enumerate(rows):
        if len(row) == width and None not in row:
            found[number] = row
    return found


def _agree(given: Floats, found: Floats, kind: str) -> Any:
    import numpy as np

    if kind == "probabilities":
        return _class(given) == _class(found)
    if kind == "classes":
        return (given == found).all(axis=1)
    near = np.maximum(NEAR * given.std(axis=0), EQUAL * np.maximum(1.0, np.abs(given)))
    return (np.abs(given - found) <= near).all(axis=1)


def _class(probabilities: Floats) -> Any:
    if probabilities.shape[1] <= 2:
        return probabilities[:, -1] >= THRESHOLD
    return probabilities.argmax(axis=1)


def _score(values: Floats, kind: str) -> Floats:
    """One number a row: of two classes the probability of the second, of more the largest one, else
    the first value.
    """
    if kind == "probabilities" and values.shape[1] > 1:
        found: Floats = values[:, 1] if values.shape[1] == 2 else values.max(axis=1)
        return found
    return values[:, 0]


def _distance(first: Floats, second: Floats) -> float:
    """The largest difference of the two empirical distributions."""
    import numpy as np

    values = np.concatenate([first, second])
    below = [
        np.searchsorted(np.sort(part), values, side="right") / len(part) for part in (first, second)
    ]
    return float(np.abs(below[0] - below[1]).max())


def quantiles(milliseconds: Sequence[float], prefix: str = "") -> dict[str, float | None]:
    """p50, p95 and p99 (nearest rank); None without any."""
    from .measuring import quantile

    ordered = sorted(milliseconds)
    return {
        f"{prefix}p{percent}_ms": round(quantile(ordered, percent / 100), 3) if ordered else None
        for percent in (50, 95, 99)
    }
