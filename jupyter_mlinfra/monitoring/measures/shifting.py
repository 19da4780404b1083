"""Performance without labels under covariate shift: PAPE.

CBPE trusts one calibration everywhere. Where the inputs have moved, it may no longer hold, although
equal inputs still have equal labels. So the labelled rows of the reference are weighted as often as
rows like them occur in the window, and the answers are calibrated anew on these weights. Source:
Białek, Kuberski, Perrakis and Bifet, Estimating model performance under covariate shift without
labels (arXiv 2401.08348, 2024), probabilistic adaptive performance estimation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import estimating

if TYPE_CHECKING:
    import numpy as np

ROUNDS = 50
_PARAMETERS: Mapping[str, Any] = {
    "objective": "binary:logistic",
    "max_depth": 4,
    "eta": 0.2,
    "min_child_weight": 10,
    "nthread": 1,
    "seed": 0,
}
_MOST = 1e3


def pape(
    reference: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    window: np.ndarray,
    window_scores: np.ndarray,
) -> Mapping[str, float | None]:
    """The metrics of a window.

    reference, window: inputs as numbers, one row per row, the same columns. scores, window_scores:
    n rows, one column per class. labels: the classes of the rows of the reference. Needs XGBoost.
    """
    weights = ratios(reference, window)
    return estimating.estimate(window_scores, calibrations_of(scores, labels, weights))


def ratios(reference: np.ndarray, window: np.ndarray) -> np.ndarray:
    """How many times as often a row of the reference occurs in the window, up to a factor: from a
    classifier that tells the two apart. Source: Bickel, Brückner and Scheffer, Discriminative
    learning under covariate shift (JMLR 2009).
    """
    import numpy as np
    import xgboost

    both = np.vstack([reference, window])
    here = np.repeat([0.0, 1.0], [len(reference), len(window)])
    model = xgboost.train(dict(_PARAMETERS), xgboost.DMatrix(both, label=here, nthread=1), ROUNDS)
    chance = np.asarray(model.inplace_predict(reference), float)
    odds = chance / np.maximum(1 - chance, 1 / _MOST)
    return np.asarray(odds * (len(reference) / len(window)))


def calibrations_of(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> Sequence[estimating.Calibration]:
    """The calibration of class 1 of two, or of each of more classes."""
    if scores.shape[1] == 2:
        return [estimating.calibrate(scores[:, 1], labels == 1, weights)]
    return [
        estimating.calibrate(scores[:, number], labels == number, weights)
        for number in range(scores.shape[1])
    ]
