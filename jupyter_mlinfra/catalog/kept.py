"""Frames that are read twice: to guess the types of their columns, and to write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from .sources import Source

_BYTES = 128 << 20


class Kept:
    """The frames of small sources; those of others are read again."""

    def __init__(self) -> None:
        self._frames: dict[int, Sequence[pl.DataFrame]] = {}
        self._free: float = _BYTES

    def frames_of(self, source: Source) -> Iterator[pl.DataFrame]:
        """As `source.frames` gives them."""
        if not source.spelled or id(source) in self._frames:
            yield from self._frames.get(id(source)) or source.frames()
            return
        frames: list[pl.DataFrame] = []
        free = self._free
        for frame in source.frames():
            free -= frame.estimated_size()
            if free >= 0:
                frames.append(frame)
            yield frame
        if free >= 0:
            self._frames[id(source)], self._free = frames, free
