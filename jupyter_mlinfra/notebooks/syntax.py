"""The Python of a cell, without IPython's own words: `%magic`, `!command`, `x = !command`, `?help`
and the `%%magic` that heads a cell.
"""

from __future__ import annotations

import ast
import re

_ROUNDS = 200
"""Lines of IPython's that are replaced in one cell; each costs a look at the lines before it."""
_OF_IPYTHON = re.compile(r"(\s*+)(?:[%!?].*|.*\?\s*)")
_GIVEN_TO = re.compile(r"([\w\s,.\[\]]+=\s*+)[%!].*")


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell, its line numbers as in `source`; None when it is no Python.

    Only a line that Python cannot read is taken for one of IPython's: a comment or a text that
    looks like one stays.
    """
    lines = source.split("\n")
    for _ in range(_ROUNDS):
        try:
            return ast.parse("\n".join(lines))
        except SyntaxError as error:
            place = (error.lineno or 0) - 1
            plain = _plain(lines[place]) if 0 <= place < len(lines) else None
            if plain is None:
                return None
            lines[place] = plain
        except (ValueError, RecursionError, MemoryError):  # a NUL byte, or nested beyond measure
            return None
    return None


def _plain(line: str) -> str | None:
    """What stands for a line of IPython's; None when it is none of them."""
    if found := _GIVEN_TO.fullmatch(line):
        return f"{found[1]}None"
    if found := _OF_IPYTHON.fullmatch(line):
        return f"{found[1]}pass"  # keeps the block that it stands in
    return None
