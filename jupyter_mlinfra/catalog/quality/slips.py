"""Conditions as people write them: days without quotes, and words of SQL and of others."""

from __future__ import annotations

import re

_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_MOMENT = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?"
_TEXT_OR_MOMENT = re.compile(rf"{_TEXT}|(?<![\w.])({_MOMENT})(?![\w.])", re.DOTALL)
_SLIPS = {
    r"\bmostly\b|\bat (?:most|least)\b": (
        "Write how many rows may fail: id not null, failed rows must be < 5 %"
    ),
    r"(?<![=<>!])=(?!=)": "Write == for equal values.",
    "<>": "Write != for values that are not equal.",
    r"\bIN\b": "Write in, in small letters.",
    r"\b(?:NOT|NULL|IS|AND|OR|BETWEEN|UNIQUE|MATCHES|REFERENCES|LIKE)\b": (
        "Write the words of a rule in small letters: id not null"
    ),
}
"""Words of SQL and of others, and what is written here."""


def with_moments_as_texts(text: str) -> str:
    """The condition with its dates and times in quotes; Python would calculate with numbers."""
    return _TEXT_OR_MOMENT.sub(_quoted, text)


def slip(text: str) -> str:
    """What to write in place of such words; empty if there are none."""
    bare = re.sub(_TEXT, "''", text)
    for words, fix in _SLIPS.items():
        if re.search(words, bare):
            return fix
    return ""


def _quoted(found: re.Match[str]) -> str:
    return f"'{found[1]}'" if found[1] else found[0]
