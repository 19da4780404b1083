"""Rules in words, and back: `id not null`, `price between 0 and 100`, `end >= start`.

A column is a plain word, or any name in double quotes. What is none of the forms here is a query
(see `statements`) or a condition (see `conditions`).
"""

from __future__ import annotations

import ast
import json
import keyword
import math
import re
from decimal import Decimal

from ...core.errors import BadRequest
from .allowance import NONE, Allowance, has_allowance, split
from .checks import (
    Check,
    Condition,
    Fresh,
    InRange,
    InSet,
    Matches,
    NotNull,
    References,
    RowCount,
    Unique,
    Unreadable,
)
from .conditions import parsed
from .literals import Value
from .statements import LONGEST_SQL, Select, select_of

_COLUMN = r'(?:"(?:[^"\\]|\\.)*"|[^\W\d]\w*)'
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,"'\[\]()][^\s,"\[\]()]*)"""
_NUMBER = r"\d{1,18}"
_NOT_NULL = re.compile(rf"({_COLUMN})\s+(?:is\s+)?not\s+null")
_UNIQUE = re.compile(rf"({_COLUMN}(?:\s*,\s*{_COLUMN})*)\s+(?:is\s+|are\s+)?unique")
_BETWEEN = re.compile(rf"({_COLUMN})\s+between\s+({_VALUE})\s+and\s+({_VALUE})")
_BOUND = re.compile(rf"({_COLUMN})\s*(>=|<=)\s*({_VALUE})")
_IN = re.compile(rf"({_COLUMN})\s+in\s+(?:\[\s*|\(\s*)?({_VALUE}(?:\s*,\s*{_VALUE})*?)\s*[\])]?")
_IN_LIST = re.compile(rf"({_COLUMN})\s+in\s+(\[.*\]|\(.*\))", re.DOTALL)
_MATCHES = re.compile(rf"({_COLUMN})\s+matches\s+(.+)", re.DOTALL)
_REFERENCES = re.compile(rf"({_COLUMN})\s+references\s+([\w.-]+)\.({_COLUMN})")
_ROWS_BETWEEN = re.compile(rf"rows\s+between\s+({_NUMBER})\s+and\s+({_NUMBER})")
_ROWS = re.compile(rf"rows\s*(>=|<=|==|=)\s*({_NUMBER})")
_FRESH = re.compile(r"fresh\s+within\s+(\d+(?:\.\d+)?)\s*(min|minutes?|h|hours?|d|days?)")
_ITEM = re.compile(_VALUE)
_PLAIN = re.compile(r"[^\W\d]\w*")
_INTEGER, _FLOAT = (
    re.compile(r"-?(?:0|[1-9]\d*)"),
    re.compile(r"-?(?:0|[1-9]\d*)\.\d+(?:e[+-]?\d+)?|-?\d+e[+-]?\d+"),
)
_BARE = re.compile(r"[^\s,\"'()\[\]]+")
_WORDS = {
    "rows",
    "fresh",
    "not",
    "null",
    "in",
    "is",
    "and",
    "or",
    "unique",
    "matches",
    "between",
    "references",
}
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
LONGEST = 2_000
"""Signs of a rule."""
_LONGEST_TARGET = 36_600 * 86_400


def demand_of(text: str) -> tuple[Check, Allowance]:
    """What the words of a rule demand, and how many rows may fail. Raises BadRequest for words that
    mean nothing.
    """
    words, allowed = split(text)
    check = _check(words.strip())
    if allowed != NONE and isinstance(check, Select | RowCount | Fresh):
        raise BadRequest(
            f"{text[:80]!r} does not count rows that fail.",
            "It is about the dataset as a whole, or in SQL.",
            "In SQL, count: SELECT count(*) FROM {object} WHERE price < 0 must be < 5",
        )
    return check, allowed


def check_of(text: str) -> Check:
    """What the words of a rule demand of each row, or of all; raises as `demand_of`."""
    return demand_of(text)[0]


def allowance_of(text: str) -> Allowance:
    """How many rows may fail a rule that was kept; none where its words are not read any more."""
    try:
        return split(text)[1]
    except BadRequest:
        return NONE


def _check(text: str) -> Check:
    if len(text) <= LONGEST_SQL and (found := _phrase(text[:LONGEST]) or select_of(text)):
        return found
    if not text or len(text) > LONGEST:
        raise BadRequest(
            f"{text[:40]!r}{'…' * (len(text) > 40)} is no rule.",
            f"It has {len(text):,} signs; a rule has 1 to {LONGEST:,}, a query up to"
            f" {LONGEST_SQL:,}.",
            "Write one such as `id not null`; many values go into a dataset: buyer references"
            " shop.buyers.id",
        )
    return _condition(text)


def stored_check(text: str) -> Check:
    """What a rule that was kept demands; `Unreadable` for words that are not read any more."""
    try:
        return check_of(text)
    except Exception as error:  # noqa: BLE001 - one rule must not hide the others
        what, why = (*map(str, error.args), "", "")[:2]
        return Unreadable(f"{what} {why}".strip())


def stored_text(check: Check, allowed: Allowance = NONE) -> str:
    """The words under which a rule is kept. Raises BadRequest if they would not be read again as
    the same.
    """
    text = text_of(check) + allowed.text
    most = LONGEST_SQL if isinstance(check, Select) else LONGEST
    if len(text) > most:
        raise BadRequest(
            f"The rule has {len(text):,} signs when it is written out.",
            f"At most {most:,} are kept.",
            "Put its values into a dataset, and write: column references namespace.table.column",
        )
    read = stored_check(text)
    if isinstance(read, Fresh) and isinstance(check, Fresh):
        is_same = math.isclose(read.seconds, check.seconds)
    else:
        is_same = (read, allowance_of(text)) == (check, allowed)
    if not is_same:
        why = "Its name or one of its values cannot be written in the words of a rule."
        raise BadRequest(f"{text[:80]!r} cannot be kept.", why, "Write it as a condition.")
    return text


def _phrase(text: str) -> Check | None:
    """The check, if the words are of one of the forms."""
    if found := _NOT_NULL.fullmatch(text):
        return NotNull(_name(found[1]))
    if found := _UNIQUE.fullmatch(text):
        return Unique(tuple(dict.fromkeys(map(_name, re.findall(_COLUMN, found[1])))))
    if found := _ROWS_BETWEEN.fullmatch(text):
        return RowCount(int(found[1]), int(found[2]))
    if found := _ROWS.fullmatch(text):
        rows = int(found[2])
        return RowCount(None if found[1] == "<=" else rows, None if found[1] == ">=" else rows)
    if found := _FRESH.fullmatch(text):
        return Fresh(target(text, float(found[1]) * _SECONDS[found[2][0]]))
    if found := _BETWEEN.fullmatch(text):
        return InRange(_name(found[1]), _value(found[2]), _value(found[3]))
    if found := _MATCHES.fullmatch(text):
        return Matches(_name(found[1]), _text(found[2].strip()))
    if found := _REFERENCES.fullmatch(text):
        return References(_name(found[1]), found[2], _name(found[3]))
    if (found := _IN_LIST.fullmatch(text)) and (values := _listed(found[2])):
        return InSet(_name(found[1]), values)
    if found := _IN.fullmatch(text):
        return InSet(_name(found[1]), tuple(map(_value, _ITEM.findall(found[2]))))
    if (found := _BOUND.fullmatch(text)) and not _is_formula(found[3]):
        low = _value(found[3]) if found[2] == ">=" else None
        return InRange(_name(found[1]), low, _value(found[3]) if low is None else None)
    return None


def text_of(check: Check) -> str:
    """The words of a check, which `check_of` reads."""
    match check:
        case NotNull(column):
            return f"{_quoted(column)} not null"
        case Unique(columns):
            return f"{', '.join(map(_quoted, columns))} unique"
        case InRange(column, low, None) if low is not None:
            return f"{_quoted(column)} >= {_bound(low)}"
        case InRange(column, None, high) if high is not None:
            return f"{_quoted(column)} <= {_bound(high)}"
        case InRange(column, low, high) if low is not None and high is not None:
            return f"{_quoted(column)} between {_written(low)} and {_written(high)}"
        case InSet(column, values):
            return f"{_quoted(column)} in {', '.join(map(_written, values))}"
        case Matches(column, pattern):
            return f"{_quoted(column)} matches {_pattern(pattern)}"
        case References(column, dataset, other):
            return f"{_quoted(column)} references {dataset}.{_quoted(other)}"
        case RowCount(low, high):
            return _rows(low, high)
        case Fresh(seconds):
            return f"fresh within {_span(seconds)}"
        case Condition(text) | Unreadable(text) | Select(text=text):
            return text
    raise AssertionError(check)


def target(text: str, seconds: float) -> float:
    """How old the newest rows may be. text: as it was written. Raises BadRequest for what no
    dataset can reach, or none can miss.
    """
    if 1 <= seconds <= _LONGEST_TARGET:
        return seconds
    raise BadRequest(
        f"{text[:80]!r} is no target.",
        "No dataset is ever that fresh." if seconds < 1 else "It would never be missed.",
        "A target is 1 second (0.017 min) to 36600 d; for example: fresh within 26 h",
    )


def _condition(text: str) -> Condition:
    parsed(text)
    return Condition(text)


def _name(token: str) -> str:
    return _text(token)


def _text(token: str) -> str:
    """A word, or what stands in double quotes."""
    if len(token) < 2 or not (token[0] == token[-1] == '"'):
        return token
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        raise BadRequest(f"{token[:80]} is not a text.", "A backslash is written twice.") from None


def _value(token: str) -> Value:
    if token[0] == '"':
        return _text(token)
    if len(token) > 1 and token[0] == token[-1] == "'":
        return re.sub(r"\\(['\\])", r"\1", token[1:-1])
    if _INTEGER.fullmatch(token):
        return int(token) if len(token) <= 300 else token
    if _FLOAT.fullmatch(token) and math.isfinite(float(token)):
        return float(token)
    return {"true": True, "false": False}.get(token.lower(), token)


def _listed(text: str) -> tuple[Value, ...]:
    """The values of a list as Python writes it; none if it is no such list."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    values = found if isinstance(found, list | tuple) else []
    is_good = all(
        isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
        for value in values
    )
    return tuple(values) if is_good else ()


