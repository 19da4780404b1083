"""Which rows of a table have the key of a staged one, a few of either in memory at a time.

Keys alone are looked up, a part of the staged ones in a piece of the table at a time. The rows of
the table that have such a key are then sorted by their staged row, on disk if they are many, and
compared with it. What stays in memory is three bytes for each staged row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.frames import exactly
from ..core.waiting import check_waiting
from .filescan import scan_files
from .pieces import Piece, pieces
from .spill import Spill
from .staged import NUMBER, Staged

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl
    from pyiceberg.table import FileScanTask, Table

    from .conform import Target

_PLACE, _NEW = "\0place", "\0new"
"""No column can have such a name. _NEW: at the end of a column's name, its values in the input."""

_KEYS = 1 << 21
"""Rows of the table whose keys are looked up at once."""


class Matches:
    """The rows of these files with the key of a staged one. tasks: of a plan of the newest
    snapshot. targets: the columns after the commit. folder: an empty one, which the caller deletes.
    """

    def __init__(
        self,
        table: Table,
        tasks: Sequence[FileScanTask],
        staged: Staged,
        targets: Mapping[str, Target],
        folder: Path,
    ) -> None:
        import numpy as np

        self._table, self._tasks, self._staged, self._targets = table, tasks, staged, targets
        self._folder = folder
        self._pieces = pieces(tasks, _KEYS)
        self._files = dict[int, list[Path]]()  # of each piece, with places and numbers
        self._found = np.zeros(staged.rows, dtype=np.uint8)  # rows of the table; 2 for more
        self._differs = np.zeros(staged.rows, dtype=np.bool_)
        self._look_up()
        self._compare()
        self.idle = (self._found == 1) & ~self._differs
        """Of each staged row: whether the table has it as it is, once."""
        self.updated = int(np.count_nonzero(self._found) - np.count_nonzero(self.idle))
        """Staged rows that take the place of others."""
        self.changed = sorted(
            {
                int(file)
                for number, piece in enumerate(self._pieces)
                for file in piece.files_of(self._gone(number))
            }
        )
        """The numbers of the files with a row that another one takes the place of."""

    def rest(self) -> Iterator[pl.DataFrame]:
        """The rows of the changed files that stay, block by block in their order."""
        import numpy as np
        import polars as pl

        for number, piece in enumerate(self._pieces):
            stays = np.isin(piece.files_of(np.arange(piece.rows)), self.changed)
            stays[self._gone(number)] = False
            for block in piece.blocks(len(self._targets)):
                start = block.offset - piece.offset
                if stays[start : start + block.rows].any():
                    rows = self._rows(block)
                    yield rows.filter(pl.Series(stays[start : start + rows.height]))

    def _look_up(self) -> None:
        """Note the places of matching rows, and the numbers of their staged ones, on disk."""
        import numpy as np

        key = [exactly(name) for name in self._staged.key]
        for part in range(self._staged.parts):
            new = self._staged.keys(part)
            for number, piece in enumerate(self._pieces):
                check_waiting()
                rows = as_wide(self._scan(piece).select(key), self._targets)
                old = self._staged.part(rows.with_row_index(_PLACE), part)
                pairs = old.collect(engine="streaming").join(new, on=key).select(_PLACE, NUMBER)
                if not pairs.height:
                    continue
                files = self._files.setdefault(number, [])
                files.append(self._folder / f"{number:06}-{part:06}.parquet")
                pairs.write_parquet(files[-1])
                found, times = np.unique(pairs[NUMBER].to_numpy(), return_counts=True)
                self._found[found] = np.minimum(2, self._found[found] + times)

    def _compare(self) -> None:
        """Find the staged rows of which the table has another one."""
        import polars as pl

        names = [name for name in self._targets if name not in self._staged.key]
        if not names or not self._files:
            return
        known = set(scan_files(self._table, self._tasks[:1]).collect_schema())
        folder = self._folder / "rows"
        folder.mkdir()
        values = [exactly(name) for name in names if name in known]
        spill, width = Spill(folder), self._staged.width
        for number, piece in enumerate(self._pieces):
            pairs = self._pairs(number)
            for block in piece.blocks(len(self._targets)):
                start = block.offset - piece.offset
                here = pairs.filter(pl.col(_PLACE).is_between(start, start + block.rows, "left"))
                if here.height:
                    rows = self._rows(block)[here[_PLACE] - start].with_columns(here[NUMBER])
                    spill.add_by(rows.select(NUMBER, *values), pl.col(NUMBER) // width)
        for part in range(-(-self._staged.rows // width)):
            check_waiting()
            self._judge(names, known, part * width, spill.frames(part))

    def _judge(
        self, names: Sequence[str], known: set[str], start: int, frames: Iterator[pl.DataFrame]
    ) -> None:
        import polars as pl

        same = pl.all_horizontal(
            exactly(name).eq_missing(exactly(f"{name}{_NEW}"))
            if name in known
            else exactly(f"{name}{_NEW}").is_null()  # a column that the table has not yet
            for name in names
        )
        new = None
        for old in frames:
            if new is None:
                new = self._staged.few(start).select(exactly(name) for name in names)
                new.columns = [f"{name}{_NEW}" for name in names]
            both = old.hstack(new[old[NUMBER] - start])
            self._differs[both.filter(~same)[NUMBER].to_numpy()] = True

    def _pairs(self, number: int) -> pl.DataFrame:
        """The places of matching rows in a piece, in order, and the numbers of staged rows."""
        import polars as pl

        files, index = self._files.get(number, []), pl.get_index_type()
        pairs = [pl.DataFrame(schema={_PLACE: index, NUMBER: index})]
        pairs += [pl.read_parquet(file, memory_map=False) for file in files]
        return pl.concat(pairs).sort(_PLACE)

    def _gone(self, number: int) -> npt.NDArray[np.int64]:
        """The places in a piece whose rows others take the place of."""
        pairs = self._pairs(number)
        places = pairs[_PLACE].to_numpy().astype("int64")
        gone: npt.NDArray[np.int64] = places[~self.idle[pairs[NUMBER].to_numpy()]]
        return gone

    def _rows(self, block: Piece) -> pl.DataFrame:
        check_waiting()
        return as_wide(self._scan(block), self._targets).collect(engine="streaming")

    def _scan(self, piece: Piece) -> pl.LazyFrame:
        files = scan_files(self._table, [self._tasks[number] for number in piece.files])
        return files.slice(piece.offset, piece.rows)


def as_wide(rows: pl.LazyFrame, targets: Mapping[str, Target]) -> pl.LazyFrame:
    """The rows with the types that their columns get."""
    schema = rows.collect_schema()
    return rows.with_columns(
        exactly(name).cast(target.dtype)
        for name, target in targets.items()
        if name in schema and schema[name] != target.dtype
    )
