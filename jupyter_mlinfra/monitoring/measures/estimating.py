"""Performance without labels, from what the model itself says about its answers.

All of it assumes that the relation between inputs and label is still that of the reference: it is
blind to concept drift, whichever way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BLIND = (
    "An estimate is blind to concept drift: it assumes that equal inputs still have the labels they"
    " had in the reference."
)
THRESHOLD = 0.5
"""A probability from here on is an answer of class 1."""

_LEAST = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A rising step function from scores to the share of rows with label 1. scores: in order;
    between two of them the share is interpolated.
    """

    scores: Sequence[float]
    shares: Sequence[float]

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """The calibrated probabilities of scores."""
        import numpy as np

        return np.asarray(np.interp(scores, self.scores, self.shares))


def calibrate(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> Calibration:
    """The isotonic regression of labels (0 or 1) on scores, by pooling adjacent violators.

    weights: of the rows; default: all equal. Source: Zadrozny and Elkan, Transforming classifier
    scores into accurate multiclass probability estimates (KDD 2002).
    """
    import numpy as np
    from scipy.optimize import isotonic_regression

    weights = np.ones(len(scores)) if weights is None else weights
    points, places = np.unique(scores, return_inverse=True)
    total = np.bincount(places, weights=weights)
    means = np.bincount(places, weights=weights * labels) / total
    shares = isotonic_regression(means, weights=total).x
    # Of each flat part only its ends are needed.
    inner = np.zeros(len(points), bool)
    inner[1:-1] = (shares[1:-1] == shares[:-2]) & (shares[1:-1] == shares[2:])
    return Calibration(scores=points[~inner].tolist(), shares=shares[~inner].tolist())


def confusion(scores: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The expected counts of true positives, false positives, false negatives and true negatives,
    and the expected sum of the log loss: they add up over rows.

    scores: of class 1, whose threshold is `THRESHOLD`. probabilities: the same, calibrated. Source
    (confidence-based performance estimation, CBPE): Kivimäki et al., Confidence-based estimators
    for predictive performance in model monitoring, JAIR 82 (2025); first in NannyML.
    """
    import numpy as np

    positive = scores >= THRESHOLD
    true = probabilities[positive].sum(), (1 - probabilities[~positive]).sum()
    bounded = np.clip(scores, _LEAST, 1 - _LEAST)
    loss = -(probabilities * np.log(bounded) + (1 - probabilities) * np.log(1 - bounded)).sum()
    return np.asarray(
        [
            true[0],
            positive.sum() - true[0],
            (~positive).sum() - true[1],
            true[1],
            loss,
        ]
    )


def of_confusion(sums: Sequence[float]) -> Mapping[str, float | None]:
    """Accuracy, F1 and log loss from the sums of `confusion`."""
    true_positive, false_positive, false_negative, true_negative, loss = sums
    rows = true_positive + false_positive + false_negative + true_negative
    found = 2 * true_positive + false_positive + false_negative
    return {
        "accuracy": (true_positive + true_negative) / rows if rows else None,
        "f1": 2 * true_positive / found if found else None,
        "log_loss": loss / rows if rows else None,
    }


def expected_auc(
    scores: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float | None:
    """The area under the ROC curve when each row is positive with its probability: the expected
    share of pairs of a positive and a negative row in the right order, ties half. None if no row
    can be of one of the classes. weights: how many rows each score stands for.
    """
    import numpy as np

    weights = np.ones(len(scores)) if weights is None else weights
    distinct, places = np.unique(scores, return_inverse=True)
    positive = np.bincount(places, weights=weights * probabilities, minlength=len(distinct))
    negative = np.bincount(places, weights=weights * (1 - probabilities), minlength=len(distinct))
    pairs = positive.sum() * negative.sum()
    if not pairs:
        return None
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / pairs)


def sums_of(scores: np.ndarray, calibrations: Sequence[Calibration]) -> np.ndarray:
    """What adds up over rows. scores: n rows, one column per class. calibrations: of class 1, or of
    more than two classes each.

    Of two classes that is `confusion`; of more the expected number of right answers and the
    expected sum of the log loss.
    """
    import numpy as np

    if len(calibrations) == 1:
        return confusion(scores[:, 1], calibrations[0](scores[:, 1]))
    calibrated = _calibrated(scores, calibrations)
    right = calibrated[np.arange(len(scores)), scores.argmax(axis=1)].sum()
    loss = -(calibrated * np.log(np.clip(scores, _LEAST, 1))).sum()
    return np.asarray([right, loss, len(scores)], float)


def of_sums(
    sums: Sequence[float],
    scores: np.ndarray,
    weights: np.ndarray | None,
    calibrations: Sequence[Calibration],
) -> Mapping[str, float | None]:
    """The metrics of such sums. scores, weights: of class 1 of two, for the ROC AUC."""
    if len(calibrations) == 1:
        auc = expected_auc(scores, calibrations[0](scores), weights)
        return {**of_confusion(sums), "roc_auc": auc}
    right, loss, rows = sums
    return {"accuracy": right / rows, "log_loss": loss / rows} if rows else {}


def estimate(scores: np.ndarray, calibrations: Sequence[Calibration]) -> Mapping[str, float | None]:
    """CBPE of some rows at once; scores as in `sums_of`."""
    return of_sums(sums_of(scores, calibrations).tolist(), scores[:, 1], None, calibrations)


def _calibrated(scores: np.ndarray, calibrations: Sequence[Calibration]) -> np.ndarray:
    """One class against the rest, each row then brought to a sum of 1."""
    import numpy as np

    found = np.column_stack([item(scores[:, k]) for k, item in enumerate(calibrations)])
    total = found.sum(axis=1, keepdims=True)
    return np.where(total > 0, found / np.where(total > 0, total, 1), 1 / found.shape[1])
