"""The answer to "why": a body of Seldon's protocol in, contributions of each row out.

Only for who holds a secret of the project: the gateway marks its requests, and takes the mark from
all others. In a container there is no such gateway, so nothing is explained there.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from .contract import Batch, Column
from .contributions import Contributions, sampled
from .engine import Engine, Packaged, sample_batch
from .refusal import RequestRefused

SECONDS = 10.0
"""For the contributions of one request."""

WAIT_SECONDS = 5.0
MOST_ROWS = 100


class Explainer:
    """Explains answers of one model, one request at a time: the others are there to answer."""

    def __init__(self, engine: Engine, packaged: Packaged) -> None:
        self._engine, self._packaged = engine, packaged
        self._busy = threading.Lock()

    def of(self, batch: Batch) -> Contributions:
        """The contributions to the answers of a batch. Raises RequestRefused if there are none,
        or another request is explained for too long.
        """
        if batch.size > MOST_ROWS:
            raise RequestRefused(
                "These are too many rows.",
                f"They are {batch.size:,}; at most {MOST_ROWS} are explained at a time.",
                "Send fewer rows.",
            )
        if not self._busy.acquire(timeout=WAIT_SECONDS):
            raise RequestRefused(
                "Another answer is being explained.",
                f"A process explains one at a time; this one waited for {WAIT_SECONDS:.0f} s.",
                "Try again.",
                status=429,
            )
        try:
            return self._contributions(batch)
        finally:
            self._busy.release()

    def _contributions(self, batch: Batch) -> Contributions:
        own = getattr(self._engine, "contributions", None)
        found: Contributions | None = own(batch) if own is not None else None
        if found is not None:
            return found
        scores = getattr(self._engine, "scores", self._engine.predict)

        def ask(rows: Batch) -> Mapping[str, np.ndarray]:
            found: Mapping[str, np.ndarray] = scores(replace(rows, params=batch.params))
            return found

        background = sample_batch(self._engine, self._packaged)
        return sampled(ask, batch, background, seconds=SECONDS)


def body(
    found: Contributions, batch: Batch, columns: list[Column], predictions: Any, version: str
) -> bytes:
    """The answer. predictions: one per row."""
    given = inputs_of(batch, columns)
    rows = [
        {
            "values": given[number],
            "prediction": predictions[number],
            "contributions": _finite(found.values[number]),
            "errors": None if found.errors is None else _finite(found.errors[number]),
            "base": _finite(found.base[number]),
            "total": _finite(found.total[number]),
        }
        for number in range(batch.size)
    ]
    return orjson.dumps(
        {
            "version": version,
            "method": found.method,
            "exact": found.errors is None,
            "scale": found.scale,
            "inputs": [column.name for column in columns],
            "outputs": list(found.outputs),
            "background": found.background,
            "orders": found.orders,
            "rows": rows,
        },
        default=str,
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def inputs_of(batch: Batch, columns: list[Column]) -> list[list[Any]]:
    """The inputs of each row as the model had them: categories as texts, missing values as None."""
    if batch.matrix is None:
        return [row[: len(columns)] for row in batch.logged_rows()]
    return [
        [_input(value, column) for value, column in zip(row, columns, strict=True)]
        for row in batch.matrix.tolist()
    ]


def _input(value: float, column: Column) -> Any:
    if math.isnan(value):
        return None
    if column.categories:
        return column.categories[int(value)]
    return bool(value) if column.type == "boolean" else value


def _finite(values: np.ndarray) -> Any:
    found = values.astype(object)
    found[~np.isfinite(values)] = None
    return found.tolist()
