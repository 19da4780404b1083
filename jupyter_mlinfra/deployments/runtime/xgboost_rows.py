"""Rows through a booster by XGBoost's C function `XGBoosterPredictFromDense`.

`Booster.inplace_predict` calls the same function, but takes 0.2 ms to prepare the call, most of the
time of a small request. Source: https://xgboost.readthedocs.io/en/stable/c.html.
"""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHORT_ROWS, SHORT_SECONDS = 16, 0.0003
"""At most so many rows, which take at most so long, are predicted without letting the interpreter
go: threads that want it need that time to hand it on.
"""

_TIMED = 5  # calls, of which the fastest counts

Predict = Callable[[np.ndarray], np.ndarray]


def rows_predictor(
    booster: Any, *, rounds: tuple[int, int] = (0, 0), margin: bool = False
) -> Predict:
    """A function from rows (float64, C order, missing as NaN) to scores: one value or one list of
    values per row. It is XGBoost's own `inplace_predict` where the direct call is not to be had or
    does not give the same.
    """
    kind = "margin" if margin else "value"

    def own(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(
            booster.inplace_predict(
                matrix, iteration_range=rounds, predict_type=kind, validate_features=False
            )
        )

    try:
        short = _short_rows(_direct(booster, rounds, margin, 0), booster.num_features())
        direct = _direct(booster, rounds, margin, short)
        for probe in _probes(booster.num_features()):
            given, expected = direct(probe), own(probe)
            if given.dtype != expected.dtype or not np.array_equal(given, expected, equal_nan=True):
                return own
    except (AttributeError, TypeError, ValueError, RuntimeError):  # of another release
        return own
    return direct


def _probes(width: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [np.full((1, width), np.nan), random.normal(size=(SHORT_ROWS + 1, width))]


def _short_rows(predict: Predict, width: int) -> int:
    """How many rows take no more than `SHORT_SECONDS`, at most `SHORT_ROWS`."""
    rows, taken = np.random.default_rng(0).normal(size=(SHORT_ROWS, width)), []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        predict(rows)
        taken.append(time.perf_counter() - begun)
    return min(SHORT_ROWS, int(SHORT_ROWS * SHORT_SECONDS / min(taken)))


def _direct(booster: Any, rounds: tuple[int, int], margin: bool, short_rows: int) -> Predict:
    """short_rows: so many are predicted without letting the interpreter go."""
    from xgboost import core

    call, failed = core._LIB.XGBoosterPredictFromDense, core._LIB.XGBGetLastError
    short = ctypes.PyDLL(core._LIB._name).XGBoosterPredictFromDense
    asked = {
        "type": int(margin),
        "training": False,
        "iteration_begin": rounds[0],
        "iteration_end": rounds[1],
        "missing": float("nan"),
        "strict_shape": False,
        "cache_id": 0,
    }
    config = json.dumps(asked).encode()

    def predict(matrix: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        array = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f8","version":3}' % (
            rows.ctypes.data,
            *rows.shape,
        )
        shape, scores = ctypes.POINTER(ctypes.c_uint64)(), ctypes.POINTER(ctypes.c_float)()
        dimensions = ctypes.c_uint64()
        code = (short if len(rows) <= short_rows else call)(
            booster.handle,
            array,
            config,
            None,
            ctypes.byref(shape),
            ctypes.byref(dimensions),
            ctypes.byref(scores),
        )
        if code:
            raise RuntimeError(failed().decode(errors="replace"))
        # The scores are this thread's own until its next call.
        return np.ctypeslib.as_array(scores, shape=tuple(shape[: dimensions.value])).copy()

    return predict
