"""Rows that wait on disk, the last one of each key, so that they may be more than memory holds and
can be read several times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.frames import exactly

if TYPE_CHECKING:
    import polars as pl

_PART_BYTES = 256 << 20
"""Rows that are looked up in the table at once."""

NUMBER = "\0number"
"""The number of a staged row, from 0; no column can have this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """rows: how many there are, each with a key of its own. dropped: those whose key a later row
    had. parts: so many, by their keys, that each fits into memory.
    """

    files: Sequence[Path]
    key: Sequence[str]
    rows: int
    dropped: int
    parts: int

    def scan(self) -> pl.LazyFrame:
        """The rows in their order, each with its `NUMBER`."""
        return _scan(self.files)

    def part(self, rows: pl.LazyFrame, number: int) -> pl.LazyFrame:
        """Those rows, of a frame with the columns of the key, whose key is in that part."""
        return _part(rows, self.key, number, self.parts)


def stage(frames: Iterator[pl.DataFrame], key: Sequence[str], folder: Path) -> Staged:
    """Write the rows into files of an empty folder. Of equal keys the last row stays."""
    files, rows, size = list[Path](), 0, 0
    for frame in frames:
        files.append(folder / f"{len(files):06}.parquet")
        frame.write_parquet(files[-1], compression="lz4")
        rows, size = rows + frame.height, size + int(frame.estimated_size())
    parts = size // _PART_BYTES + 1
    last = _last_of_each(files, key, parts) if rows else None
    if last is None or last.height == rows:
        return Staged(files=files, key=key, rows=rows, dropped=0, parts=parts)
    once = folder / "once.parquet"
    kept = _scan(files).join(last.lazy(), on=NUMBER, how="semi", maintain_order="left")
    kept.drop(NUMBER).sink_parquet(once, compression="lz4")
    for file in files:
        file.unlink()
    dropped = rows - last.height
    return Staged(files=[once], key=key, rows=last.height, dropped=dropped, parts=parts)


def _scan(files: Sequence[Path]) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet(list(files), glob=False, hive_partitioning=False, row_index_name=NUMBER)


def _last_of_each(files: Sequence[Path], key: Sequence[str], parts: int) -> pl.DataFrame:
    """The number of the last row of each key."""
    import polars as pl

    columns = [exactly(name) for name in key]
    rows = _scan(files).select(NUMBER, *columns)
    found = [
        _part(rows, key, number, parts)
        .group_by(columns)
        .agg(pl.col(NUMBER).max())
        .select(NUMBER)
        .collect(engine="streaming")
        for number in range(parts)
    ]
    return pl.concat(found)


def _part(rows: pl.LazyFrame, key: Sequence[str], number: int, parts: int) -> pl.LazyFrame:
    import polars as pl

    if parts == 1:
        return rows
    hashes = pl.lit(0, dtype=pl.UInt64)
    for seed, name in enumerate(key):
        hashes = hashes ^ exactly(name).hash(seed)
    return rows.filter(hashes % parts == number)
