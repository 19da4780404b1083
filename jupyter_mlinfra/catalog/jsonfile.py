"""JSON as blocks of rows: one object per line, objects that are written over several lines, or one
array of objects. What is not an object is set aside.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from ..core.errors import TooLarge, Unprocessable
from .names import column_names
from .quarantine import MOST, too_many
from .text import Text

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 20_000
_SEPARATORS = re.compile(r"[\s,]*")  # elements of an array
_LARGEST_ARRAY = 256 << 20
_LONG_NUMBER = re.compile(rb"\d{19}")
_DEPTH = 100
_HEAD = 1 << 16
_NEAR = 1 << 12
"""Signs from the end of the head within which an error means that an object is cut off there."""


class JsonFile:
    """One JSON file whose bytes are known to be UTF-8; not `whole` if they are only its beginning.

    header: the names as they are in the file. most_columns: fields of all objects together, those
    within fields too; more are refused. `torn` holds (line, reason, text) of what was set aside;
    blank lines count as lines.
    """

    def __init__(self, text: Text, *, complete: bool = True, most_columns: int = 5000) -> None:
        self._text = text
        self._complete = complete
        self._fields: _Fields | None = _Fields(text.path.name, most_columns)
        self.torn: list[tuple[int, str, str]] = []
        self._skipped: list[int] = []
        self._schema = self._merge_schemas()
        self._fields = None  # they are counted
        self.header = list(self._schema)
        names = column_names(self.header, text.path.name)
        self.columns = dict(zip(names, self._schema.values(), strict=True))

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file, all of the same columns and types."""
        import polars as pl

        empty = pl.DataFrame(schema=self._schema)
        for block in self._blocks():
            frame = pl.concat([empty, self._parse(block)], how="diagonal_relaxed")
            yield frame.rename(dict(zip(self._schema, self.columns, strict=True)))

    @property
    def share(self) -> float:
        """How much of the file `frames` has read."""
        return self._text.share

    def line(self, row: int) -> int:
        """The line (in an array: the place) of row `row` of the frames, counted from 0."""
        rows_before = [number - index for index, number in enumerate(self._skipped)]
        return row + 1 + bisect_right(rows_before, row + 1)

    def _merge_schemas(self) -> dict[str, pl.DataType]:
        import polars as pl

        merged = pl.DataFrame()
        for block in self._blocks():
            try:
                merged = pl.concat([merged, self._parse(block).clear()], how="diagonal_relaxed")
            except pl.exceptions.PolarsError as error:
                raise self._mixed_types(error) from error
        if self._complete and not self.torn and not merged.columns:
            raise Unprocessable(
                f"{self._text.path.name} has no columns.",
                "All its objects are empty, or it has none.",
                "Fetch the file again; nothing was committed.",
            )
        return dict(merged.schema)

    def _parse(self, block: list[bytes]) -> pl.DataFrame:
        import polars as pl

        try:
            frame = pl.read_ndjson(io.BytesIO(b"\n".join(block)), infer_schema_length=None)
        except pl.exceptions.PolarsError as error:
            raise self._mixed_types(error) from error
        if frame.height != len(block):
            raise self._mixed_types(f"{len(block)} objects gave {frame.height} rows")
        return frame

    def _blocks(self) -> Iterator[list[bytes]]:
        import orjson

        self.torn.clear()
        self._skipped.clear()
        block: list[bytes] = []
        for number, line in self._lines():
            try:
                value = orjson.loads(line)
                reason = "" if isinstance(value, dict) else "not a JSON object"
            except orjson.JSONDecodeError as error:
                reason = f"not JSON: {error}" if line.strip() else "blank"
            if reason:
                self._skipped.append(number)
                if reason != "blank":
                    self.torn.append((number, reason, line.decode(errors="replace")))
                    if len(self.torn) > MOST:
                        raise too_many(
                            self._text.path.name, f"line {self.torn[0][0]}", self.torn[0][1]
                        )
                continue
            if self._fields is not None:
                self._fields.add(value)
            block.append(line)
            if len(block) == _BLOCK:
                yield block
                block = []
        if block:
            yield block

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        handle = self._text.rewound()
        mark = handle.read(3)
        handle.seek(3 if mark == b"\xef\xbb\xbf" else 0)
        start = handle.tell()
        head = handle.read(_HEAD)
        handle.seek(start)
        is_spread = _is_spread(head, handle)
        handle.seek(start)
        if head.lstrip()[:1] == b"[":
            yield from enumerate(self._elements(handle), 1)
        elif is_spread:
            yield from enumerate(map(_dump, self._objects(handle)), 1)
        else:
            yield from ((number, line.rstrip(b"\r\n")) for number, line in enumerate(handle, 1))

    def _elements(self, handle: Any) -> Iterator[bytes]:
        name = self._text.path.name
        data = handle.read(_LARGEST_ARRAY + 1)
        if len(data) > _LARGEST_ARRAY:
            raise TooLarge(
                f"{name} is too large for one JSON array.",
                f"It has over {_LARGEST_ARRAY >> 20} MiB.",
                "Write one object per line (.jsonl).",
            )
        if not self._complete:
            return map(_dump, _beginning(data.decode(errors="ignore")))
        try:
            elements, dumps = _load(data)
        except (ValueError, RecursionError) as error:
            raise self._no_json(error) from error
        return map(dumps, elements)

    def _objects(self, handle: Any) -> Iterator[Any]:
        """Values that follow one another, each over several lines. Raises Unprocessable for what is
        none.
        """
        decoder, decode = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")()
        text, size, final = "", _HEAD, False
        while not final:
            data = handle.read(size)
            final = len(data) < size
            text += decode.decode(data, final)
            position = _start(text, 0)
            while position < len(text):
                try:
                    value, end = decoder.raw_decode(text, position)
                except (ValueError, RecursionError) as error:
                    if final and self._complete:
                        raise self._no_json(error) from error
                    break  # perhaps it goes on behind what was read
                yield value
                position = _start(text, end)
            text = text[position:]
            # What is cut off is read again from its beginning, so each read is as long as that.
            size = max(_HEAD, len(text))
            if len(text) > _LARGEST_ARRAY:
                raise TooLarge(
                    f"{self._text.path.name} has a value of over {_LARGEST_ARRAY >> 20} MiB.",
                    "Or it is not JSON from there on.",
                    "Write one object per line (.jsonl).",
                )

    def _no_json(self, error: Exception) -> Unprocessable:
        return Unprocessable(
            f"{self._text.path.name} is not JSON.",
            f"{error}.",
            "Fetch the file again; nothing was committed.",
        )

    def _mixed_types(self, error: object) -> Unprocessable:
        what = f"{self._text.path.name} mixes types that no column can hold."
        return Unprocessable(
            what,
            str(error).partition("\n")[0] + ".",
            "Give each field one type; nothing was committed.",
        )


