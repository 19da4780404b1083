"""What a batch job has scored so far: one Parquet file per chunk, which appears complete or not at
all, so that the next attempt goes on where the last one was killed.

    manifest.json           what the chunks belong to; with another one they are thrown away
    views.json              the snapshots at which feature views are read
    chunk-0000000012.parquet  rows 12 × size to 13 × size of the source's snapshot

Chunk k always has the same rows: the source is read at one snapshot, in the order of its files.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.files import write_atomic
from .answers import ERROR

if TYPE_CHECKING:
    import polars as pl

REASONS = 5
"""Of refused rows that are kept for the message."""

_FACTS = "mlinfra"
_VIEWS = "views.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What chunks belong to. task: digest of what is asked. bundle: the packaged model. size: rows
    of a chunk. total: rows of the source.
    """

    task: str
    bundle: str
    size: int
    total: int

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.total // self.size)

    def rows(self, number: int) -> int:
        """Rows of a chunk."""
        return min(self.size, self.total - number * self.size)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A finished chunk. refused: rows without a prediction; reasons: the first of theirs."""

    rows: int
    refused: int
    reasons: Sequence[str]


class Staging:
    """The chunks in one folder. One process at a time writes into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, manifest: Manifest) -> Manifest:
        """The manifest that counts: the one that is there, if it is for the same rows of the same
        model; the size of its chunks stays. Otherwise `manifest`, and nothing is scored yet.
        """
        path = self._folder / "manifest.json"
        try:
            found = Manifest(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            found = None
        if found is not None and _same(found, manifest):
            return found
        self.clear()
        write_atomic(path, json.dumps(asdict(manifest)).encode())
        return manifest

    def done(self, manifest: Manifest) -> dict[int, Chunk]:
        """Finished chunks by number. A file that is damaged, or has other rows than its name says,
        is removed, and its chunk is scored again.
        """
        found = {}
        for path in sorted(self._folder.glob("chunk-*.parquet")):
            number = int(path.stem.partition("-")[2])
            chunk = _read(path)
            rows = manifest.rows(number) if number < manifest.chunks else 0
            if chunk is not None and chunk.rows == rows:
                found[number] = chunk
            else:
                path.unlink()
        return found

    def put(self, number: int, frame: pl.DataFrame) -> Chunk:
        """Write a chunk in one step."""
        refused = frame[ERROR].drop_nulls()
        chunk = Chunk(
            frame.height,
            len(refused),
            refused.head(1000).unique(maintain_order=True)[:REASONS].to_list(),
        )
        data = io.BytesIO()
        frame.write_parquet(
            data,
            compression="zstd",
            compression_level=1,
            metadata={_FACTS: json.dumps(asdict(chunk))},
        )
        write_atomic(self._path(number), data.getvalue())
        return chunk

    def snapshots(self) -> dict[str, str | None]:
        """Those at which earlier chunks have read feature views, by dataset."""
        try:
            found: dict[str, str | None] = json.loads((self._folder / _VIEWS).read_text())
        except FileNotFoundError:
            return {}
        return found

    def keep_snapshots(self, snapshots: Mapping[str, str | None]) -> None:
        """Note them for the chunks that follow, also in another attempt."""
        write_atomic(self._folder / _VIEWS, json.dumps(snapshots).encode())

    def frame(self, manifest: Manifest) -> pl.LazyFrame:
        """All chunks in order, lazily, at least one."""
        import polars as pl

        paths = [self._path(number) for number in range(manifest.chunks)]
        schemas: list[Mapping[str, pl.DataType]] = []
        for path in paths:
            schema = pl.read_parquet_schema(path)
            if schema not in schemas:
                schemas.append(schema)
        if len(schemas) == 1:
            return pl.scan_parquet(paths)
        # A model may answer whole numbers for some rows and fractions for others.
        frames = [pl.scan_parquet(path) for path in paths]
        return pl.concat(frames, how="vertical_relaxed")

    def clear(self) -> None:
        """Remove everything but the logs."""
        for path in [
            *self._folder.glob("chunk-*.parquet"),
            *self._folder.glob(".chunk-*"),
            self._folder / "manifest.json",
            self._folder / _VIEWS,
        ]:
            path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"chunk-{number:010}.parquet"


def _same(found: Manifest, wanted: Manifest) -> bool:
    return (found.task, found.bundle, found.total) == (wanted.task, wanted.bundle, wanted.total)


def _read(path: Path) -> Chunk | None:
    """What a file says of itself, if its footer can be read."""
    import polars as pl

    try:
        facts = json.loads(pl.read_parquet_metadata(path)[_FACTS])
        return Chunk(**facts)
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None
