"""The filter and the sort order of a list of runs: `metrics.auc > 0.9 and (params.depth = '6' or
tags.k like 'x%')`.

    filter     = all ("or" all)*
    all        = one ("and" one)*
    one        = "not" one | "(" filter ")" | field test
    test       = ("=" | "!=" | "<" | "<=" | ">" | ">=") value
               | ["not"] "in" "(" value ("," value)* ")"
               | ["not"] ("like" | "ilike") text | "is" ["not"] "null"
    field      = ("metrics" | "params" | "tags") "." name
               | status | name | id | user | started | ended | duration
               | notebook | job | step | dataset
               | name of a metric, parameter or tag of these runs, if no two have it
    value      = number | 'text' | "text"

MLflow's spelling of attributes is read as well: `attributes.start_time`, `run_name`, `run_id`,
`user_id`.

A test of a value that is missing (or NaN) is false; `not` turns it round. Against a number, a
parameter or tag is read as a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, NoReturn

from ..core.errors import BadRequest

MAX_LENGTH, MAX_TESTS, MAX_DEPTH = 4000, 60, 30
"""Limits that keep the SQL of a filter within SQLite's own."""

MAX_PATTERN = 500
"""Most characters of a text after `like`: a match takes up to this many steps for each character of
a tag, which may have 8,000.
"""

Kind = Literal["metric", "param", "tag", "attribute"]
KindsOf = Callable[[str], Sequence[Kind]]
_KINDS: dict[str, Kind] = {
    "metrics": "metric",
    "metric": "metric",
    "params": "param",
    "param": "param",
    "parameters": "param",
    "parameter": "param",
    "tags": "tag",
    "tag": "tag",
    "attributes": "attribute",
    "attribute": "attribute",
    "attr": "attribute",
    "run": "attribute",
}
TEXT_ATTRIBUTES = ("status", "name", "id", "user", "notebook", "job", "step", "dataset")
TIME_ATTRIBUTES = ("started", "ended")
ATTRIBUTES = (*TEXT_ATTRIBUTES, *TIME_ATTRIBUTES, "duration")
_MLFLOW_NAMES = {
    "start_time": "started",
    "created": "started",
    "end_time": "ended",
    "run_name": "name",
    "run_id": "id",
    "user_id": "user",
}
"""MLflow's names of attributes that have other names here."""

MAX_SORTS = 5
"""The most keys of one sort order."""

STATUSES = ("running", "scheduled", "finished", "failed", "killed")
_FIELDS = f"metrics.NAME, params.NAME, tags.NAME, {', '.join(ATTRIBUTES)}"

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<word>
            (?:metrics?|param(?:eter)?s?|tags?)\.(?:`[^`]+`|"[^"]+"|[^\s=<>!(),'"`]+)
          | (?:(?:attributes?|attr|run)\.)?[^\W\d]\w*
        )
      | (?P<sign><=|>=|!=|==|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)

