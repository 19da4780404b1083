"""Rows that are sorted into parts: in memory while they are few, else in files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_BYTES = 64 << 20


class Spill:
    """folder: an empty one, which the caller deletes; None to hold all in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._held: dict[int, list[pl.DataFrame]] = {}
        self._files: dict[int, list[Path]] = {}
        self._bytes = 0

    def add(self, part: int, rows: pl.DataFrame) -> None:
        """Further rows of a part."""
        self._held.setdefault(part, []).append(rows)
        self._bytes += int(rows.estimated_size())
        if self._folder is not None and self._bytes > _BYTES:
            self._write(self._folder)

    def add_by(self, rows: pl.DataFrame, part: pl.Expr) -> None:
        """Further rows. part: the number of the part of each."""
        parts = rows.select(part).to_series()
        for number in parts.unique():
            self.add(int(number), rows.filter(parts == number))

    def frames(self, part: int) -> Iterator[pl.DataFrame]:
        """The rows of a part, in the order in which they came."""
        import polars as pl

        for path in self._files.get(part, ()):
            yield pl.read_parquet(path, glob=False, memory_map=False)
        yield from self._held.get(part, ())

    def _write(self, folder: Path) -> None:
        import polars as pl

        for part, frames in self._held.items():
            files = self._files.setdefault(part, [])
            files.append(folder / f"{part:06}-{len(files):06}.parquet")
            pl.concat(frames).write_parquet(files[-1], compression="lz4", statistics=False)
        self._held.clear()
        self._bytes = 0
