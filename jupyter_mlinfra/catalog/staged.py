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
    import numpy as np
    import numpy.typing as npt
    import polars as pl

_PART_BYTES = 64 << 20
"""Keys that are looked up in the table at once, and rows that are compared with it at once."""

_PART_ROWS = 1 << 21

NUMBER = "\0number"
"""The number of a staged row, from 0; no column can have this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """rows: how many there are, each with a key of its own. dropped: those whose key a later row
    had. parts: so many, by their keys, that the keys of each fit into memory. width: how many rows
    that follow each other do.
    """

    files: Sequence[Path]
    key: Sequence[str]
    rows: int
    dropped: int
    parts: int
    width: int

    def scan(self) -> pl.LazyFrame:
        """The rows in their order, each with its `NUMBER`."""
        return _scan(self.files)

    def frames(self) -> Iterator[pl.DataFrame]:
        """The rows in their order, block by block."""
        import polars as pl

        for file in self.files:
            yield pl.read_parquet(file, glob=False, memory_map=False)

    def keys(self, number: int) -> pl.DataFrame:
        """Those of a part, each with its `NUMBER`."""
        return _keys(self.files, self.key, number, self.parts)

    def part(self, rows: pl.LazyFrame, number: int) -> pl.LazyFrame:
        """Those rows, of a frame with the columns of the key, whose key is in that part."""
        return _part(rows, self.key, number, self.parts)

    def few(self, start: int) -> pl.DataFrame:
        """`width` rows from this number on."""
        return self.scan().drop(NUMBER).slice(start, self.width).collect(engine="streaming")


def stage(frames: Iterator[pl.DataFrame], key: Sequence[str], folder: Path) -> Staged:
    """Write the rows into files of an empty folder. Of equal keys the last row stays."""
    columns = [exactly(name) for name in key]
    files, heights, size, key_size = list[Path](), list[int](), 0, 0
    for frame in frames:
        if not frame.height:
            continue
        files.append(folder / f"{len(files):06}.parquet")
        frame.write_parquet(files[-1], compression="lz4")
        heights.append(frame.height)
        size += int(frame.estimated_size())
        key_size += int(frame.select(columns).estimated_size())
    rows = sum(heights)
    parts = max(key_size // _PART_BYTES, rows // _PART_ROWS) + 1
    kept = _last_of_each(files, key, rows, parts)
    left = int(kept.sum())
    if left < rows:
        files = _only(files, heights, kept)
    return Staged(
        files=files,
        key=key,
        rows=left,
        dropped=rows - left,
        parts=parts,
        width=max(1, left // (size // _PART_BYTES + 1) + 1),
    )


def _scan(files: Sequence[Path]) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet(list(files), glob=False, hive_partitioning=False, row_index_name=NUMBER)


def _keys(files: Sequence[Path], key: Sequence[str], number: int, parts: int) -> pl.DataFrame:
    rows = _scan(files).select(NUMBER, *(exactly(name) for name in key))
    return _part(rows, key, number, parts).collect(engine="streaming")


def _last_of_each(
    files: Sequence[Path], key: Sequence[str], rows: int, parts: int
) -> npt.NDArray[np.bool_]:
    """Of each row, whether it is the last one with its key."""
    import numpy as np
    import polars as pl

    kept = np.zeros(rows, dtype=np.bool_)
    for number in range(parts if rows else 0):
        keys = _keys(files, key, number, parts)
        last = keys.group_by([exactly(name) for name in key]).agg(pl.col(NUMBER).max())
        kept[last[NUMBER].to_numpy()] = True
    return kept


def _only(files: Sequence[Path], heights: Sequence[int], kept: npt.NDArray[np.bool_]) -> list[Path]:
    """The same files with the rows that are kept."""
    import polars as pl

    found, begin = list[Path](), 0
    for file, height in zip(files, heights, strict=True):
        chosen = pl.Series(kept[begin : begin + height])
        begin += height
        if chosen.any():
            rows = pl.read_parquet(file, glob=False, memory_map=False).filter(chosen)
            found.append(file.with_name(f"once-{file.name}"))
            rows.write_parquet(found[-1], compression="lz4")
        file.unlink()
    return found


def _part(rows: pl.LazyFrame, key: Sequence[str], number: int, parts: int) -> pl.LazyFrame:
    import polars as pl

    if parts == 1:
        return rows
    hashes = pl.lit(0, dtype=pl.UInt64)
    for seed, name in enumerate(key):
        hashes = hashes ^ exactly(name).hash(seed)
    return rows.filter(hashes % parts == number)
