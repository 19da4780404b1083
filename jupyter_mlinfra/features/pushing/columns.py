"""The rows of a push as columns of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from ...core.frames import polars_frame

if TYPE_CHECKING:
    from ...core.frames import Frame


def columns_of(rows: Frame | Sequence[Mapping[str, Any]]) -> tuple[dict[str, list[Any]], int]:
    """Columns by name, and the number of rows. Raises BadRequest for what is neither a frame nor
    rows.
    """
    if not isinstance(rows, list | tuple):
        frame = polars_frame(rows, "These are no rows to push.")  # type: ignore[arg-type]
        return {name: frame[name].to_list() for name in frame.columns}, frame.height
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise BadRequest(
                f"Row {number + 1} is no row to push.",
                f"It is a {type(row).__name__}.",
                'A row is an object: {"user_id": 7, "clicks": 3, "at": "2026-03-01T12:00:00Z"}',
            )
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}, len(rows)
