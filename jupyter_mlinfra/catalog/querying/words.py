"""The words of a query: where it names tables, and the snapshots that it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...core.errors import BadRequest

MOST = 1_000_000
"""Characters of a query."""
# What is never closed goes to the end: to look for its end again from each sign would take hours.
_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))"""
    r"""|(?P<text>[eE]'(?:\\.|''|[^'\\])*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)"""
    r"""|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))"""
    r"""|(?P<quoted>"(?:[^"]|"")*(?:"|\Z))"""
    r"""|(?P<word>[^\W\d][\w$]*)|(?P<number>\d[\w.]*)|(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_BEFORE_TABLE = frozenset({"from", "join", ",", "table", "pivot", "unpivot"})
_BEGINS = frozenset({"select", "with", "from", "values", "("})
_NO_ALIAS = frozenset(
    [
        "on",
        "using",
        "where",
        "group",
        "order",
        "limit",
        "offset",
        "fetch",
        "join",
        "left",
        "right",
        "full",
        "inner",
        "outer",
        "cross",
        "natural",
        "asof",
        "positional",
        "semi",
        "anti",
        "union",
        "intersect",
        "except",
        "having",
        "window",
        "qualify",
        "for",
        "tablesample",
        "pivot",
        "unpivot",
        "lateral",
        "select",
        "from",
        "set",
    ]
)
_SELECT = (
    "Begin the query with SELECT or WITH. Columns of a dataset: mlinfra catalog show NAME;"
    " datasets change by ingest and write."
)
_COLUMNS = "Columns of a dataset and their types: mlinfra catalog show NAME."
_PIVOT = "Put it into a SELECT, with the values: SELECT * FROM (PIVOT … ON … IN (…) USING …)."
_INSTEAD = {
    "describe": _COLUMNS,
    "desc": _COLUMNS,
    "show": f"Datasets: mlinfra catalog list. {_COLUMNS}",
    "summarize": "Statistics of every column: mlinfra catalog profile NAME.",
    "pivot": _PIVOT,
    "pivot_wider": _PIVOT,
    "unpivot": "Put it into a SELECT: SELECT * FROM (UNPIVOT … ON … INTO …).",
    "table": "Write SELECT * FROM NAME.",
}
_VERSION = ("version", "as", "of")
_TIME = ("timestamp", "as", "of"), ("system_time", "as", "of")


@dataclass(frozen=True, slots=True)
class Token:
    """kind: text, quoted, word, number or sign. start, end: its place in the query."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """What it names, as it is written."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text

    @property
    def low(self) -> str:
        """In small letters."""
        return self.text.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A table that a query names: its parts, and the state that is asked for. at: a snapshot, a tag
    or a branch; moment: a time as text; both empty for the newest. start, end: its place.
    alias: whether the query gives it another name.
    """

    parts: tuple[str, ...]
    at: str = ""
    moment: str = ""
    start: int
    end: int
    alias: bool = False

    @property
    def text(self) -> str:
        """`namespace.table`."""
        return ".".join(self.parts)


def tokens(query: str) -> list[Token]:
    """The words and signs of a query, without blanks and comments. Raises BadRequest for a query
    that is too long.
    """
    if len(query) > MOST:
        raise BadRequest(
            "The query is too long.",
            f"It has {len(query):,} characters; {MOST:,} are the most.",
            "Put long lists of values into a dataset, and join it.",
        )
    return [
        Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(query)
        if match.lastgroup != "blank"
    ]


def check_select(found: Sequence[Token]) -> None:
    """Raise BadRequest for what does not begin as a SELECT does."""
    if not found or found[0].low not in _BEGINS:
        raise BadRequest(
            "Only a SELECT can be run here.",
            f"This begins with {found[0].text[:40]}." if found else "The query is empty.",
            _INSTEAD.get(found[0].low if found else "", _SELECT),
        )


def tables(found: Sequence[Token]) -> list[Named]:
    """The dotted names where a table can stand. Not all of them are tables."""
    return [
        named
        for index, token in enumerate(found)
        if token.low in _BEFORE_TABLE and (named := _named(found, _opened(found, index + 1)))
    ]


def asks_for_all(found: Sequence[Token]) -> bool:
    """Whether a `*` stands for columns, or a pattern of columns does."""
    for index, token in enumerate(found):
        before = [item.low for item in found[max(0, index - 2) : index]]
        if token.low == "columns" or (
            token.text == "*"
            and before[-1:] in ([","], ["."], ["select"], ["distinct"], ["all"], ["("])
            and before != ["count", "("]
        ):
            return True
    return False


def _opened(found: Sequence[Token], index: int) -> int:
    """Behind opening brackets."""
    while index < len(found) and found[index].text == "(":
        index += 1
    return index


def _named(found: Sequence[Token], index: int) -> Named | None:
    parts, begin = [], index
    while index < len(found) and found[index].kind in ("word", "quoted"):
        parts.append(found[index].name)
        index += 1
        if index >= len(found) or found[index].text != ".":
            break
        index += 1
    if len(parts) < 2:
        return None
    at, moment, index = _state(found, index)
    following = found[index] if index < len(found) else None
    return Named(
        parts=tuple(parts),
        at=at,
        moment=moment,
        start=found[begin].start,
        end=found[index - 1].end,
        alias=following is not None
        and (
            following.kind == "quoted"
            or (following.kind == "word" and following.low not in _NO_ALIAS)
        ),
    )


def _state(found: Sequence[Token], index: int) -> tuple[str, str, int]:
    """The snapshot and the time behind a name, and where the query goes on."""
    words = [token.low for token in found[index : index + 5]]
    if words[:1] == ["@"] and len(words) > 1:
        end = index + 1
        while end < len(found) and (
            end == index + 1
            or (found[end].start == found[end - 1].end and found[end].text not in ",;)(")
        ):
            end += 1
        return "".join(token.name for token in found[index + 1 : end]), "", end
    if words[:2] == ["at", "("] and words[3:5] == ["=", ">"]:
        return _at(found, index)
    start = 1 if words[:1] == ["for"] else 0
    asked, value = tuple(words[start : start + 3]), index + start + 3
    if asked == _VERSION and value < len(found):
        return _literal(found[value]), "", value + 1
    if asked in _TIME and value < len(found):
        if found[value].low == "timestamp":
            value += 1
        if value < len(found):
            return "", _literal(found[value]), value + 1
    return "", "", index


def _at(found: Sequence[Token], index: int) -> tuple[str, str, int]:
    """As `_state`, of `AT (VERSION => 12)`, as DuckDB writes it."""
    kind, rest = found[index + 2].low, found[index + 5 : index + 8]
    if kind == "timestamp" and [token.low for token in rest[:1]] == ["timestamp"]:
        index, rest = index + 1, rest[1:]
    if len(rest) < 2 or rest[0].kind == "sign" or rest[1].text != ")":
        return "", "", index
    if kind == "version":
        return _literal(rest[0]), "", index + 7
    return ("", _literal(rest[0]), index + 7) if kind == "timestamp" else ("", "", index)


def _literal(token: Token) -> str:
    if token.kind == "text" and token.text.startswith("'"):
        return token.text[1:-1].replace("''", "'")
    return token.name


def replaced(query: str, places: Iterator[tuple[int, int, str]]) -> str:
    """The query with other words in some places."""
    parts, end = list[str](), 0
    for start, stop, text in sorted(places):
        parts += [query[end:start], text]
        end = stop
    return "".join([*parts, query[end:]])


def quoted(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
