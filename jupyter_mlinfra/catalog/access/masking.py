"""Masked columns: nothing of their values is shown, and nothing is asked of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ...core.errors import Forbidden
from ...core.records import MASK

if TYPE_CHECKING:
    import polars as pl


def hide(frame: pl.DataFrame, masked: Collection[str]) -> pl.DataFrame:
    """The same rows with `MASK` for each value of these columns, also where there is none."""
    import polars as pl

    return frame.with_columns(pl.lit(MASK).alias(name) for name in frame.columns if name in masked)


def refuse(columns: Collection[str], masked: Collection[str]) -> None:
    """Raise Forbidden if one of `columns` is masked: to filter, sort or group by it would tell its
    values.
    """
    if found := [name for name in columns if name in masked]:
        raise Forbidden(
            f"Column {found[0]!r} is masked.",
            "It holds personal data (tag pii); to filter, sort, group or compare by it would tell"
            " its values.",
            "Leave it out, or, if you have that right, show its values: --reveal (in Python"
            " reveal=True).",
        )
