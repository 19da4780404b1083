"""Sketches of data files on disk: a file never changes, so its sketch is made once.

Each is one Arrow file of one row: lists of values, counts, hashes and sampled rows by column, and
a head in JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
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

    type Schema = Mapping[str, pl.DataType]

_FORMAT = 2
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
        found = self._read(self._path(file))
        return found and found[0]

    def put(self, file: RowFile, sketch: Sketch) -> None:
        """Keep the sketch of that file. On a full disk the next reader makes it again."""
        self._write(self._path(file), sketch, ())

    def together(
        self, files: Sequence[RowFile], schema: Schema
    ) -> tuple[Sketch | None, Sequence[RowFile]]:
        """The sketch of many of these files together, with these columns, and the files that are
        not in it; None and all files if there is none.
        """
        found = self._read(self._path_of(schema))
        if found is None:
            return None, files
        sketch, names = found
        missing = set(names)
        rest = [file for file in files if self._path(file).name not in missing]
        if len(files) - len(rest) < len(missing):  # of a file that is not of this snapshot
            return None, files
        return sketch, rest

    def put_together(self, files: Sequence[RowFile], schema: Schema, sketch: Sketch) -> None:
        """Keep the sketch of all these files, so that a reader after an append decodes two sketches
        and not one of each file. It takes the place of the one before.
        """
        names = [self._path(file).name for file in files]
        self._write(self._path_of(schema), sketch, names)

    def _read(self, path: Path) -> tuple[Sketch, Sequence[str]] | None:
        import polars as pl

        try:
            row = pl.read_ipc(path.read_bytes())
            found = _decoded(row), json.loads(row["head"].item()).get("files", ())
            os.utime(path)
        except (OSError, ValueError, KeyError, pl.exceptions.PolarsError):
            return None
        return found

    def _write(self, path: Path, sketch: Sketch, files: Sequence[str]) -> None:
        content = io.BytesIO()
        # Not packed: hashes and priorities are random, and time counts more than room.
        _encoded(sketch, files).write_ipc(content)
        with contextlib.suppress(MLInfraError, OSError):
            write_atomic(path, content.getvalue())
            self._make_room()

    def _path(self, file: RowFile) -> Path:
        return self._named(file.path, file.bytes, sorted(file.deletes))

    def _path_of(self, schema: Schema) -> Path:
        return self._named("all", {name: str(dtype) for name, dtype in schema.items()})

    def _named(self, *what: Any) -> Path:
        import polars as pl

        # Hashes of values may differ between versions of Polars.
        text = json.dumps([_FORMAT, pl.__version__, *what])
        return self._folder / f"{sha256(text.encode()).hexdigest()[:32]}{self._key}.arrow"

    def _make_room(self) -> None:
        found = [(path.stat(), path) for path in self._folder.glob("*.arrow")]
        too_many = sum(facts.st_size for facts, _ in found) - _MOST_BYTES
        for facts, path in sorted(found, key=lambda item: item[0].st_mtime):
            if too_many <= 0:
                return
            path.unlink()
            too_many -= facts.st_size


def _encoded(sketch: Sketch, files: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    lists = [pl.Series("priority", sketch.priorities, dtype=pl.Float64)]
    lists += [values.alias(f"{values.name}.sample") for values in sketch.sample]
    head: dict[str, Any] = {"rows": sketch.rows, "theta": sketch.theta, "columns": {}}
    head["files"] = list(files)
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
                facts["moments"] = astuple(moments)
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
