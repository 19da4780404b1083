"""The rule for what a model answers: every output has one value, or one list of values, per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WHAT = "The model does not answer row by row."
FIX = "Log a model that answers one value, or one list of values, per row."


class NotByRow(Exception):
    """An answer that breaks the rule. It says what and why."""


def fault(name: str, shape: Sequence[int], rows: int) -> str:
    """What is wrong with an output of this shape as the answer to so many rows; empty if it fits.
    name: of the output.
    """
    if shape and shape[0] == rows:
        return ""
    given = "1 row" if rows == 1 else f"{rows} rows"
    return f"It was given {given}, and its output {name} has the shape {list(shape)}."


def check(outputs: Mapping[str, np.ndarray], rows: int) -> None:
    """Raise NotByRow for outputs that are no answer to so many rows."""
    for name, values in outputs.items():
        if why := fault(name, values.shape, rows):
            raise NotByRow(f"{WHAT} {why} {FIX}")
