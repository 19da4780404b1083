"""Statistics of rows that no snapshot holds. They are not kept: the rows may be others soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.frames import exactly
from ..formats.columns import ROWS
from ..looking.describing import profiles_of
from ..looking.profile import sample_of
from ..looking.sketches import sketched, sketched_frame
from ..rows import height
from ..spec import ColumnProfile

if TYPE_CHECKING:
    import polars as pl

    from ..looking.profile import Tier


@dataclass(frozen=True, slots=True)
class Statistics:
    """Those of all columns, and how many rows there are, if that was counted. first: they are of a
    sample of the first rows.
    """

    tier: Tier
    rows: int | None
    columns: Mapping[str, ColumnProfile]
    first: bool = False


def statistics(
    scanned: pl.LazyFrame,
    types: Mapping[str, str],
    tier: Tier,
    sample_rows: int,
    *,
    counts: Callable[[], bool],
) -> Statistics:
    """Those of a tier. counts: whether the rows can be counted without much reading; if not, a
    sample is the first rows.
    """
    if tier == "footer":
        return Statistics(
            tier, None, {name: ColumnProfile(type=kind) for name, kind in types.items()}
        )
    if tier == "exact":
        return _exact(scanned, types)
    if not counts():
        return _of_first(scanned, types, sample_rows)
    total = height(scanned)
    if total <= sample_rows:
        return _exact(scanned, types)
    rows = sample_of(scanned, total, sample_rows, seed=0)
    return Statistics("sample", total, profiles_of(sketched_frame(rows), types, of=total))


def _exact(scanned: pl.LazyFrame, types: Mapping[str, str]) -> Statistics:
    def blocks(names: Sequence[str]) -> Iterator[pl.DataFrame]:
        chosen = scanned.select([exactly(name) for name in names])
        yield from chosen.collect_batches(chunk_size=ROWS, engine="streaming", maintain_order=True)

    schema = dict(scanned.collect_schema())
    sketch = sketched(blocks, schema, rows=height(scanned), seed=0)
    return Statistics("exact", sketch.rows, profiles_of(sketch, types))


def _of_first(scanned: pl.LazyFrame, types: Mapping[str, str], sample_rows: int) -> Statistics:
    held = scanned.head(sample_rows + 1).collect(engine="streaming")
    if held.height <= sample_rows:
        return Statistics("exact", held.height, profiles_of(sketched_frame(held), types))
    part = held.head(sample_rows)
    columns = profiles_of(sketched_frame(part), types, of=part.height)
    return Statistics("sample", None, columns, first=True)
