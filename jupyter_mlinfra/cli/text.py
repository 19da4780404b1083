"""What people read in a terminal: a title, facts, an aligned table."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.display import printable
from ..faces.cards import Card, card_of
from ..faces.words import counted, datum, plain, stored, uncut, with_state_words
from ..widgets.known import card_in

if TYPE_CHECKING:
    from ..workbench import Workbench

_GAP = "  "
_SHORT, _LONG, _LEAST = 20, 32, 12
"""In a narrow terminal, text wider than `_SHORT` is cut to `_LONG` or to what is left; below
`_LEAST` it is left out.
"""
# A number with its basis and its unit; a file called 01_ingest.ipynb does not match.
_NUMBER = re.compile(
    r"NaN|−?∞|[≈~n=]{0,2} ?(?:[<>] )?[-−]?[\d,]*\.?\d+(e[+-]?\d+)?( [A-Za-z%]{1,3}( \d+"
    r" [a-z]{1,3})?)?( est\.)?"
)


def text_of(value: Any, workbench: Workbench | None = None) -> str:
    """The text of a verb's result, not cut if it goes to a file or a pipe. workbench: of the
    project, if there is one.
    """
    with uncut() if terminal() is None else contextlib.nullcontext():
        return printable(_text_of(value, workbench))


def _text_of(value: Any, workbench: Workbench | None) -> str:
    card = card_in(workbench, value) if workbench is not None else card_of(value)
    if card is not None:
        return _card(card)
    if hasattr(value, "write_json"):  # a frame
        from ..catalog import plain_rows

        rows = [
            dict(zip(value.columns, map(stored, row), strict=True)) for row in plain_rows(value)
        ]
        return table(rows, width=terminal()) or "no rows"
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return table(
            [{name: datum(item) for name, item in row.items()} for row in value], width=terminal()
        )
    if isinstance(value, Mapping):
        # A number here may be a process id: no commas.
        return facts({str(name): datum(item) for name, item in value.items()})
    return plain(value)


def table(rows: Sequence[Mapping[str, str]], *, width: int | None = None) -> str:
    """Columns under their names, numbers aligned right. width: of the terminal; the last line names
    the columns that do not fit.
    """
    if not rows:
        return ""
    columns = {
        name: [_one_line(name), *(_one_line(row.get(name, "")) for row in rows)] for name in rows[0]
    }
    numbers = {name for name, cells in columns.items() if all(map(_is_number, cells[1:]))}
    widths = _fit(columns, numbers, width)
    lines = [
        _GAP.join(
            _pad(_cut(columns[name][line], column_width), column_width, right=name in numbers)
            for name, column_width in widths.items()
        ).rstrip()
        for line in range(len(rows) + 1)
    ]
    hidden = [cells[0] for name, cells in columns.items() if name not in widths]
    return "\n".join(
        [
            *lines,
            *(
                [_cut(f"… {counted(len(hidden), 'more column')}: {', '.join(hidden)}", width)]
                if hidden
                else []
            ),
        ]
    )


def _fit(
    columns: Mapping[str, Sequence[str]], numbers: Collection[str], width: int | None
) -> dict[str, int]:
    """Widths of the columns that fit, the first ones first. Long text is cut; a number or an
    address is never cut but left out.
    """
    widest = {name: max(map(_width, cells)) for name, cells in columns.items()}
    if width is None or sum(widest.values()) + len(_GAP) * (len(widest) - 1) <= width:
        return widest
    fitted: dict[str, int] = {}
    remaining = width
    for name, cells in columns.items():
        address = any("://" in cell for cell in cells)
        text = widest[name] > _SHORT and name not in numbers and not address
        column_width = min(widest[name], _LONG, max(remaining, _LEAST)) if text else widest[name]
        if not fitted and not address:
            column_width = min(column_width, width)
        if column_width <= remaining or not fitted:
            fitted[name] = column_width
            remaining -= column_width + len(_GAP)
    return fitted


def facts(found: Mapping[str, str]) -> str:
    """One fact per line."""
    longest = max((_width(name) for name in found), default=0)
    return "\n".join(
        f"{_pad(name, longest)}{_GAP}{_one_line(value)}" for name, value in found.items()
    )


def terminal() -> int | None:
    """Width of the terminal; None if the output is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _card(card: Card) -> str:
    # A list says how much of it is shown only if that is not all.
    head = (
        f"{card.title}  {card.ref}"
        if card.ref
        else card.title
        if not card.rows or card.facts
        else ""
    )
    parts = [
        head,
        facts(with_state_words(card.facts)),
        table([with_state_words(row) for row in card.rows], width=terminal()),
        card.note,
    ]
    return "\n\n".join(filter(None, ["\n".join(filter(None, parts[:2])), *parts[2:]]))


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


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
