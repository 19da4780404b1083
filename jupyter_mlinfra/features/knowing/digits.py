"""Integers that JavaScript would round, as text: what the grid of a dataset does too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .spec import Explained, JudgedRow

_EXACT = 2**53


def with_digits(found: Explained) -> Explained:
    """The same answer; keys and values that are large integers are text."""
    return replace(
        found,
        entity=_digits(found.entity),
        taken=_row(found.taken) if found.taken else None,
        rows=[_row(row) for row in found.rows],
        windows=[replace(window, value=_digits(window.value)) for window in found.windows],
    )


def _row(row: JudgedRow) -> JudgedRow:
    return replace(row, values=_digits(row.values))


def _digits(value: Any) -> Any:
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    if isinstance(value, Mapping):
        return {name: _digits(item) for name, item in value.items()}
    return [_digits(item) for item in value] if isinstance(value, list) else value