def _load(data: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    """The JSON value, and how to write it again: fast, except for numbers with so many digits that
    orjson would round them.
    """
    import orjson

    return (
        (json.loads(data), _dump)
        if _LONG_NUMBER.search(data)
        else (orjson.loads(data), orjson.dumps)
    )


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def _beginning(text: str) -> Iterator[Any]:
    """The complete elements of an array that is cut off."""
    decoder, position = json.JSONDecoder(), text.index("[") + 1
    while True:
        separators = _SEPARATORS.match(text, position)
        try:
            element, position = decoder.raw_decode(
                text, separators.end() if separators else position
            )
        except ValueError:
            return
        yield element


def _start(text: str, position: int) -> int:
    """Where the next value begins."""
    separators = _SEPARATORS.match(text, position)
    return separators.end() if separators else position


def _is_spread(head: bytes, handle: IO[bytes]) -> bool:
    """Whether a file begins with an object that goes on behind its first line."""
    import orjson

    text = head.decode(errors="ignore").lstrip()
    if not text.startswith("{"):
        return False
    first = next((line for line in handle if line.strip()), b"")
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return _begins_with_object(text, cut=len(head) == _HEAD)
    return False


def _begins_with_object(text: str, *, cut: bool) -> bool:
    """Whether a text begins with an object. cut: the object may end behind the text."""
    try:
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        near_end = error.pos > len(text) - _NEAR or error.msg.startswith("Unterminated")
        return cut and near_end
    except RecursionError:
        return False
    return True


class _Fields:
    """The names of fields that were seen, those within fields too. A library that makes columns of
    them takes minutes for some ten thousand.
    """

    def __init__(self, file: str, most: int) -> None:
        self._file, self._most = file, most
        self._seen: dict[str, Any] = {}
        self._count = 0

    def add(self, value: Mapping[str, Any]) -> None:
        """Count the names of an object. Raises TooLarge if there are too many."""
        self._add(value, self._seen)
        if self._count > self._most:
            raise TooLarge(
                f"{self._file} has over {self._most:,} different field names.",
                "Each of them would be a column, or a part of one.",
                "If the names are values (such as ids), write the pairs as a list of objects with"
                " name and value; else set json_columns in the section [catalog] of mlinfra.toml.",
            )

    def _add(self, value: Mapping[str, Any], seen: dict[str, Any], depth: int = 0) -> None:
        for name in value.keys() - seen.keys():
            seen[name] = {}
            self._count += 1
        if depth == _DEPTH:
            return
        for name, item in value.items():
            if type(item) is dict:
                self._add(item, seen[name], depth + 1)
            elif type(item) is list:
                for element in item:
                    if type(element) is dict:
                        self._add(element, seen[name], depth + 1)
