"""The keys of JSON objects: how many different ones a file has, and which an object has twice."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import TooLarge

_DEPTH = 100
_KEY = re.compile(rb'"\s*:')
"""The end of a key; a text may look like one too."""


class Fields:
    """The names of fields that were seen, those within fields too. A library that makes columns of
    them takes minutes for some ten thousand.
    """

    def __init__(self, file: str, most: int) -> None:
        self._file, self._most = file, most
        self._seen: dict[str, Any] = {}
        self._count = 0

    def add(self, value: Mapping[str, Any]) -> int:
        """Count the names of an object; returns how many keys it has, with those of the objects
        within it. Raises TooLarge if there are too many names.
        """
        keys = self._add(value, self._seen)
        if self._count > self._most:
            raise TooLarge(
                f"{self._file} has over {self._most:,} different field names.",
                "Each of them would be a column, or a part of one.",
                "If the names are values (such as ids), write the pairs as a list of objects with"
                " name and value; else set json_columns in the section [catalog] of mlinfra.toml.",
            )
        return keys

    def _add(self, value: Mapping[str, Any], seen: dict[str, Any], depth: int = 0) -> int:
        for name in value.keys() - seen.keys():
            seen[name] = {}
            self._count += 1
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
