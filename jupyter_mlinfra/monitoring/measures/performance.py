"""Real performance, from labels: metrics of classifiers and of regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.value_names import value_name
from ..figures import Confusion
from .estimating import THRESHOLD, expected_auc

if TYPE_CHECKING:
    import numpy as np

_LEAST = 1e-15


MOST_CLASSES = 50
"""A confusion matrix has at most so many classes."""


def metrics(
    outputs: np.ndarray, labels: np.ndarray, answers: str, *, named: bool = False
) -> Mapping[str, float | None]:
    """The metrics that fit the answers. outputs: n rows, one column per output. labels: n true
    values or classes. named: the classes are names, of which none is that of number 1.
    """
    if not len(labels) or not answers:
        return {}
    if answers == "values":
        return regression(outputs[:, 0], labels)
    if answers == "classes":
        return classes(outputs[:, 0], labels, named=named)
    return probabilities(outputs, labels)


def regression(predictions: np.ndarray, labels: np.ndarray) -> Mapping[str, float | None]:
    """Mean absolute error and root of the mean squared error."""
    wrong = predictions - labels
    return {"mae": float(abs(wrong).mean()), "rmse": float((wrong**2).mean() ** 0.5)}


def classes(
    predictions: np.ndarray, labels: np.ndarray, *, named: bool = False
) -> Mapping[str, float | None]:
    """Accuracy, and F1 of class 1, or of several classes and of names the mean of their F1."""
    import numpy as np

    known = np.union1d(predictions, labels)
    two = not named and bool(np.isin(known, (0.0, 1.0)).all())
    scores = [_f1(predictions == item, labels == item) for item in ((1.0,) if two else known)]
    f1 = [score for score in scores if score is not None]
    accuracy = float((predictions == labels).mean())
    return {"accuracy": accuracy, "f1": float(np.mean(f1)) if f1 else None}


def probabilities(outputs: np.ndarray, labels: np.ndarray) -> Mapping[str, float | None]:
    """Those of `classes`, the log loss, and of two classes the area under the ROC curve, which is
    None if all labels are of one class.
    """
    import numpy as np

    if outputs.shape[1] > 2:
        chosen = outputs[
            np.arange(len(labels)), np.clip(labels, 0, outputs.shape[1] - 1).astype(int)
        ]
        loss = -np.log(np.clip(chosen, _LEAST, 1)).mean()
        return {**classes(outputs.argmax(axis=1).astype(float), labels), "log_loss": float(loss)}
    scores = outputs[:, -1]
    bounded = np.clip(scores, _LEAST, 1 - _LEAST)
    loss = -np.where(labels == 1, np.log(bounded), np.log(1 - bounded)).mean()
    return {
        **classes((scores >= THRESHOLD).astype(float), labels),
        "roc_auc": expected_auc(scores, (labels == 1).astype(float)),
        "log_loss": float(loss),
    }


def wrongs(outputs: np.ndarray, labels: np.ndarray, answers: str) -> np.ndarray:
    """The error of each row: 0 or 1 of a classifier, else the distance."""
    import numpy as np

    if answers == "values":
        return np.asarray(abs(outputs[:, 0] - labels))
    return np.asarray((predicted(outputs, answers) != labels).astype(float))


def predicted(outputs: np.ndarray, answers: str, threshold: float = THRESHOLD) -> np.ndarray:
    """The class that each row is given. threshold: of the probability of class 1 of two."""
    import numpy as np

    if answers == "classes":
        return np.asarray(outputs[:, 0])
    if outputs.shape[1] > 2:
        return np.asarray(outputs.argmax(axis=1).astype(float))
    return np.asarray((outputs[:, -1] >= threshold).astype(float))


def confusion(
    outputs: np.ndarray, labels: np.ndarray, answers: str, names: Sequence[str]
) -> Confusion | None:
    """The confusion matrix; None of values, of too many classes, and if a row was answered
    with a class that has no name. names: of the classes.
    """
    import numpy as np

    if answers not in ("classes", "probabilities") or not len(labels):
        return None
    given = predicted(outputs, answers)
    known = np.arange(len(names)) if names else np.union1d(given, labels)
    if len(known) > MOST_CLASSES or not np.isin(given, known).all():
        return None
    counts = np.zeros((len(known), len(known)), int)
    np.add.at(counts, (np.searchsorted(known, labels), np.searchsorted(known, given)), 1)
    return Confusion(
        classes=list(names) or [value_name(item) for item in known.tolist()], counts=counts.tolist()
    )


def _f1(predicted: np.ndarray, true: np.ndarray) -> float | None:
    """None where the class neither occurred nor was predicted."""
    both = int((predicted & true).sum())
    total = int(predicted.sum() + true.sum())
    return 2 * both / total if total else None