def _is_formula(token: str) -> bool:
    """Whether a bound is another column, or is calculated: it has names or signs, is no text in
    quotes, and no number or date.
    """
    if _PLAIN.fullmatch(token):
        return token.lower() not in ("true", "false")
    if token[0] in "\"'" or not isinstance(_value(token), str):
        return False
    try:
        tree = parsed(token)
    except BadRequest:
        return False
    return isinstance(tree, ast.BinOp | ast.UnaryOp | ast.Call)


def _quoted(column: str) -> str:
    is_plain = _PLAIN.fullmatch(column) and column.lower() not in _WORDS
    return column if is_plain and not keyword.iskeyword(column) else json.dumps(column)


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    is_bare = _BARE.fullmatch(value) and _value(value) == value and value.lower() not in _WORDS
    return value if is_bare else json.dumps(value)


def _bound(value: Value) -> str:
    """A bound; a word that could be a column's name stands in quotes."""
    text = _written(value)
    return json.dumps(value) if isinstance(value, str) and _is_formula(text) else text


def _pattern(pattern: str) -> str:
    is_bare = pattern and pattern == pattern.strip() and _text(pattern) == pattern
    return pattern if is_bare and not has_allowance(pattern) else json.dumps(pattern)


def _rows(low: int | None, high: int | None) -> str:
    if low is None:
        return f"rows <= {high}"
    if high is None:
        return f"rows >= {low}"
    return f"rows == {low}" if low == high else f"rows between {low} and {high}"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return f"{Decimal(f'{seconds / 60:.12g}'):f} min"
