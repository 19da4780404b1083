"""The Python of a cell, without IPython's own syntax: `%magic`, `!command`, `x = !command`, `?help`
and a `%%magic` at the top of a cell.
"""

from __future__ import annotations

import ast
import re

_ROUNDS = 200
"""How many IPython lines are replaced in one cell; each costs another parse of the lines before."""
_OF_IPYTHON = re.compile(r"(\s*+)(?:[%!?].*|.*\?\s*)")
_GIVEN_TO = re.compile(r"([\w\s,.\[\]]+=\s*+)[%!].*")


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell, with the line numbers of `source`; None if it is not Python.

    Only a line that Python cannot parse counts as IPython's: a comment or a text that looks like
    one stays.
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
        except (ValueError, RecursionError, MemoryError):  # a NUL byte, or nested too deeply
            return None
    return None


def _plain(line: str) -> str | None:
    """The replacement for an IPython line; None if it is not one."""
    if found := _GIVEN_TO.fullmatch(line):
        return f"{found[1]}None"
    if found := _OF_IPYTHON.fullmatch(line):
        return f"{found[1]}pass"  # keeps its block valid
    return None
