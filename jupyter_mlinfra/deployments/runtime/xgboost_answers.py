"""What a model answers: the scores of its booster, turned into what its own `predict` or
`predict_proba` gives.

XGBoost's scikit-learn classes are not loaded here, because they would need scikit-learn in every
serving environment. The test before traffic compares these few lines with the real classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from .xgboost_rows import rows_predictor

_BOOSTER = "xgboost.core.Booster"
_SOFTMAX = "multi:softmax"
_PROBABILITIES = ("binary:logistic", "multi:softprob", _SOFTMAX)


def predictor(booster: Any, model_class: str, answers: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function from a matrix of inputs to answers: one value or one list of values per row.

    model_class: of the logged model. answers: `classes` or `probabilities` of a classifier;
    anything else means the booster's scores. Raises ValueError if the model cannot give these
    answers.
    """
    learner = orjson.loads(booster.save_config())["learner"]
    objective, name = str(learner["objective"]["name"]), str(learner["gradient_booster"]["name"])
    if name == "gblinear":
        raise ValueError("The booster is gblinear, which does not predict from rows in place")
    if model_class == _BOOSTER:
        return rows_predictor(booster)
    if answers == "probabilities" and objective not in _PROBABILITIES:
        raise ValueError(f"A model of objective {objective} has no probabilities")
    rounds, classes = rounds_of(booster), int(learner["learner_model_param"]["num_class"])
    margin = answers == "probabilities" and objective == _SOFTMAX
    scores_of = rows_predictor(booster, rounds=rounds, margin=margin)

    def predict(matrix: np.ndarray) -> np.ndarray:
        scores = scores_of(matrix)
        if answers == "classes":
            return _classes(scores, objective, classes)
        if answers == "probabilities":
            return _softmax(scores) if margin else _probabilities(scores)
        return scores

    return predict


def rounds_of(booster: Any, model_class: str = "") -> tuple[int, int]:
    """The rounds that count: those up to the best one after early stopping, else all (0, 0). A
    plain booster is asked with all of them.
    """
    if model_class == _BOOSTER:
        return (0, 0)
    best = booster.attr("best_iteration")
    return (0, int(best) + 1) if best is not None else (0, 0)


def _classes(scores: np.ndarray, objective: str, classes: int) -> np.ndarray:
    if scores.ndim > 1 and classes > 2:
        return np.argmax(scores, axis=1).astype(np.int64)
    if objective == _SOFTMAX:
        return scores.astype(np.int64)
    return (scores > 0.5).astype(np.int64)


def _probabilities(scores: np.ndarray) -> np.ndarray:
    return scores if scores.ndim > 1 else np.column_stack([1.0 - scores, scores])


def _softmax(margins: np.ndarray) -> np.ndarray:
    exponentials = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
