"""Fields of JSON that hold values of several kinds: which kind counts, which rows are odd, and what
becomes text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from .reading import say

if TYPE_CHECKING:
    import polars as pl

_TEXT, _NUMBER, _TRUTH, _LIST, _OBJECT = "text", "number", "truth", "list", "object"
_KINDS = {str: _TEXT, int: _NUMBER, float: _NUMBER, bool: _TRUTH, list: _LIST, dict: _OBJECT}
_WORDS = {
    _TEXT: "texts",
    _NUMBER: "numbers",
    _TRUTH: "true or false",
    _LIST: "lists",
    _OBJECT: "objects",
}
_ELEMENTS = ""
"""The name of what is in a list; its place in an object is never asked."""


@dataclass(slots=True)
class _Node:
    """What one field holds. counts: by kind. first: the line of the first value of each. wanted:
    the kind that counts, where there are others.
    """

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    below: dict[str, _Node] = field(default_factory=dict)
    wanted: str = ""


class Kinds:
    """The kinds of values in the fields of a file. A field with texts among its values is text, and
    so is one that is asked to be: its other values are written as JSON. Elsewhere the kind of most
    values counts, and rows with another are odd.
    """

    def __init__(self, file: str, types: Mapping[str, str]) -> None:
        """types: short words that are asked for, by field."""
        self._file = file
        self._asked = {name: _asked(word) for name, word in types.items()}
        self._root = _Node()
        self._odd: list[str] = []

    @property
    def odd(self) -> str:
        """A field with odd values; empty if there is none."""
        return next(iter(self._odd), "")

    def add(self, value: Mapping[str, Any], line: int) -> None:
        """Count the values of an object."""
        _count(self._root, value, line)

    def decide(self) -> None:
        """After all are counted. Raises Unprocessable for a field of which no kind counts."""
        for name, node in self._root.below.items():
            self._decide(name, node, column=name, asked=self._asked.get(name, ""))
        self._root.below = _unsettled(self._root)

    def judge(self, value: dict[str, Any]) -> tuple[str, bool]:
        """Why an object is odd; empty if it is not, and whether values of it became text."""
        return _judge(self._root, value)

    def _decide(self, name: str, node: _Node, *, column: str, asked: str = "") -> None:
        scalars = {_TEXT, _NUMBER, _TRUTH}
        kinds = node.counts.keys()
        if asked == _TEXT or (_TEXT in kinds and (not asked or not kinds <= scalars)):
            node.wanted, node.below = _TEXT if kinds - {_TEXT} else "", {}
            return
        if len(kinds) > 1 and not (asked and kinds <= {asked, _TEXT}):
            most = max(kinds, key=lambda kind: node.counts[kind])
            if not asked and 2 * node.counts[most] <= sum(node.counts.values()):
                raise self._mixed(name, node, column)
            node.wanted = asked or most
            self._odd.append(column)
        for part, below in node.below.items():
            self._decide(f"{name}.{part}" if part else name, below, column=column)

    def _mixed(self, name: str, node: _Node, column: str) -> Unprocessable:
        found = [
            f"{_WORDS[kind]} ({count:,}, the first in line {node.first[kind]})"
            for kind, count in node.counts.items()
        ]
        return Unprocessable(
            f"{self._file} mixes types that no column can hold.",
            f"Field {name!r} has {' and '.join(found)}.",
            f"Give each field one type, or say {say('schema', f'{column}=str')} to keep the values"
            " as JSON text; nothing was committed.",
        )


def mixes(left: pl.DataType, right: pl.DataType) -> bool:
    """Whether two blocks of rows hold values of kinds that are not one: a library would make others
    of them, such as 1 of `true`.
    """
    import polars as pl

    null, text = pl.Null(), pl.String()
    if left == right or null in (left, right):
        return False
    if isinstance(left, pl.Struct) and isinstance(right, pl.Struct):
        others = dict(right)
        # Types within others are instances, see dtypes.
        return any(mixes(dtype, others[name]) for name, dtype in left if name in others)  # type: ignore[arg-type]
    if isinstance(left, pl.List) and isinstance(right, pl.List):
        return mixes(left.inner, right.inner)  # type: ignore[arg-type]  # an instance, see dtypes
    if left.is_nested() or right.is_nested():
        return True
    return text not in (left, right) and pl.Boolean() in (left, right)


def _asked(word: str) -> str:
    if word == "bool":
        return _TRUTH
    is_number = word in ("i32", "i64", "f32", "f64") or word.startswith("dec")
    return _NUMBER if is_number else _TEXT


def _count(node: _Node, value: Any, line: int) -> None:
    items = value.items() if type(value) is dict else ((_ELEMENTS, element) for element in value)
    for name, item in items:
        if item is None:
            continue
        kind = _KINDS[type(item)]
        below = node.below.get(name)
        if below is None:
            below = node.below[name] = _Node()
        below.counts[kind] = below.counts.get(kind, 0) + 1
        below.first.setdefault(kind, line)
        if kind in (_LIST, _OBJECT):
            _count(below, item, line)


def _unsettled(node: _Node) -> dict[str, _Node]:
    """The fields that have to be looked at in each row."""
    found = {}
    for name, below in node.below.items():
        below.below = _unsettled(below)
        if below.wanted or below.below:
            found[name] = below
    return found


def _judge(node: _Node, value: Any) -> tuple[str, bool]:
    changed = False
    for name, below in node.below.items():
        places = range(len(value)) if type(value) is list else (name,) if name in value else ()
        for place in places:
            item = value[place]
            if item is None:
                continue
            kind = _KINDS[type(item)]
            if below.wanted == _TEXT:
                if kind != _TEXT:
                    value[place], changed = json.dumps(item, ensure_ascii=False), True
                continue
            if below.wanted and kind != below.wanted:
                word = json.dumps(item, ensure_ascii=False)
                where = f"field {name!r}" if name else "a list"
                return f"{word:.100} in {where}, which has {_WORDS[below.wanted]}", changed
            if kind in (_LIST, _OBJECT):
                reason, is_new = _judge(below, item)
                changed |= is_new
                if reason:
                    return reason, changed
    return "", changed
