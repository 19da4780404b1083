"""How far an ingest has got: its step, rows and bytes, and the share of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..core.display import size

if TYPE_CHECKING:
    import polars as pl

    from .sources import Source

type Step = Literal["fetching", "checking", "finding types", "reading"]

# The share of what is still to be done that a step takes, by experience.
_SHARES: Mapping[Step, float] = {
    "fetching": 0.4,
    "checking": 0.1,
    "finding types": 0.45,
    "reading": 0.97,  # the commit is the rest
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestProgress:
    """How far an ingest has got.

    step: files of a store are fetched, then checked for change and content, then the types of
    columns are found, then all rows are read and written. fraction: of the whole ingest, 0 to 1, an
    estimate that never falls. rows: read in this step, total_rows: of how many, where that is known
    (a table of a database). bytes, total_bytes: of the files, as they are on disk; 0 for a table.
    """

    step: Step
    fraction: float
    rows: int = 0
    total_rows: int | None = None
    bytes: int = 0
    total_bytes: int = 0

    @property
    def text(self) -> str:
        """As people read it: `reading: 1,310,720 rows, 84 MB of 2.1 GB`."""
        of_rows = f" of {self.total_rows:,}" if self.total_rows else ""
        rows = f"{self.rows:,}{of_rows} rows" if self.rows or of_rows else ""
        files = f"{size(self.bytes)} of {size(self.total_bytes)}" if self.total_bytes else ""
        return f"{self.step}: {', '.join(filter(None, [rows, files]))}".removesuffix(": ")


type OnProgress = Callable[[IngestProgress], object]


class Meter:
    """Tells `tell` how far an ingest has got; what that raises ends the ingest."""

    def __init__(self, tell: OnProgress | None = None) -> None:
        self._tell = tell
        self._step: Step = "checking"
        self._fraction, self._floor = 0.0, 0.0
        self._rows, self._bytes = 0, 0
        self._total_rows: int | None = None
        self._total_bytes = 0
        self._sizes: Mapping[int, int] = {}
        self._heights: dict[int, int] = {}

    def begin(self, step: Step, total_bytes: int) -> None:
        """A step begins, or is done once more. total_bytes: of the files."""
        self._step, self._floor, self._total_bytes = step, self._fraction, total_bytes
        self._rows, self._bytes = 0, 0

    def files(self, sources: Sequence[Source], sizes: Sequence[int]) -> None:
        """The files whose rows are read from now on, and the bytes of each."""
        self._sizes = dict(zip(map(id, sources), sizes, strict=True))

    def table(self, rows: int) -> None:
        """A table of a database is read, of so many rows."""
        self._total_rows = rows

    def reads(self, step: Step) -> None:
        """The rows of all files, or of the table, are read from their beginning."""
        self.begin(step, sum(self._sizes.values()))

    def passed(self, count: int) -> None:
        """So many bytes more."""
        self._bytes += count
        self._say()

    def reading(self, source: Source, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The rows of a file, told block by block."""
        if self._tell is None:
            yield from frames
            return
        here, before, total = 0, self._bytes, self._sizes.get(id(source), 0)
        known = self._heights.get(id(source))
        for frame in frames:
            here += frame.height
            self._rows += frame.height
            # Frames that are kept are not read again, so a file that was read is known by its rows.
            share = here / known if known else source.share
            self._bytes = before + int(total * min(1.0, share))
            self._say()
            yield frame
        self._heights[id(source)] = here
        self._bytes = before + total
        self._say()

    def _say(self) -> None:
        if self._tell is None:
            return
        done, total = (
            (self._bytes, self._total_bytes)
            if self._total_bytes
            else (self._rows, self._total_rows or 0)
        )
        share = min(1.0, done / total) if total else 0.0
        reached = self._floor + (1 - self._floor) * _SHARES[self._step] * share
        self._fraction = max(self._fraction, reached)
        self._tell(
            IngestProgress(
                step=self._step,
                fraction=self._fraction,
                rows=self._rows,
                total_rows=self._total_rows,
                bytes=self._bytes,
                total_bytes=self._total_bytes,
            )
        )
