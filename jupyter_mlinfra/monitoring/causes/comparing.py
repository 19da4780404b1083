"""What became of a piece of code in a later version of its file."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff

from .naming import Piece, lines_of
from .spec import Change

SHOWN, DIFFERENT, WIDTH = 120, 200, 400
"""The most lines of a piece and of a diff, and the most characters of a line."""
ABOVE = 20
"""Lines that are shown above the one that matters, if not all can be."""


def changed(
    piece: Piece, later: Sequence[Piece], *, names: tuple[str, str], instead: Piece | None = None
) -> tuple[Change, str]:
    """What became of a piece, and its diff. names: of the two files. instead: the piece of the
    later version that does what this one did.

    The same piece is the one with its key, else one with the same text; without keys, the one with
    its number; else `instead`.
    """
    same = [item for item in later if piece.key and item.key == piece.key]
    if any(item.source == piece.source for item in same or later):
        return "unchanged", ""
    if not same and (not piece.key or not any(item.key for item in later)):
        same = [item for item in later if item.number is not None and item.number == piece.number]
    if not same and instead is not None:
        same = [instead]
    if not same:
        return "removed", ""
    before, after = (
        f"{name}, cell {item.number}" if item.number is not None else name
        for name, item in zip(names, (piece, same[0]), strict=True)
    )
    lines = list(
        unified_diff(
            lines_of(piece.source),
            lines_of(same[0].source),
            before,
            after,
            n=2,
            lineterm="",
        )
    )
    more = len(lines) - DIFFERENT
    return "changed", "\n".join(
        [*map(_short, lines[:DIFFERENT]), *([f"… {more} lines more"] if more > 0 else [])]
    )


def excerpt(source: str, line: int) -> tuple[int, str]:
    """The number of the first line shown, and the lines around one, as long as a piece may be."""
    lines = lines_of(source)
    first = 1 if len(lines) <= SHOWN else max(1, min(line - ABOVE, len(lines) - SHOWN + 1))
    return first, "\n".join(map(_short, lines[first - 1 : first - 1 + SHOWN]))


def _short(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[:WIDTH]}…"
