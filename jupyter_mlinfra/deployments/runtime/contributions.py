"""Why a model gave an answer: what each input contributed to it.

An engine whose library computes contributions exactly has them of its own (`exact`). For any other
model they are Shapley values against a background, the rows of its sample: the mean over orders of
the inputs of how the answer changes when one input after the other is taken from the row instead of
from a background row. With at most four inputs all orders are tried, which is exact; with more,
orders are drawn, each together with its reverse, so the values are estimates with an error. In all
cases the contributions of a row and the base (the mean answer to the background) add up to the
answer.

Source: Štrumbelj and Kononenko, "Explaining prediction models and individual predictions with
feature contributions", 2014; the reversed orders are Mitchell et al., "Sampling permutations for
Shapley value estimation", 2022.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .contract import Batch
from .refusal import RequestRefused

TOLERANCE = 1e-5
"""How far exact contributions may be from what they add up to, relative if that is above 1: trees
add in single precision.
"""

ALL_ORDERS = 4
"""So many inputs have at most 24 orders, which are all tried."""

PAIRS = 16
MOST_INPUTS = 2000
MOST_OUTPUTS = 64
_CELLS = 1_000_000
"""Values that one call of the model is given at most, unless one order takes more."""

Ask = Callable[[Batch], Mapping[str, np.ndarray]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """Of some rows. values: by row, output and input. base, total: by row and output; base and
    values add up to total. errors: standard errors of the values; None if they are exact.

    scale: of what they add up to. background: rows that stand for a missing input; 0 if the library
    has its own. orders: that were tried for each row, at least.
    """

    method: str
    scale: str
    outputs: Sequence[str]
    values: np.ndarray
    base: np.ndarray
    total: np.ndarray
    errors: np.ndarray | None = None
    background: int = 0
    orders: int = 0


def exact(method: str, parts: np.ndarray, margins: np.ndarray) -> Contributions:
    """Contributions of a library. parts: by row, output and input, with the bias at the end;
    margins: by row and output. Raises RuntimeError if they do not add up to the margins.
    """
    parts, margins = np.asarray(parts, np.float64), np.asarray(margins, np.float64)
    gap = np.abs(parts.sum(axis=2) - margins)
    scale = np.maximum(1.0, np.maximum(np.abs(margins), np.abs(parts).max(axis=2)))
    if (gap > TOLERANCE * scale).any():
        raise RuntimeError(f"{method} is {gap.max():.2g} from the margin that it should add up to.")
    outputs = [""] if margins.shape[1] == 1 else [str(place) for place in range(margins.shape[1])]
    return Contributions(
        method=method,
        scale="raw margin",
        outputs=outputs,
        values=parts[:, :, :-1],
        base=parts[:, :, -1],
        total=margins,
    )


def sampled(ask: Ask, batch: Batch, background: Batch, *, seconds: float) -> Contributions:
    """Shapley values of any model. ask: its numbers for a batch. seconds: for all rows; fewer
    orders are tried if they end, at least one pair. Raises RequestRefused if the model has no
    numbers or no inputs to exchange, or is too slow for one pair.
    """
    rows, others = _Rows(batch), _Rows(background)
    if rows.width > MOST_INPUTS:
        raise RequestRefused(
            "The model has too many inputs for contributions.",
            f"It has {rows.width:,}; at most {MOST_INPUTS:,} are exchanged one by one.",
            "Use a model whose library computes them: XGBoost or LightGBM.",
            status=422,
        )
    names, total = _numbers(ask(batch))
    _, floor = _numbers(ask(background))
    values = np.empty((batch.size, len(names), rows.width))
    errors, fewest = np.zeros_like(values), 0
    started = time.monotonic()
    for row in range(batch.size):
        # What earlier rows did not use is for the later ones.
        deadline = time.monotonic() + (seconds - (time.monotonic() - started)) / (batch.size - row)
        path = _Paths(ask, rows, others, row, floor, total[row])
        values[row], errors[row], orders = path.explain(deadline)
        fewest = orders if row == 0 else min(fewest, orders)
    is_exact = rows.width <= ALL_ORDERS
    return Contributions(
        method="Shapley values, all orders" if is_exact else "Shapley values, sampled orders",
        scale="answer",
        outputs=names,
        values=values,
        base=np.tile(floor.mean(axis=0), (batch.size, 1)),
        total=total,
        errors=None if is_exact else errors,
        background=background.size,
        orders=fewest,
    )


class _Paths:
    """The ways from background rows to one row. floor: the answers to the background, top: to the
    row.
    """

    def __init__(
        self, ask: Ask, rows: _Rows, others: _Rows, row: int, floor: np.ndarray, top: np.ndarray
    ) -> None:
        self._ask, self._rows, self._others, self._row = ask, rows, others, row
        self._floor, self._top = floor, top

    def explain(self, deadline: float) -> tuple[np.ndarray, np.ndarray, int]:
        """Contributions and their standard errors by output and input, and the orders tried."""
        width = self._rows.width
        if width <= ALL_ORDERS:
            found = [self._along(order, math.inf) for order in itertools.permutations(range(width))]
            mean = np.mean(found, axis=0)
            return mean, np.zeros_like(mean), len(found)
        pairs: list[np.ndarray] = []
        for order in _drawn(width):
            try:
                both = [self._along(way, deadline) for way in (order, order[::-1])]
            except TimeoutError:
                break
            pairs.append(np.mean(both, axis=0))
        if not pairs:
            raise RequestRefused(
                "The contributions took too long.",
                f"The model was asked {2 * self._others.size * (width - 1):,} times for one pair of"
                " orders, and did not answer in time.",
                "Ask for fewer rows at a time.",
                status=422,
            )
        mean = np.mean(pairs, axis=0)
        error = np.std(pairs, axis=0, ddof=1) if len(pairs) > 1 else np.full_like(mean, np.nan)
        return mean, error / math.sqrt(len(pairs)), 2 * len(pairs)

    def _along(self, order: Sequence[int], deadline: float) -> np.ndarray:
        """The mean change of the answer by output and input, along one order."""
        width, outputs = len(order), self._floor.shape[1]
        ranks = np.empty(width, int)
        ranks[list(order)] = range(width)
        masks = ranks[None, :] < np.arange(1, width)[:, None]  # what the row has given by each step
        step = max(1, _CELLS // (width * width))
        changed = np.zeros((outputs, width))
        for begin in range(0, self._others.size, step):
            if time.monotonic() > deadline:
                raise TimeoutError
            chosen = range(begin, min(begin + step, self._others.size))
            floor = self._floor[begin : begin + step, None, :]
            if width > 1:
                mixed = self._rows.mixed(self._row, self._others, chosen, masks)
                between = _numbers(self._ask(mixed))[1].reshape(len(chosen), width - 1, outputs)
            else:
                between = np.empty((len(chosen), 0, outputs))
            top = np.broadcast_to(self._top, (len(chosen), 1, outputs))
            steps = np.diff(np.concatenate([floor, between, top], axis=1), axis=1)
            changed[:, list(order)] += steps.sum(axis=0).T
        return changed / self._others.size


class _Rows:
    """The rows of a batch, whose inputs can be exchanged with those of other rows."""

    def __init__(self, batch: Batch) -> None:
        if batch.tensors is not None:
            raise RequestRefused(
                "Answers of this model are not explained.",
                "Its inputs are tensors, whose values have no meaning one by one.",
                "",
                status=422,
            )
        self._batch, self.size = batch, batch.size
        self._names = list(batch.columns or ())
        self.width = len(self._names) if batch.matrix is None else batch.matrix.shape[1]

    def mixed(self, row: int, others: _Rows, chosen: Sequence[int], masks: np.ndarray) -> Batch:
        """For each of the chosen other rows and each mask: this row where the mask is true."""
        matrix, columns = self._batch.matrix, self._batch.columns
        size = len(chosen) * len(masks)
        if matrix is not None:
            assert others._batch.matrix is not None
            ground = others._batch.matrix[list(chosen)]
            mixed = np.where(masks[None], matrix[row], ground[:, None, :])
            return Batch(size, matrix=np.ascontiguousarray(mixed.reshape(size, -1)))
        assert columns is not None
        assert others._batch.columns is not None
        found = {}
        for place, name in enumerate(self._names):
            own, other = columns[name][row], others._batch.columns[name]
            given = masks[:, place].tolist()
            found[name] = [own if taken else other[at] for at in chosen for taken in given]
        return Batch(size, columns=found)


def _drawn(width: int) -> Iterator[list[int]]:
    """Orders of the inputs, the same for every row and every call."""
    chance = random.Random(width)  # noqa: S311 (no secret: equal questions get equal answers)
    for _ in range(PAIRS):
        yield chance.sample(range(width), width)


def _numbers(outputs: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """All outputs side by side, by row. Raises RequestRefused for texts."""
    names: list[str] = []
    columns: list[np.ndarray] = []
    for name, array in outputs.items():
        if array.dtype.kind not in "biuf":
            raise RequestRefused(
                "Answers of this model are not explained.",
                f"{name or 'Its output'} is text; contributions add up to a number.",
                "Log a model that answers numbers, such as the probability of each class.",
                status=422,
            )
        flat = array.astype(np.float64).reshape(len(array), -1)
        columns.append(flat)
        single = len(outputs) == 1 and flat.shape[1] == 1
        names += (
            ["" if single else name]
            if flat.shape[1] == 1
            else [f"{name}.{place}" for place in range(flat.shape[1])]
        )
    if len(names) > MOST_OUTPUTS:
        raise RequestRefused(
            "Answers of this model are not explained.",
            f"It has {len(names):,} values a row; at most {MOST_OUTPUTS} are explained.",
            "",
            status=422,
        )
    return names, np.hstack(columns)
