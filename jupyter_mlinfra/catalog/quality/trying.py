"""Whether a rule can be asked of rows with certain columns, before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from .checks import RowCheck
from .screening import Screen

if TYPE_CHECKING:
    import polars as pl


def try_on(check: RowCheck, schema: Mapping[str, pl.DataType]) -> None:
    """Raise Unprocessable if the check raises for rows without values."""
    import polars as pl

    screen = Screen({"rule": check}, schema)
    if not screen.errors:
        columns = {name: schema[name] for name in screen.columns}
        screen.add(pl.DataFrame({name: [None] for name in columns}, schema=columns))
    if screen.errors:
        raise Unprocessable("The rule cannot be asked.", screen.errors["rule"])
