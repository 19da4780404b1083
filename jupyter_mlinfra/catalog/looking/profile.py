"""The profile of a snapshot in three tiers: from file statistics, a sample, or all rows.

All rows are read once for every data file, into a sketch that is kept: after an append only the new
files are read.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...core.errors import MLInfraError
from ...core.files import write_atomic
from ...core.records import to_json
from ..names import DatasetName
from ..rows import scan
from ..spec import Bar, ColumnProfile, Dataset, Profile, Shape
from .folders import forget, key_of, profiles_in

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table

    from .snapshot import SnapshotFiles


Tier = Literal["footer", "sample", "exact"]
TIERS: tuple[Tier, ...] = ("footer", "sample", "exact")
_CHEAP_FACTOR = 20
_BLOCKS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiler:
    """Makes the profiles of one dataset.

    load: opens the table, if rows or files are needed. types: short words by column. sample_rows:
    if at most so many rows are in files that were never read, the sample tier reads them all. home:
    the folder that profiles and sketches are kept in. masked: the columns whose values are neither
    shown nor kept; with `reveal` they are shown. masked_now: those once it is made.
    """

    load: Callable[[], Table]
    dataset: Dataset
    types: Mapping[str, str]
    sample_rows: int
    home: Path
    masked: frozenset[str] = frozenset()
    masked_now: Callable[[], frozenset[str]] = frozenset
    reveal: bool = False

    def profile(self, tier: Tier) -> Profile:
        """Statistics of every column; those that were computed before are read. A sample of a table
        whose rows are all known is exact, and says so.
        """
        if self.reveal and self.masked:
            return self._timed(tier)
        if self.masked:
            forget(self._folder, keep=key_of(self.masked))
        tiers: tuple[Tier, ...] = ("exact", tier) if tier == "sample" else (tier,)
        for kept in tiers:
            # Absent, or of an older version: compute it again.
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                return _read(json.loads(self._path(kept).read_bytes()))
        from .describing import without_values

        found = self._timed(tier)
        found = replace(found, columns=without_values(found.columns, self.masked))
        # A full disk costs the next reader some time, but not this one the answer.
        with contextlib.suppress(MLInfraError):
            write_atomic(self._path(found.tier), json.dumps(to_json(found)).encode())
            if not (masked := self.masked_now()) <= self.masked:  # tagged meanwhile
                forget(self._folder, keep=key_of(masked))
        return found

    def _timed(self, tier: Tier) -> Profile:
        started = time.perf_counter()
        found = self._computed(tier)
        return replace(found, seconds=time.perf_counter() - started)

    @property
    def _folder(self) -> Path:
        return profiles_in(self.home, self.dataset.name)

    def _path(self, tier: Tier) -> Path:
        size = f"-{self.sample_rows}" if tier == "sample" else ""
        return self._folder / f"{self.dataset.snapshot}-{tier}{size}{key_of(self.masked)}.json"

    def _computed(self, tier: Tier) -> Profile:
        table = self.load()
        if self.dataset.snapshot is None:
            nothing = {name: ColumnProfile(type=kind) for name, kind in self.types.items()}
            return self._of(tier, nothing, rows=0)
        name = DatasetName.parse(f"{self.dataset.ref}@{self.dataset.snapshot}")
        if tier == "footer":
            return self._footer(table, name)
        from .snapshot import SnapshotFiles

        found = SnapshotFiles(table, name, self.home, reveal=self.reveal)
        total = _number(self.dataset)
        total = found.rows if total is None else total
        if tier == "exact" or sum(file.rows for file in found.unknown) <= self.sample_rows:
            return self._exact(found)
        return self._sample(found, total)

    def _footer(self, table: Table, name: DatasetName) -> Profile:
        from .footer import from_footers

        return self._of("footer", from_footers(table, name, self.types), rows=_number(self.dataset))

    def _exact(self, files: SnapshotFiles) -> Profile:
        from .describing import profiles_of

        sketch = files.sketch()
        columns = profiles_of(sketch, self.types)
        return self._of("exact", columns, rows=sketch.rows, files_read=files.read)

    def _sample(self, files: SnapshotFiles, total: int) -> Profile:
        from .describing import profiles_of
        from .footer import from_footers
        from .sketches import sketched_frame

        rows = sample_of(
            scan(files.table, files.name),
            total,
            self.sample_rows,
            seed=files.name.snapshot or 0,
        )
        sampled = profiles_of(sketched_frame(rows), self.types, of=total)
        footers = from_footers(files.table, files.name, self.types)
        columns = {name: _completed(item, footers[name]) for name, item in sampled.items()}
        return self._of("sample", columns, rows=total, files_read=len(files.files))

    def _of(
        self,
        tier: Tier,
        columns: Mapping[str, ColumnProfile],
        *,
        rows: int | None,
        files_read: int = 0,
    ) -> Profile:
        return Profile(
            ref=self.dataset.ref,
            snapshot=self.dataset.snapshot,
            tier=tier,
            rows=rows,
            columns=columns,
            files_read=files_read,
            seconds=0.0,
        )


def _number(dataset: Dataset) -> int | None:
    """Its rows, if its snapshot says it: another engine may not record it."""
    return None if dataset.rows.value is None else int(dataset.rows.value)


def _completed(column: ColumnProfile, footer: ColumnProfile) -> ColumnProfile:
    """What some rows tell of a column, with the exact figures that the files know of all rows."""
    known = [key for key, basis in footer.basis.items() if basis == "exact"]
    return replace(
        column,
        **{key: getattr(footer, key) for key in known},
        basis={**column.basis, **dict.fromkeys(known, "exact")},
    )


def sample_of(rows: pl.LazyFrame, total: int, size: int, *, seed: int) -> pl.DataFrame:
    """About `size` of `total` rows; the same snapshot gives the same ones.

    Random rows if reading all is cheap; otherwise blocks, one from each stretch of the table, so
    that most of it is not read.
    """
    import polars as pl

    if total <= size:  # of its files more rows were read, but those are deleted
        return rows.collect(engine="streaming")
    if total <= _CHEAP_FACTOR * size:
        row_number = pl.col("\0row")
        chosen = row_number.hash(seed) < pl.lit(int(size / total * 2**64), dtype=pl.UInt64)
        return rows.with_row_index("\0row").filter(chosen).drop("\0row").collect(engine="streaming")
    generator = random.Random(seed)  # noqa: S311 (no secret)
    stretch, length = total / _BLOCKS, size // _BLOCKS
    starts = [
        int(row_number * stretch + generator.random() * (stretch - length))
        for row_number in range(_BLOCKS)
    ]
    # One by one: each decompresses a row group.
    return pl.concat([rows.slice(start, length).collect() for start in starts])


def _read(document: dict[str, Any]) -> Profile:
    """A profile as it was kept; no file is read for it."""
    columns = {name: _column(**column) for name, column in document.pop("columns").items()}
    return Profile(columns=columns, **{**document, "files_read": 0})


def _column(*, shape: dict[str, Any] | None, top: list[list[Any]], **figures: Any) -> ColumnProfile:
    return ColumnProfile(
        shape=None if shape is None else _shape(**shape),
        top=[(value, count) for value, count in top],
        **figures,
    )


def _shape(*, bars: list[dict[str, Any]], **figures: Any) -> Shape:
    return Shape(bars=[Bar(**bar) for bar in bars], **figures)
