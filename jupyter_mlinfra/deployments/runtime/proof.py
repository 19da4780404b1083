"""Batches that show whether two engines answer alike, and how far two answers are apart.

The rows are those of the model's sample, and made-up ones: floats that are spread around those of
the sample and far outside of them, whole numbers and truth values that the sample holds in another
order. A branch that an exporter has not seen is so found by the values that take the other way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .contract import Batch, Contract
from .engine import Packaged
from .tensors import TensorContract

_MADE_UP = 13
_SPREADS = (1.0, -5.0, 100.0)
"""Times the deviation of an input."""


@dataclass(frozen=True, slots=True)
class Case:
    """One batch. is_sample: of rows that the model is known to answer."""

    batch: Batch
    is_sample: bool


def proof(packaged: Packaged, contract: Contract) -> list[Case]:
    """One row of the sample first; then two rows, all, and made-up ones in batches of 1, 3 and
    more. Always the same for the same bundle.
    """
    sample = packaged.sample
    whole = (
        contract.from_json(sample["jsonData"])
        if isinstance(contract, TensorContract) and "jsonData" in sample
        else contract.from_rows([_copied(row) for row in sample["ndarray"]])
    )
    cases = [Case(first_rows(whole, size), True) for size in _sizes(whole.size)]
    chance = np.random.default_rng(0)
    for spread in _SPREADS:
        varied = _varied(first_rows(whole, _MADE_UP), spread, chance)
        cases += [Case(first_rows(varied, size), False) for size in (1, 3, _MADE_UP)]
    axes = _open_axes(packaged)
    if axes:
        cases += [Case(_resized(whole, axes, change), False) for change in (-1, 2)]
    return cases


def first_rows(batch: Batch, count: int) -> Batch:
    """The first rows of a batch; if it has fewer, they are repeated."""
    order = np.arange(count) % batch.size
    if batch.matrix is not None:
        return Batch(count, matrix=batch.matrix[order])
    return Batch(count, tensors={name: item[order] for name, item in _tensors(batch).items()})


def difference(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> float:
    """The largest distance of two answers, relative to the expected value if that is above 1.
    Raises ValueError if their names, shapes or types differ, or values that must be equal: whole
    numbers, truth values, texts, missing and infinite ones.
    """
    if list(found) != list(expected):
        raise ValueError(f"the outputs are {', '.join(found)} instead of {', '.join(expected)}")
    return max((_apart(name, found[name], right) for name, right in expected.items()), default=0.0)


def _apart(name: str, found: np.ndarray, expected: np.ndarray) -> float:
    for what, has, needs in (
        ("shape", found.shape, expected.shape),
        ("type", found.dtype, expected.dtype),
    ):
        if has != needs:
            raise ValueError(f"output {name} has the {what} {has} instead of {needs}")
    if expected.dtype.kind != "f":
        if not np.array_equal(found, expected):
            raise ValueError(f"output {name} has other values")
        return 0.0
    left, right = found.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(right)
    if not np.array_equal(left[~finite], right[~finite], equal_nan=True):
        raise ValueError(f"output {name} is not finite in other places")
    apart = np.abs(left - right)[finite] / np.maximum(1.0, np.abs(right[finite]))
    return float(apart.max()) if apart.size else 0.0


def _sizes(rows: int) -> Sequence[int]:
    return list(dict.fromkeys((1, 2, max(rows, 3))))


def _copied(row: object) -> object:
    """The contract may change the lists that it checks."""
    return list(row) if isinstance(row, list) else row


def _tensors(batch: Batch) -> Mapping[str, np.ndarray]:
    assert batch.tensors is not None
    return batch.tensors


def _varied(batch: Batch, spread: float, chance: np.random.Generator) -> Batch:
    if batch.matrix is not None:
        columns = [_other(column, spread, chance) for column in batch.matrix.T]
        return Batch(batch.size, matrix=np.ascontiguousarray(np.array(columns).T))
    tensors = {name: _other(item, spread, chance) for name, item in _tensors(batch).items()}
    return Batch(batch.size, tensors=tensors)


def _other(values: np.ndarray, spread: float, chance: np.random.Generator) -> np.ndarray:
    """Values of the same type and shape."""
    if values.dtype.kind != "f":
        return chance.choice(values.ravel(), values.shape)
    known = values[np.isfinite(values)].astype(np.float64)
    deviation = float(known.std()) if known.size else 0.0
    moved = values + spread * (deviation or 1.0) * chance.standard_normal(values.shape)
    return moved.astype(values.dtype)


def _open_axes(packaged: Packaged) -> Mapping[str, Sequence[int]]:
    """Axes beside the first one that the signature leaves open, by tensor."""
    if packaged.layout != "tensors":
        return {}
    found = {
        column.name: [
            axis for axis, size in enumerate(column.spec.get("shape", [-1])) if axis and size < 0
        ]
        for column in packaged.columns
    }
    return found if any(found.values()) else {}


def _resized(batch: Batch, axes: Mapping[str, Sequence[int]], change: int) -> Batch:
    """The batch with other sizes of its open axes; values are repeated."""
    tensors = dict(_tensors(batch))
    for name, places in axes.items():
        for axis in places:
            size = tensors[name].shape[axis]
            order = np.arange(max(1, size + change)) % size
            tensors[name] = np.take(tensors[name], order, axis=axis)
    return Batch(batch.size, tensors=tensors)
