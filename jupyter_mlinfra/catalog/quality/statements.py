"""Rules in SQL: a SELECT whose answer has the rows that fail, or one value that is compared:
`SELECT count(*) FROM shop.orders WHERE price < 0 must be 0`.

Sources: dbt's singular tests (rows that fail), ODCS 3.1 `type: sql` (one value).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from ...core.errors import BadRequest, Unprocessable
from ..querying import words
from ..querying.words import Named, Token, quoted

Bound = int | float | bool

LONGEST_SQL = 10_000
"""Signs of a rule in SQL."""

_OBJECT = frozenset({"object", "table", "model", "dataset", "batch"})
_PROPERTY = frozenset({"property", "column", "field"})
"""Words in braces, as data contracts and Great Expectations have them."""
_BEGINS = frozenset({"select", "with", "from"})
NUMBER = r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_MUST = re.compile(
    rf"\bmust\s+(?P<no>not\s+)?be\s+(?:between\s+(?P<low>{NUMBER})\s+and\s+(?P<high>{NUMBER})"
    rf"|(?P<sign>>=|<=|>|<|==?)?\s*(?P<value>{NUMBER}|true|false))\s*;?\s*\Z",
    re.IGNORECASE,
)
SIGNS = {
    ">": "mustBeGreaterThan",
    ">=": "mustBeGreaterOrEqualTo",
    "<": "mustBeLessThan",
    "<=": "mustBeLessOrEqualTo",
}
_FIX = "For example: SELECT count(*) FROM {object} WHERE price < 0 must be 0"


@dataclass(frozen=True, slots=True)
class Must:
    """What one value must be. operator: as data contracts call it. bounds: one value, or the lowest
    and the highest.
    """

    operator: str
    bounds: tuple[Bound, ...]

    def holds(self, value: object) -> bool:
        """Whether a value is as it must be. Raises Unprocessable for one that is no number and
        neither true nor false.
        """
        if not isinstance(value, int | float | Decimal):
            what = "nothing (NULL)" if value is None else "text or something else"
            raise Unprocessable(
                f"The answer is {what}.", "Only a number, or true or false, can be compared."
            )
        if isinstance(value, float) and math.isnan(value):
            return False
        low, high = (_like(bound, value) for bound in (self.bounds[0], self.bounds[-1]))
        match self.operator:
            case "mustBe":
                return bool(value == low)
            case "mustNotBe":
                return bool(value != low)
            case "mustBeGreaterThan":
                return bool(value > low)
            case "mustBeGreaterOrEqualTo":
                return bool(value >= low)
            case "mustBeLessThan":
                return bool(value < low)
            case "mustBeLessOrEqualTo":
                return bool(value <= low)
            case "mustBeBetween":
                return bool(low <= value <= high)
            case "mustNotBeBetween":
                return not low <= value <= high
        raise AssertionError(self.operator)

    @property
    def text(self) -> str:
        """Its words, which `select_of` reads."""
        written = [str(bound).lower() for bound in self.bounds]
        match self.operator:
            case "mustBe" | "mustNotBe":
                said = written[0]
            case "mustBeBetween" | "mustNotBeBetween":
                said = f"between {written[0]} and {written[1]}"
            case _:
                signs = {operator: sign for sign, operator in SIGNS.items()}
                said = f"{signs[self.operator]} {written[0]}"
        no = "not " if self.operator.startswith("mustNot") else ""
        return f"must {no}be {said}"


@dataclass(frozen=True)
class Select:
    """A query with no row in its answer; or with one value, which is as it must be. query: may say
    `{object}` for its dataset.
    """

    query: str
    must: Must | None = None
    columns: tuple[str, ...] = ()
    """None: it is about the dataset as a whole."""

    @cached_property
    def _tokens(self) -> list[Token]:
        return words.tokens(self.query)

    def filled(self, dataset: str) -> str:
        """The query with the name of its dataset, in double quotes, in place of `{object}`."""
        name = ".".join(map(quoted, dataset.split(".")))
        return filled(self.query, dict.fromkeys(_OBJECT, name))

    def tables(self, dataset: str) -> set[str]:
        """The tables that it may read, its own dataset among them."""
        found = words.tables(words.tokens(self.filled(dataset)))
        return {dataset, *(named.text for named in found)}

    def named(self, columns: Collection[str]) -> set[str]:
        """Those of these columns that it names; by `*` it names none."""
        names = {token.name.lower() for token in self._tokens if token.kind in ("word", "quoted")}
        return {column for column in columns if column.lower() in names}

    @property
    def text(self) -> str:
        """Its words, which `select_of` reads."""
        if self.must is None:
            return self.query
        blank = "\n" if "--" in self.query.rpartition("\n")[2] else " "  # not into a comment
        return f"{self.query}{blank}{self.must.text}"


def select_of(text: str) -> Select | None:
    """The rule that a text is; None for one that is no SQL. Raises BadRequest for a query that no
    rule can be.
    """
    found = words.tokens(text)
    first = next((token for token in found if token.text != "("), None)
    if first is None or first.low not in _BEGINS or all(token.low != "from" for token in found):
        return None
    query, must = text, None
    if (match := _MUST.search(text)) and any(token.start == match.start() for token in found):
        query, must = text[: match.start()], _must(match)
    elif any(token.low == "must" and after.low in ("be", "not") for token, after in _pairs(found)):
        raise BadRequest(
            "It is not clear what the value must be.",
            "After `must be` stands a number, a comparison, or a range.",
            "must be 0, must be >= 10, must not be 5, must be between 1 and 2, must be true",
        )
    return made(query, must)


def made(query: str, must: Must | None) -> Select:
    """The rule of a query. Raises BadRequest for one with a parameter, or that names a column by
    `{property}`.
    """
    query = query.strip().rstrip(";").rstrip()
    found = words.tokens(query)
    words.check_select(found)
    for token, after in _pairs(found):
        if token.text == "{" and after.low in _PROPERTY:
            raise BadRequest(
                f"{{{after.text}}} stands for no column here.",
                "Only a rule of one column in a data contract has one.",
                "Write the name of the column.",
            )
        if token.text == "$" and after.text != "{":
            raise BadRequest(
                f"The rule has a parameter: ${after.text[:40]}.",
                "A rule is asked as it is.",
                "Write the value itself.",
            )
    return Select(query, must)


def with_column(query: str, column: str | None) -> str:
    """A query of a data contract with the name of its column, in double quotes, in place of
    `{property}`.
    """
    return query if column is None else filled(query, dict.fromkeys(_PROPERTY, quoted(column)))


def filled(query: str, meanings: Mapping[str, str]) -> str:
    """A query with other words for `{word}` or `${word}`, but not in texts and comments."""
    found = words.tokens(query)
    places = [
        (_start(found, index), found[index + 2].end, meanings[word.low])
        for index, (first, word) in enumerate(_pairs(found)[:-1])
        if first.text == "{" and word.low in meanings and found[index + 2].text == "}"
    ]
    return words.replaced(query, iter(places))


def own(dataset: str, query: str) -> Named:
    """A dataset that a query may call by its last name alone."""
    return Named(parts=tuple(dataset.split(".")), start=len(query), end=len(query))


def _start(found: list[Token], index: int) -> int:
    """Where `{`, or the `$` before it, stands."""
    before = found[index - 1] if index else None
    is_dollar = before is not None and before.text == "$" and before.end == found[index].start
    return before.start if before is not None and is_dollar else found[index].start


def _pairs(found: list[Token]) -> list[tuple[Token, Token]]:
    return list(pairwise(found))


def _must(match: re.Match[str]) -> Must:
    no = "mustNot" if match["no"] else "must"
    if match["low"]:
        return Must(f"{no}BeBetween", (_bound(match["low"]), _bound(match["high"])))
    sign = (match["sign"] or "=").replace("==", "=")
    if sign != "=" and match["no"]:
        raise BadRequest("`must not be` goes with a value or a range.", fix=_FIX)
    return Must(SIGNS.get(sign, f"{no}Be"), (_bound(match["value"]),))


def _bound(text: str) -> Bound:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    value = float(text)
    if not math.isfinite(value):
        raise BadRequest(f"{text[:40]} is too large to be compared.")
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else value


def _like(bound: Bound, value: float | Decimal) -> float | Decimal:
    """A bound as a value is counted: 0.1 is one tenth to a decimal."""
    return Decimal(str(bound)) if isinstance(value, Decimal) and isinstance(bound, float) else bound
