"""What people read in a terminal: a title, facts, an aligned table."""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from ..widgets.cards import Card, card_of
from ..widgets.words import plain

_GAP = "  "
# A number with its basis and its unit; a file called 01_ingest.ipynb is none.
_NUMBER = re.compile(r"[≈~n=]{0,2} ?-?[\d,]*\.?\d+(e[+-]?\d+)?( [A-Za-z%]{1,3}( \d+ [a-z]{1,3})?)?( est\.)?")


def text_of(value: Any) -> str:
    """The text of what a verb returned."""
    card = card_of(value)
    if card is not None:
        return _card(card)
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return table([{name: plain(item) for name, item in row.items()} for row in value], width=terminal())
    if isinstance(value, Mapping):
        # A number here may be a process: no commas.
        return facts({str(name): str(item) if isinstance(item, int) else plain(item) for name, item in value.items()})
    return plain(value)


def table(rows: Sequence[Mapping[str, str]], *, width: int | None = None) -> str:
    """Columns under their names; numbers to the right. width: of the terminal; a longer line is cut, None cuts nothing."""
    if not rows:
        return ""
    names = list(rows[0])
    cells = [names, *([_one_line(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    right = [all(_is_number(row.get(name, "")) for row in rows) for name in names]
    lines = [_GAP.join(_pad(cell, width, right=to_right) for cell, width, to_right in zip(line, widths, right, strict=True)).rstrip() for line in cells]
    return "\n".join(_cut(line, width) for line in lines)


def facts(found: Mapping[str, str]) -> str:
    """One fact a line."""
    longest = max((_width(name) for name in found), default=0)
    return "\n".join(f"{_pad(name, longest)}{_GAP}{_one_line(value)}" for name, value in found.items())


def terminal() -> int | None:
    """Width of the terminal that is written to; None for a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _card(card: Card) -> str:
    # A list says how much of it is shown only where that is not all.
    head = f"{card.title}  {card.ref}" if card.ref else card.title if not card.rows or card.facts else ""
    parts = [head, facts(card.facts), table(card.rows, width=terminal()), card.note]
    return "\n\n".join(filter(None, ["\n".join(filter(None, parts[:2])), *parts[2:]]))


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _pad(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _cut(line: str, width: int | None) -> str:
    if width is None or _width(line) <= width:
        return line
    while _width(line) >= width:
        line = line[:-1]
    return line + "…"


def _is_number(text: str) -> bool:
    return text == "–" or _NUMBER.fullmatch(text) is not None
