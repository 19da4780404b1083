"""Sketches of data files on disk: a file never changes, so its sketch is made once.

Each is one Arrow file of one row: lists of values, counts, hashes and sampled rows by column, and
a head in JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import MLInfraError
from ...core.files import write_atomic
from .counting import COUNT, VALUE
from .distinct import ALL, Distinct
from .folders import forget, key_of
from .moments import Moments
from .sketch import ColumnSketch, Sketch

if TYPE_CHECKING:
    import polars as pl

    from .files import RowFile

_FORMAT = 1
_MOST_BYTES = 2 << 30
"""Of the sketches of one table; above it the oldest are removed."""


class Kept:
    """The sketches of one table, in a folder of its own. masked: the columns, by id, of which no
    value is in them; sketches with other masked columns are removed.
    """

    def __init__(self, folder: Path, masked: Collection[str] = ()) -> None:
        self._folder, self._key = folder, key_of(masked)
        if masked:
            forget(folder, keep=self._key)

    def has(self, file: RowFile) -> bool:
        """Whether there is a sketch of that file; it may turn out to be damaged."""
        return self._path(file).exists()

    def get(self, file: RowFile) -> Sketch | None:
        """The sketch of that file; None if it is not there or cannot be read."""
        import polars as pl

        path = self._path(file)
        try:
            row = pl.read_ipc(path.read_bytes())
            found = _decoded(row)
            os.utime(path)
        except (OSError, ValueError, KeyError, pl.exceptions.PolarsError):
            return None
        return found

    def put(self, file: RowFile, sketch: Sketch) -> None:
        """Keep the sketch of that file. On a full disk the next reader makes it again."""
        content = io.BytesIO()
        _encoded(sketch).write_ipc(content, compression="zstd")
        with contextlib.suppress(MLInfraError, OSError):
            write_atomic(self._path(file), content.getvalue())
            self._make_room()

    def _path(self, file: RowFile) -> Path:
        import polars as pl

        # Hashes of values may differ between versions of Polars.
        what = [_FORMAT, pl.__version__, file.path, file.bytes, sorted(file.deletes)]
        return (
            self._folder / f"{sha256(json.dumps(what).encode()).hexdigest()[:32]}{self._key}.arrow"
        )

    def _make_room(self) -> None:
        found = [(path.stat(), path) for path in self._folder.glob("*.arrow")]
        too_many = sum(facts.st_size for facts, _ in found) - _MOST_BYTES
        for facts, path in sorted(found, key=lambda item: item[0].st_mtime):
            if too_many <= 0:
                return
            path.unlink()
            too_many -= facts.st_size


def _encoded(sketch: Sketch) -> pl.DataFrame:
    import polars as pl

    lists = [pl.Series("priority", sketch.priorities, dtype=pl.Float64)]
    lists += [values.alias(f"{values.name}.sample") for values in sketch.sample]
    head: dict[str, Any] = {"rows": sketch.rows, "theta": sketch.theta, "columns": {}}
    for name, column in sketch.columns.items():
        facts: dict[str, Any] = {"nulls": column.nulls}
        if column.counts is not None:
            lists.append(column.counts[VALUE].alias(f"{name}.value"))
            lists.append(column.counts[COUNT].alias(f"{name}.count"))
        elif column.distinct is not None and column.bounds is not None:
            facts["theta"] = column.distinct.theta
            lists.append(pl.Series(f"{name}.hash", column.distinct.hashes, dtype=pl.UInt64))
            lists.append(column.bounds.alias(f"{name}.bounds"))
            if moments := column.moments:
                facts["moments"] = [moments.n, moments.mean, moments.squares]
        else:
            lists.append(pl.Series(f"{name}.other", [], dtype=column.dtype))
        head["columns"][name] = facts
    return pl.DataFrame(
        [pl.Series("head", [json.dumps(head)]), *(values.implode() for values in lists)]
    )


def _decoded(row: pl.DataFrame) -> Sketch:
    import polars as pl

    lists: dict[str, pl.Series] = {column.name: column for column in row}

    def values(name: str) -> pl.Series:
        found: pl.Series = lists[name].item()
        return found

    head = json.loads(row["head"].item())
    columns = {}
    for name, facts in head["columns"].items():
        if f"{name}.value" in lists:
            counts = pl.DataFrame({VALUE: values(f"{name}.value"), COUNT: values(f"{name}.count")})
            columns[name] = ColumnSketch(counts.schema[VALUE], facts["nulls"], counts)
        elif f"{name}.hash" in lists:
            ends = values(f"{name}.bounds").alias("")
            distinct = Distinct(values(f"{name}.hash").to_numpy(), facts.get("theta", ALL))
            moments = Moments(*facts["moments"]) if "moments" in facts else None
            columns[name] = ColumnSketch(ends.dtype, facts["nulls"], None, distinct, ends, moments)
        else:
            columns[name] = ColumnSketch(values(f"{name}.other").dtype, facts["nulls"])
    sample = pl.DataFrame(
        [
            values(name).alias(name.removesuffix(".sample"))
            for name in lists
            if name.endswith(".sample")
        ]
    )
    return Sketch(head["rows"], columns, sample, np.array(values("priority")), head["theta"])
