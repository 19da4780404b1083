"""Numbers as names: of classes, of segments, and of labels."""

from __future__ import annotations

_WHOLE = 2**63
"""From here on no whole number of a table is exact."""


def value_name(value: float) -> str:
    """The name of a number, which no other number has: whole ones without a point, others by the
    shortest text that reads back as the same number; true as 1.
    """
    if isinstance(value, int):
        return str(int(value))
    whole = value.is_integer() and abs(value) < _WHOLE
    return str(int(value)) if whole else repr(float(value))
