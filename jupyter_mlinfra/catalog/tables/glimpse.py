"""What would be read of a Delta table that is to be registered, judged by its first rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dtypes import short_dtype
from ..odd_times import python_values
from ..rows import plain
from ..spec import Inspection, ReadColumn, ReadFile
from .explained import explained_files
from .in_place import delta_rows
from .placed import DELTA

if TYPE_CHECKING:
    from .placed import Place

_ROWS = 50


def inspect_delta(place: Place, shown: str) -> Inspection:
    """Its columns and first rows. shown: its path as it was named. Raises Unprocessable for one
    that cannot be read.
    """
    with explained_files(place.location):
        rows = delta_rows(place).head(_ROWS + 1).collect(engine="streaming")
    head = rows.head(_ROWS)
    columns = {name: short_dtype(dtype) for name, dtype in head.schema.items()}
    return Inspection(
        dataset=None,
        exists=False,
        files=[ReadFile(path=shown, kind=DELTA, bytes=0)],
        columns=[
            ReadColumn(name=name, type=dtype, guessed=False, in_dataset=False)
            for name, dtype in columns.items()
        ],
        data=[[plain(value) for value in python_values(values)] for values in head.iter_columns()],
        shown=head.height,
        rows=head.height,
        whole=rows.height <= _ROWS,
        bad=0,
        broken=[],
        refused="",
        doubts=[],
    )
