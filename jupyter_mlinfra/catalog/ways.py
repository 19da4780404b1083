"""How rows come in: which mode is meant, with or without a key, which is the same in every face,
and the change that brings it about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, get_args

from ..core.errors import BadRequest
from .change import Change, RowsChange, WriteMode
from .scratch import waiting_folder
from .upserting import UpsertChange

if TYPE_CHECKING:
    from pathlib import Path

    from .intake import Rows


def way_of(mode: WriteMode | None, key: str | Sequence[str]) -> tuple[WriteMode, tuple[str, ...]]:
    """The mode that is meant, and the columns of the key. Raises BadRequest for a mode that does
    not exist, an upsert without a key, or a key with another mode.
    """
    columns = tuple(dict.fromkeys([key] if isinstance(key, str) else key))
    mode = mode or ("upsert" if columns else "append")
    if mode not in get_args(WriteMode):
        raise no_mode(mode)
    if mode == "upsert" and not columns:
        raise BadRequest(
            "An upsert needs a key.",
            "A row takes the place of those with the same key.",
            "Name its columns: --key id (in Python key=['id']).",
        )
    if columns and mode != "upsert":
        raise BadRequest(
            f"A key is given, but the mode is {mode}.",
            "Only an upsert compares keys.",
            f"Leave out --{mode} (in Python mode={mode!r}), and it is an upsert; or leave out the"
            " key.",
        )
    return mode, columns


def no_mode(mode: str) -> BadRequest:
    """The error for a mode that does not exist."""
    return BadRequest(f"{mode!r} is not a mode.", fix=f"Modes: {', '.join(get_args(WriteMode))}.")


@contextmanager
def changing(rows: Rows, mode: WriteMode, key: Sequence[str], scratch: Path) -> Iterator[Change]:
    """The change of a table by these rows. scratch: a folder for rows that wait."""
    if mode != "upsert":
        yield RowsChange(rows, mode)
        return
    with waiting_folder(scratch) as folder:
        yield UpsertChange(rows, key, folder)


def notes_of(change: Change) -> list[str]:
    """What is said of a change that is done."""
    if not isinstance(change, UpsertChange) or not change.dropped:
        return []
    return [f"Left out because a later row has the same key: {change.dropped:,}."]
