"""Short words for the types of columns that a grid shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..dtypes import short_dtype

if TYPE_CHECKING:
    import polars as pl

_NUMBER = re.compile(r"(UInt|Int|Float)(\d+)\Z")
_LETTERS = {"UInt": "u", "Int": "i", "Float": "f"}


def word_of(dtype: pl.DataType) -> str:
    """As for datasets, also of types that only frames have: `u32`, `cat`."""
    if found := _NUMBER.match(dtype.base_type().__name__):
        return f"{_LETTERS[found[1]]}{found[2]}"
    return short_dtype(dtype)
