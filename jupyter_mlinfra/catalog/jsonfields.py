"""The keys of JSON objects: how many different ones a file has, and which an object has twice."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..core.errors import TooLarge
from .jsontables import hint_of_names

if TYPE_CHECKING:
    import polars as pl

_DEPTH = 100
_KEY = re.compile(rb'"\s*:')
"""The end of a key; a text may look like one too."""


DEEPEST = 60
"""Levels of lists and objects that a column may have: Arrow hands on 64 at most."""
_DEEPEST_TEXT = 500
"""Levels that a library may be asked to read; at about 900 it ends the process."""


class Mixed(NamedTuple):
    """How many of the values of a field are texts, and the first of these."""

    texts: int
    values: int
    word: str


class Fields:
    """The names of fields that were seen, those within fields too. A library that makes columns of
    them takes minutes for some ten thousand.
    """

    def __init__(self, file: str, most: int) -> None:
        self._file, self._most = file, most
        self._seen: dict[str, Any] = {}
        self._count = 0
        self._texts: dict[str, int] = {}
        self._others: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def add(self, value: Mapping[str, Any]) -> int:
        """Count the names of an object; returns how many keys it has, with those of the objects
        within it. Raises TooLarge if there are too many names.
        """
        keys = self._add(value, self._seen)
        self._count_kinds(value)
        if self._count > self._most:
            raise TooLarge(
                f"{self._file} has over {self._most:,} different field names.",
                "Each of them would be a column, or a part of one.",
                "If the names are values (such as ids), write the pairs as a list of objects with"
                " name and value; else set json_columns in the section [catalog] of mlinfra.toml."
                f" {hint_of_names(self._file)}",
            )
        return keys

    def in_order(self, types: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
        """The columns, and the fields within them, in the order of the objects: Polars mixes up
        those of wide objects.
        """
        return _in_order(types, self._seen)

    def among_others(self) -> dict[str, Mixed]:
        """The fields of the objects themselves that hold texts and other values, which are then
        text too.
        """
        return {
            name: Mixed(texts, texts + self._others[name], self._first[name])
            for name, texts in self._texts.items()
            if name in self._others
        }

    def _count_kinds(self, value: Mapping[str, Any]) -> None:
        texts, others = self._texts, self._others
        for name, item in value.items():
            if type(item) is str:
                if name not in texts:
                    texts[name], self._first[name] = 0, item
                texts[name] += 1
            elif item is not None:
                others[name] = others.get(name, 0) + 1

    def _add(self, value: Mapping[str, Any], seen: dict[str, Any], depth: int = 0) -> int:
        if new := value.keys() - seen.keys():
            seen.update((name, {}) for name in value if name in new)
            self._count += len(new)
        keys = len(value)
        if depth == _DEPTH:
            return keys
        for name, item in value.items():
            if type(item) is dict:
                keys += self._add(item, seen[name], depth + 1)
            elif type(item) is list:
                for element in item:
                    if type(element) is dict:
                        keys += self._add(element, seen[name], depth + 1)
        return keys


def _in_order(types: Mapping[str, pl.DataType], seen: Mapping[str, Any]) -> dict[str, pl.DataType]:
    names = [
        *(name for name in seen if name in types),
        *(name for name in types if name not in seen),
    ]
    return {name: _with_order(types[name], seen.get(name, {})) for name in names}


def _with_order(dtype: pl.DataType, seen: Mapping[str, Any]) -> pl.DataType:
    import polars as pl

    if isinstance(dtype, pl.Struct):
        fields = {field.name: cast("pl.DataType", field.dtype) for field in dtype.fields}
        return pl.Struct(_in_order(fields, seen))
    if isinstance(dtype, pl.List):
        return pl.List(_with_order(cast("pl.DataType", dtype.inner), seen))
    return dtype


class Repeats:
    """A decoder of JSON that notes a key which is twice in one object."""

    def __init__(self) -> None:
        self._key = ""
        self.decoder = json.JSONDecoder(object_pairs_hook=self._object)

    def taken(self) -> str:
        """The first such key since this was last asked; empty if there was none."""
        key, self._key = self._key, ""
        return key

    def _object(self, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs) and not self._key:
            names = [name for name, _ in pairs]
            self._key = next(name for name in names if names.count(name) > 1)
        return found


def too_deep(line: bytes, value: Mapping[str, Any], texts: Collection[str]) -> str:
    """The field of an object that no column can hold; empty if there is none. texts: fields that
    are kept as text.
    """
    if line.count(b"[") + line.count(b"{") <= DEEPEST:
        return ""
    for name, item in value.items():
        most = _DEEPEST_TEXT if name in texts else DEEPEST
        if _depth(item) > most:
            return name
    return ""


def _depth(value: Any) -> int:
    """How many levels of lists and objects there are."""
    level, depth = [value], -1
    while level:
        depth += 1
        level = [
            part
            for item in level
            if type(item) in (dict, list)
            for part in (item.values() if type(item) is dict else item)
        ]
    return depth


def repeated_key(line: bytes, keys: int) -> str:
    """A key that is twice in one object of the line; empty if there is none. keys: how many are
    left of those in the line.
    """
    if len(_KEY.findall(line)) == keys:
        return ""
    repeats = Repeats()
    with contextlib.suppress(RecursionError):
        repeats.decoder.decode(line.decode())
    return repeats.taken()