_COMMA = re.compile(r""",(?=(?:[^`"]|`[^`]*`|"[^"]*")*\Z)""")  # not inside quotes
_SORT = re.compile(
    r"(?P<minus>-?+)\s*(?P<key>\S.*?)(?:\s+(?P<way>asc|desc))?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Field:
    """What is tested or sorted by."""

    kind: Kind
    key: str

    @property
    def numeric(self) -> bool:
        """Whether its values are always numbers."""
        return self.kind == "metric" or (
            self.kind == "attribute" and self.key in (*TIME_ATTRIBUTES, "duration")
        )


@dataclass(frozen=True, slots=True)
class Predicate:
    """One test. op: = != < <= > >= in like ilike null. values: one for a comparison, none for
    null.
    """

    field: Field
    op: str
    values: tuple[str | float, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a test."""

    item: Filter


@dataclass(frozen=True, slots=True)
class Every:
    """All of the tests."""

    items: Sequence[Filter]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the tests."""

    items: Sequence[Filter]


Filter = Predicate | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of a sort order. NaN comes after numbers, missing values last; ties: newest first,
    then by id.
    """

    field: Field
    descending: bool


def parse_filter(text: str, kinds_of: KindsOf = lambda _: ()) -> Filter | None:
    """The parsed filter; None if it is empty. kinds_of: as what the runs have a bare name. Raises
    BadRequest, which points at the error.
    """
    if len(text) > MAX_LENGTH:
        raise BadRequest(
            "The filter is too long.",
            f"It has {len(text)} characters; at most {MAX_LENGTH} are read.",
            "Use fewer tests.",
        )
    return _Parser(text, kinds_of).parse() if text.strip() else None


def parse_sort(text: str) -> tuple[Sort, ...]:
    """`-started`, `metrics.auc DESC, params.depth`: keys separated by commas, the most important
    first. `-` or DESC is descending.

    A bare name that is not an attribute is a metric. Raises BadRequest.
    """
    sorts = tuple(_sort(key) for key in _COMMA.split(text))
    fields = [item.field for item in sorts]
    if len(set(fields)) < len(fields):
        raise BadRequest(
            "The sort order names a key twice.", f"It is {text!r}.", "Name each key once."
        )
    if len(sorts) > MAX_SORTS:
        raise BadRequest(
            "The sort order has too many keys.",
            f"It has {len(sorts)}; at most {MAX_SORTS} are used.",
            "Leave out the last ones.",
        )
    return sorts


def _sort(text: str) -> Sort:
    match = _SORT.fullmatch(text.strip())
    if match is None:
        raise BadRequest("The sort order is empty.", fix=f"Sort by one of: {_FIELDS}.")
    if match["minus"] and match["way"]:
        raise BadRequest(
            f"The sort order {text.strip()!r} says its direction twice.",
            "`-` is descending, as DESC is.",
            "Leave one of them out.",
        )
    descending = bool(match["minus"]) or (match["way"] or "").lower() == "desc"
    return Sort(_sort_field(match["key"]), descending)


def _sort_field(word: str) -> Field:
    head, dot, key = word.partition(".")
    if dot and key and head in _KINDS:
        kind, name = _KINDS[head], _unwrapped(key)
        if kind != "attribute":
            return Field(kind, name)
        name = _MLFLOW_NAMES.get(name, name)
        if name not in ATTRIBUTES:
            raise BadRequest(
                f"Runs cannot be sorted by {word}.",
                "There is no such attribute.",
                f"Attributes: {', '.join(ATTRIBUTES)}.",
            )
    else:
        name = _unwrapped(word)
        name = name if name in ATTRIBUTES else _MLFLOW_NAMES.get(name, name)
    if name == "dataset":
        raise BadRequest(
            "Runs cannot be sorted by dataset.",
            "A run has several.",
            "Filter instead: dataset like 'dataset:NAME@%'.",
        )
    return Field("attribute", name) if name in ATTRIBUTES else Field("metric", name)


def _unwrapped(key: str) -> str:
    """A key without the quotes that MLflow and this language allow around it."""
    return key[1:-1] if len(key) > 2 and key[0] == key[-1] and key[0] in '`"' else key


def number_of(text: str | None) -> float | None:
    """A parameter or tag as a number; None if it is not one."""
    if text is None or "_" in text:  # Python would accept 1_000
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value else None


@lru_cache(maxsize=256)
def _pattern(like: str, fold: bool) -> re.Pattern[str]:
    expression, *later = (
        "".join("." if char == "_" else re.escape(char) for char in part)
        for part in like.split("%")
    )
    if later:
        # The first place where a middle part fits is as good as any later one. Atomic, so that it
        # is not tried again: `re` does not let other threads run.
        *middle, last = later
        expression += "".join(f"(?>.*?{part})" for part in middle if part) + f".*{last}"
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if fold else 0))


def is_like(pattern: str, fold: bool | int, text: str | None) -> bool:
    """SQL's LIKE: `%` any characters, `_` one."""
    return text is not None and _pattern(pattern, bool(fold)).fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


class _Parser:
    """Recursive descent over the tokens; every error has a position."""

    def __init__(self, text: str, kinds_of: KindsOf) -> None:
        self._text = text
        self._kinds_of = kinds_of
        self._tokens = self._read()
        self._next = 0
        self._tests = 0
        self._depth = 0

    def parse(self) -> Filter:
        result = self._some()
        if self._peek().kind != "end":
            self._fail(
                self._peek().at,
                f"{self._peek().text!r} is not expected here.",
                "Join two tests by `and` or `or`.",
            )
        return result

    def _read(self) -> list[_Token]:
        tokens, at = [], 0
        while self._text[at:].strip():
            match = _TOKEN.match(self._text, at)
            if not match:
                start = at + len(self._text[at:]) - len(self._text[at:].lstrip())
                quote = self._text[start] in "'\""
                self._fail(
                    start,
                    (
                        "The text has no end."
                        if quote
                        else f"{self._text[start]!r} is not part of a filter."
                    ),
                    "Close the quote." if quote else "Remove it.",
                )
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        return [*tokens, _Token("end", "the end", len(self._text.rstrip()))]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _accept(self, *words: str) -> str:
        token = self._peek()
        if token.kind in ("word", "sign") and token.text.lower() in words:
            self._next += 1
            return token.text.lower()
        return ""

    def _some(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(
                self._peek().at,
                f"Brackets are nested more than {MAX_DEPTH} deep.",
                "Use fewer brackets.",
            )
        items = [self._every()]
        while self._accept("or"):
            items.append(self._every())
        self._depth -= 1
        return items[0] if len(items) == 1 else Some(tuple(items))

    def _every(self) -> Filter:
        items = [self._one()]
        while self._accept("and"):
            items.append(self._one())
        return items[0] if len(items) == 1 else Every(tuple(items))

    def _one(self) -> Filter:
        negated = False
        while self._accept("not"):
            negated = not negated
        if self._accept("("):
            result = self._some()
            if not self._accept(")"):
                self._fail(self._peek().at, "A bracket is not closed.", "Add `)`.")
        else:
            result = self._test()
        return Not(result) if negated else result

    def _test(self) -> Filter:
        self._tests += 1
        if self._tests > MAX_TESTS:
            self._fail(
                self._peek().at, f"More than {MAX_TESTS} tests.", "Use `in (…)` for several values."
            )
        field = self._field()
        if self._accept("is"):
            negated = bool(self._accept("not"))
            if not self._accept("null"):
                self._fail(
                    self._peek().at,
                    "`is` goes with `null` or `not null`.",
                    "Write `is null`, or compare by `=`.",
                )
            return Not(Predicate(field, "null")) if negated else Predicate(field, "null")
        negated = bool(self._accept("not"))
        if op := self._accept("like", "ilike"):
            test: Filter = Predicate(field, op, (self._pattern_text(field),))
        elif self._accept("in"):
            test = Predicate(field, "in", self._list(field))
        elif not negated and (op := self._accept("=", "==", "!=", "<", "<=", ">", ">=")):
            test = Predicate(field, "=" if op == "==" else op, (self._value(field),))
        else:
            self._fail(
                self._peek().at,
                f"A test of {field.key} is expected here.",
                "Use one of: = != < <= > >= in like ilike is null.",
            )
        return Not(test) if negated else test

    def _field(self) -> Field:
        token = self._take()
        if token.kind != "word":
            self._fail(
                token.at, f"A field is expected here, not {token.text}.", f"Fields: {_FIELDS}."
            )
        head, dot, key = token.text.partition(".")
        if dot and _KINDS[head] != "attribute":
            return Field(_KINDS[head], _unwrapped(key))
        name = (key if dot else head).lower()
        name = name if name in ATTRIBUTES else _MLFLOW_NAMES.get(name, name)
        return Field("attribute", name) if name in ATTRIBUTES else self._bare(token, key or head)

    def _bare(self, token: _Token, name: str) -> Field:
        """A name without its kind, if it is of one kind only."""
        found = self._kinds_of(name) if name == token.text else ()
        if len(found) != 1:
            *words, last = (f"{kind}s.{name}" for kind in found or ("metric", "param", "tag"))
            end = "." if found else f"; or one of {', '.join(ATTRIBUTES)}."
            why = f"{token.text!r} is {f'{len(found)} fields' if found else 'not a field'}."
            self._fail(token.at, why, f"Write {', '.join(words)} or {last}{end}")
        return Field(found[0], name)

    def _list(self, field: Field) -> tuple[str | float, ...]:
        if not self._accept("("):
            self._fail(self._peek().at, "`in` needs a list.", "Write in ('a', 'b').")
        values = [self._value(field)]
        while self._accept(","):
            values.append(self._value(field))
        if not self._accept(")"):
            self._fail(self._peek().at, "The list is not closed.", "Add `)`.")
        return tuple(values)

    def _pattern_text(self, field: Field) -> str:
        token = self._take()
        if token.kind != "text" or field.numeric:
            why = f"{field.key} is a number." if field.numeric else "`like` needs a text in quotes."
            self._fail(token.at, why, "Compare numbers by = < >; write texts as 'part%'.")
        text = _unquoted(token.text)
        if len(text) > MAX_PATTERN:
            self._fail(
                token.at,
                f"The text after `like` has {len(text)} characters; at most {MAX_PATTERN} are"
                " read.",
                "Look for a part of it.",
            )
        return text

    def _value(self, field: Field) -> str | float:
        token = self._take()
        if token.kind not in ("number", "text"):
            self._fail(
                token.at,
                f"A number or a text in quotes is expected here, not {token.text}.",
                (
                    f"Write '{token.text}' for a text."
                    if token.kind == "word"
                    else "Write one, as in metrics.auc > 0.7 or name = 'night'."
                ),
            )
        if field.kind == "attribute":
            return self._attribute_value(field, token)
        if token.kind == "number":
            return float(token.text)
        if field.kind == "metric":
            self._fail(
                token.at,
                f"Metric {field.key} is a number, {token.text} is a text.",
                "Leave the quotes out.",
            )
        return _unquoted(token.text)

    def _attribute_value(self, field: Field, token: _Token) -> str | float:
        if field.key in TIME_ATTRIBUTES:
            return self._time(token)
        if field.key == "duration":
            if token.kind != "number":
                self._fail(token.at, "A duration is a number of seconds.", "Write duration > 60.")
            return float(token.text)
        text = _unquoted(token.text) if token.kind == "text" else token.text
        if field.key == "status" and text.lower() not in STATUSES:
            self._fail(token.at, f"There is no status {text!r}.", f"One of: {', '.join(STATUSES)}.")
        return text.lower() if field.key == "status" else text

    def _time(self, token: _Token) -> float:
        try:
            moment = (
                datetime.fromisoformat(_unquoted(token.text))
                if token.kind == "text"
                else datetime.fromtimestamp(float(token.text) / 1000, UTC)
            )
        except (ValueError, OverflowError, OSError):
            self._fail(
                token.at,
                f"{token.text} is not a time.",
                "Write '2026-11-24' or '2026-11-24T10:30', in UTC, or milliseconds since 1970.",
            )
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000

    def _fail(self, at: int, why: str, fix: str) -> NoReturn:
        line = re.sub(r"\s", " ", self._text)  # one line, so that the caret is below the error
        raise BadRequest(
            f"The filter cannot be read at character {at + 1}.", f"{why}\n{line}\n{' ' * at}^", fix
        )


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)
