"""Data files read piece by piece, so that memory holds a few of their rows, whatever their size.

A scan of all files would read far ahead: of ten million rows of six columns it held 260 MB at a
time, of pieces 70 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pyiceberg.table import FileScanTask

_BLOCK_ROWS, _ROW_GROUP = 1 << 19, 1 << 17
_BLOCK_CELLS = 1 << 22


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one file from `offset` on, or all rows of several. files: their numbers in the plan.
    begins: of each file, the place of its first row among those of the files. rows: how many there
    are; at most, if some of the file were deleted.
    """

    files: tuple[int, ...]
    begins: tuple[int, ...]
    offset: int
    rows: int

    def files_of(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The number of the file of each of these rows. places: in the piece, from 0."""
        import numpy as np

        index = np.searchsorted(np.array(self.begins), places, side="right") - 1
        return np.array(self.files)[index]

    def blocks(self, columns: int) -> Iterator[Piece]:
        """The piece in parts whose rows fit into memory with so many columns."""
        step = block_rows(columns)
        for start in range(0, self.rows, step):
            count = min(step, self.rows - start)
            yield Piece(self.files, self.begins, self.offset + start, count)


def block_rows(columns: int) -> int:
    """How many rows of so many columns are read at once: never less than one row group."""
    return max(_ROW_GROUP, min(_BLOCK_ROWS, _BLOCK_CELLS // max(1, columns)))


def pieces(tasks: Sequence[FileScanTask], rows: int) -> list[Piece]:
    """All rows of these files, in their order, at most `rows` in a piece."""
    found, small, begins, height = list[Piece](), list[int](), list[int](), 0

    def several() -> None:
        nonlocal height
        if small:
            found.append(Piece(tuple(small), tuple(begins), 0, height))
        small.clear()
        begins.clear()
        height = 0

    for number, task in enumerate(tasks):
        count = int(task.file.record_count)
        # How many rows a file has from which some were deleted, its manifest does not say: the
        # next one would begin at an unknown place.
        alone = bool(task.delete_files) or count > rows
        if alone or height + count > rows:
            several()
        if alone:
            found += [
                Piece((number,), (0,), start, min(rows, count - start))
                for start in range(0, count, rows)
            ]
        else:
            small.append(number)
            begins.append(height)
            height += count
    several()
    return found
