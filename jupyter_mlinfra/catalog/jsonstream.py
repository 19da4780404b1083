"""JSON text value by value: of a file of any size, one element of an array is in memory at once."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import IO

from ..core.errors import TooLarge

_BLOCK = 1 << 20
LARGEST = 256 << 20
"""Signs of the largest value that is read as a whole."""

_NEAR = 1 << 12
"""Signs from the end of what was read within which an error may mean that more has to be read."""
_BETWEEN = re.compile(r"[\s,]*")
_FLAT = re.compile(r'\{[^{}\[\]"]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^{}\[\]"]*)*\}', re.DOTALL)
"""An object without others and without lists in it; one that is amiss does not stop the others."""
_DECODER = json.JSONDecoder()


class NoObjectError(ValueError):
    """A value that is no object, where the rows are those of a list within objects."""


class CutOffError(ValueError):
    """The text ends within a value."""


class Values:
    """The values of a text in UTF-8, from where `handle` is. name: of the file, for errors."""

    def __init__(self, handle: IO[bytes], name: str) -> None:
        self._handle, self._name = handle, name
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text, self._at, self._final = "", 0, False

    def sign(self) -> str:
        """The first sign of what follows, but blanks and commas; empty at the end."""
        while True:
            if found := _BETWEEN.match(self._text, self._at):
                self._at = found.end()
            if self._at < len(self._text) or self._final:
                return self._text[self._at : self._at + 1]
            self._more()

    def value(self) -> str:
        """The text of the value that follows. Raises CutOffError, or ValueError for no value."""
        self.sign()
        while (end := self._end()) is None:
            self._more()
        text, self._at = self._text[self._at : end], end
        return text

    def elements(self) -> Iterator[str]:
        """The values of the array that follows. Raises as `value`."""
        for _ in self.starts():
            yield self.value()

    def starts(self) -> Iterator[str]:
        """The first sign of each value of the array that follows; whoever gets one takes the value
        before the next one. Raises as `value`.
        """
        self._at += 1
        while (sign := self.sign()) != "]":
            if not sign:
                raise CutOffError("it ends within an array")
            yield sign
        self._at += 1

    def members(self) -> Iterator[str]:
        """The names in the object that follows; whoever gets one takes its value before the next
        one. Raises as `value`.
        """
        self._at += 1
        while (sign := self.sign()) != "}":
            if not sign:
                raise CutOffError("it ends within an object")
            name = json.loads(self.value())
            if not isinstance(name, str) or self.sign() != ":":
                raise ValueError(f"an object has {str(name)[:40]!r} where a name belongs")
            self._at += 1
            yield name
        self._at += 1

    def skip(self) -> None:
        """Pass over the value that follows, however large it is."""
        sign = self.sign()
        if sign == "[":
            for _ in self.elements():
                pass
        elif sign == "{":
            for _ in self.members():
                self.skip()
        else:
            self.value()

    def _end(self) -> int | None:
        """Where the value that follows ends; None if more has to be read first."""
        try:
            _, end = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            near_end = error.pos > len(self._text) - _NEAR or error.msg.startswith("Unterminated")
            if near_end and not self._final:
                return None
            if flat := _FLAT.match(self._text, self._at):
                return flat.end()
            raise (CutOffError(str(error)) if near_end else error) from None
        # A number may go on behind what was read.
        return end if end < len(self._text) or self._final else None

    def _more(self) -> None:
        if self._final:
            raise CutOffError("it ends within a value")
        rest = self._text[self._at :]
        # What is cut off is read again from its beginning, so each read is as long as that.
        size = max(_BLOCK, len(rest))
        data = self._handle.read(size)
        self._final = len(data) < size
        self._text, self._at = rest + self._decoder.decode(data, self._final), 0
        if len(self._text) > LARGEST:
            raise TooLarge(
                f"{self._name} has a value of over {LARGEST >> 20} MiB.",
                "Or it is not JSON from there on.",
                "Write one object per line (.jsonl).",
            )


class RowsWithin:
    """The rows of objects that have them in a list; the objects follow one another or are in an
    array. path: the field of that list, with a dot
    between the names of fields that are within others. fields: those that were seen instead.
    """

    def __init__(self, values: Values, path: str) -> None:
        self._values, self._path = values, path
        self.found = False
        self.fields: list[str] = []

    def __iter__(self) -> Iterator[str]:
        values = self._values
        if values.sign() != "[":
            yield from self._of(iter(values.sign, ""))
            return
        yield from self._of(values.starts())
        if values.sign():
            raise ValueError("something follows the array")

    def _of(self, signs: Iterable[str]) -> Iterator[str]:
        for sign in signs:
            if sign != "{":
                raise NoObjectError(f"{self._values.value()[:40]} is no object")
            yield from self._below(self._path)

    def _below(self, path: str) -> Iterator[str]:
        values = self._values
        for name in values.members():
            sign = values.sign()
            if name == path and sign in "[n":
                self.found = True
                if sign == "[":
                    yield from values.elements()
                    continue
            elif path.startswith(f"{name}.") and sign == "{":
                yield from self._below(path[len(name) + 1 :])
                continue
            if len(self.fields) < _SHOWN and name not in self.fields:
                self.fields.append(name)
            values.skip()


_SHOWN = 20


def list_within(text: IO[bytes], name: str) -> tuple[str, bool] | None:
    """The field with the longest list of objects in the one object that a text is, and whether the
    text ends within that object. None if there is no such list, or if another value follows. name:
    of the file.
    """
    values, found = Values(text, name), dict[str, int]()
    if values.sign() != "{":
        return None
    is_cut = False
    try:
        _count_lists(values, "", found)
        if values.sign():
            return None
    except CutOffError:
        is_cut = True
    except (ValueError, RecursionError):
        return None
    best = max(found, key=lambda path: found[path], default="")
    return (best, is_cut) if found.get(best, 0) > 1 else None


def _count_lists(values: Values, above: str, found: dict[str, int]) -> None:
    for name in values.members():
        path, sign = above + name, values.sign()
        if sign == "{":
            _count_lists(values, f"{path}.", found)
        elif sign == "[":
            for element in values.elements():
                if element[:1] == "{":
                    found[path] = found.get(path, 0) + 1
        else:
            values.value()


def is_spread(head: bytes, handle: IO[bytes], *, cut: bool) -> bool:
    """Whether a file begins with an object that goes on behind its first line. head: its beginning.
    cut: there is more behind it.
    """
    import orjson

    text = head.decode(errors="ignore").lstrip()
    if not text.startswith("{"):
        return False
    lines = iter(lambda: handle.readline(LARGEST), b"")
    first = next((line for line in lines if line.strip()), b"")
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        if _has_rubbish(first.decode(errors="replace").strip()):
            return False
        return _begins_with_object(text, cut=cut)
    return False


def _has_rubbish(line: str) -> bool:
    """Whether a line has a whole object, and behind it what is none."""
    try:
        _, end = _DECODER.raw_decode(line)
    except (json.JSONDecodeError, RecursionError):
        return False
    return line[end:].lstrip(" \t,")[:1] not in ("", "{")


def _begins_with_object(text: str, *, cut: bool) -> bool:
    """Whether a text begins with an object. cut: the object may end behind the text."""
    try:
        _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        near_end = error.pos > len(text) - _NEAR or error.msg.startswith("Unterminated")
        return cut and near_end
    except RecursionError:
        return False
    return True
