"""The grid of a frame in memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...core.frames import polars_frame
from ..spec import Column
from .kept import KeptInMemory
from .plan import cell
from .running import Grid, Source
from .types import word_of

if TYPE_CHECKING:
    from ...core.frames import Frame
    from .explorer import Explorer

_SECONDS = 60.0
_UNNAMED = "frame"


def explorer_of(frame: Frame) -> Explorer:
    """A widget that shows the frame as it is now. A lazy frame is computed once, a pandas frame
    copied. Raises BadRequest for anything else.
    """
    from .explorer import Explorer

    name = _name_of(frame)
    lazy, imports = _lazy(frame, name)
    rows = polars_frame(frame, "There is nothing to explore.")
    source = Source(
        name=name,
        rows=rows.lazy(),
        columns=[
            Column(name=column, type=word_of(dtype), required=False, doc="")
            for column, dtype in rows.schema.items()
        ],
        state="",
        snapshot=None,
        total=rows.height,
        masked=(),
    )
    grid = Grid(
        source,
        KeptInMemory(),
        KeptInMemory(),
        _SECONDS,
        lambda query, schema: {
            "python": cell(query, schema, lazy, name=f"{name}_shown", imports=imports)
        },
    )
    return Explorer(name, lambda _: grid)


def _name_of(frame: Frame) -> str:
    """The variable of the notebook that holds the frame."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    names = getattr(shell, "user_ns", {})
    found = (name for name, value in list(names.items()) if value is frame and name[0] != "_")
    return next(found, _UNNAMED)


def _lazy(frame: Frame, name: str) -> tuple[str, tuple[str, ...]]:
    """The code of the frame as a lazy one, and its imports."""
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        return name, ()
    if isinstance(frame, pl.DataFrame):
        return f"{name}.lazy()", ()
    return f"pl.from_pandas({name}).lazy()", ("import polars as pl",)
