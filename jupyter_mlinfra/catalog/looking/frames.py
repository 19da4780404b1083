"""The profile of rows that are in no dataset."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..spec import Profile

if TYPE_CHECKING:
    import polars as pl


def profile_of(
    rows: pl.LazyFrame,
    types: Mapping[str, str],
    *,
    ref: str,
    sample_rows: int,
    sample_of_rows: int | None = None,
    masked: Collection[str] = (),
) -> Profile:
    """Statistics of the columns in `types` (name → short type), of all rows, or of a random sample
    of about `sample_rows` if there are more.

    sample_of_rows: how many there are, if `rows` are a random sample of them already. masked:
    columns of which no value is told.
    """
    import polars as pl

    from ...core.frames import exactly
    from .describing import profiles_of, without_values
    from .profile import sample_of
    from .sketches import sketched_frame

    started = time.perf_counter()
    rows = rows.select(map(exactly, types))
    total = int(rows.select(pl.len()).collect(engine="streaming").item())
    part = sample_of(rows, total, sample_rows, seed=0)
    whole = total <= sample_rows and sample_of_rows in (None, total)
    total = total if sample_of_rows is None else sample_of_rows
    columns = profiles_of(sketched_frame(part), types, of=None if whole else total)
    return Profile(
        ref=ref,
        snapshot=None,
        tier="exact" if whole else "sample",
        rows=total,
        columns=without_values(columns, masked),
        files_read=0,
        seconds=time.perf_counter() - started,
    )
