"""Nested lists of a request as a tensor has them: a shape, and values in one list."""

from __future__ import annotations

from itertools import chain
from typing import Any

from .refusal import RequestRefused, kind, show


def flattened(name: str, values: list[Any]) -> tuple[list[int], list[Any]]:
    """The sizes of nested lists, outermost first, and what is in the innermost ones, row by row.
    name: of the input. [1, [2]] stays as it is: its first value is a number, and no number's check
    takes a list.

    Raises RequestRefused if they are no tensor: lists of different lengths, or values beside lists.
    """
    shape = [len(values)]
    while values and isinstance(values[0], list):
        size = len(values[0])
        for part in values:
            if not isinstance(part, list):
                raise _ragged(name, f"It has {kind(part)} beside lists: {show(part)}.")
            if len(part) != size:
                raise _ragged(name, f"It has lists of {size} and of {len(part)} values.")
        shape.append(size)
        values = list(chain.from_iterable(values))
    return shape, values


def _ragged(name: str, why: str) -> RequestRefused:
    return RequestRefused(
        f"{name[:80]} is not a tensor.", why, "Send lists of equal lengths at each depth."
    )
