"""JSON as blocks of rows: one object per line, objects that are written over several lines, one
array of objects, or a list of them within an object. What is not an object is set aside.
"""

from __future__ import annotations

import io
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from ..core.errors import Unprocessable
from .jsonfields import DEEPEST, Fields, Mixed, repeated_key, too_deep
from .jsonkinds import Kinds, mixes
from .jsonstream import CutOffError, NoObjectError, RowsWithin, Values, is_spread
from .jsontables import table_doubts
from .names import column_names
from .quarantine import MOST, too_many
from .reading import Doubt, say
from .text import Text

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 20_000
_LONG_NUMBER = re.compile(rb"\d{19}")
_HEAD = 1 << 16


class JsonFile:
    """One JSON file whose bytes are known to be UTF-8; not `whole` if they are only its beginning.

    header: the names as they are in the file. most_columns: fields of all objects together, those
    within fields too; more are refused. types: short words that are asked for, by column; what is
    no text in one of `str` becomes JSON text. rows: the field of the list that has the rows, if
    they are within an object; see `RowsWithin`. `torn` holds (line, reason, text) of what was set
    aside: also objects with a key that is there twice, or with a value of another kind than most
    have in that field. Blank lines count as lines.
    """

    def __init__(
        self,
        text: Text,
        *,
        complete: bool = True,
        most_columns: int = 5000,
        types: Mapping[str, str] | None = None,
        rows: str = "",
    ) -> None:
        self._text, self._rows = text, rows
        self._complete = complete
        self._types = types or {}
        self._texts = {name for name, word in self._types.items() if word == "str"}
        self._fields = Fields(text.path.name, most_columns)
        self._kinds: Kinds | None = None
        self._bad: dict[int, str] = {}
        self._checked = False
        self.torn: list[tuple[int, str, str]] = []
        self._skipped: list[int] = []
        self._only: dict[str, Any] | None = None
        self._schema = self._schema_of_rows()
        self.doubts: Sequence[Doubt] = (
            table_doubts(text.path.name, self._only) if self._only else ()
        )
        self._only = None  # it may be large
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

    @property
    def mixed(self) -> str:
        """A column of which values are of another kind than most; empty if there is none."""
        return self._kinds.odd if self._kinds else ""

    @property
    def made_text(self) -> dict[str, Mixed]:
        """The columns that are text, without being asked to, since some of their values are."""
        found = self._fields.among_others()
        names = zip(self.header, self.columns, strict=True)
        return {
            name: found[field]
            for field, name in names
            if field in found and name not in self._types
        }

    def _schema_of_rows(self) -> dict[str, pl.DataType]:
        import polars as pl

        try:
            merged = self._merged()
        except pl.exceptions.PolarsError as error:
            self._settle_kinds(error)
        else:
            if not any(name in merged and merged[name].is_nested() for name in self._texts):
                return merged
            self._settle_kinds("")
        try:
            return self._merged()
        except pl.exceptions.PolarsError as error:
            raise self._mixed_types(error) from error

    def _merged(self) -> dict[str, pl.DataType]:
        """The types of all blocks together. Raises PolarsError if no column holds them."""
        import polars as pl

        merged = pl.DataFrame()
        for block in self._blocks():
            found = self._parse(block).clear()
            for name, dtype in found.schema.items():
                if name in merged.columns and mixes(merged.schema[name], dtype):
                    raise pl.exceptions.SchemaError(f"{name} is {merged.schema[name]} and {dtype}")
            merged = pl.concat([merged, found], how="diagonal_relaxed")
        if self._complete and not self.torn and not merged.columns:
            raise Unprocessable(
                f"{self._text.path.name} has no columns.",
                "All its objects are empty, or it has none.",
                "Fetch the file again; nothing was committed.",
            )
        return self._fields.in_order(merged.schema)

    def _settle_kinds(self, why: object) -> None:
        """Look at the values of all rows, to know which of them are odd."""
        import orjson

        kinds = Kinds(self._text.path.name, self._types)
        try:
            for number, line in self._objects_of_lines():
                kinds.add(orjson.loads(line), number)
        except RecursionError as error:
            raise self._mixed_types(why) from error
        kinds.decide()
        self._kinds = kinds

    def _parse(self, block: list[bytes]) -> pl.DataFrame:
        import polars as pl

        frame = pl.read_ndjson(io.BytesIO(b"\n".join(block)), infer_schema_length=None)
        if frame.height != len(block):
            raise pl.exceptions.ShapeError(f"{len(block)} objects gave {frame.height} rows")
        return frame

    def _blocks(self) -> Iterator[list[bytes]]:
        block: list[bytes] = []
        for number, line in self._objects_of_lines():
            kept = line
            if self._kinds is not None:
                exact, dumps = _load(line)
                reason, is_changed = self._kinds.judge(exact)
                if reason:
                    self._set_aside(number, reason, line)
                    continue
                kept = dumps(exact) if is_changed else line
            block.append(kept)
            if len(block) == _BLOCK:
                yield block
                block = []
        if block:
            yield block

    def _objects_of_lines(self) -> Iterator[tuple[int, bytes]]:
        """The objects with their lines; what is none is set aside. Once the file was read to its
        end, it is known which lines are none.
        """
        self.torn.clear()
        self._skipped.clear()
        for number, line in self._lines():
            if not self._checked:
                self._check(number, line)
            if reason := self._bad.get(number):
                self._set_aside(number, reason, line)
            else:
                yield number, line
        self._checked = True

    def _check(self, number: int, line: bytes) -> None:
        """Note what is wrong with a line."""
        import orjson

        reason = ""
        try:
            value = orjson.loads(line)
            self._only = value if number == 1 and isinstance(value, dict) else None
            if not isinstance(value, dict):
                reason = "not a JSON object"
            elif name := too_deep(line, value, self._texts):
                reason = (
                    f"field {name!r} has over {DEEPEST} levels of lists and objects;"
                    f" {say('schema', f'{name}=str')} keeps it as text"
                )
            elif key := repeated_key(line, self._fields.add(value)):
                reason = f"the key {key!r} is there twice"
        except orjson.JSONDecodeError as error:
            reason = f"not JSON: {error}" if line.strip() else "blank"
        if reason:
            self._bad[number] = reason

    def _set_aside(self, number: int, reason: str, line: bytes) -> None:
        self._skipped.append(number)
        if reason == "blank":
            return
        self.torn.append((number, reason, line.decode(errors="replace")))
        if len(self.torn) > MOST:
            raise too_many(self._text.path.name, f"line {self.torn[0][0]}", self.torn[0][1])

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        handle = self._text.rewound()
        mark = handle.read(3)
        handle.seek(3 if mark == b"\xef\xbb\xbf" else 0)
        start = handle.tell()
        head = handle.read(_HEAD)
        handle.seek(start)
        is_array = head.lstrip()[:1] == b"["
        spread = not self._rows and not is_array and is_spread(head, handle, cut=len(head) == _HEAD)
        handle.seek(start)
        if self._rows or is_array or spread:
            yield from enumerate(self._values(handle, is_array=is_array), 1)
        else:
            yield from ((number, line.rstrip(b"\r\n")) for number, line in enumerate(handle, 1))

    def _values(self, handle: IO[bytes], *, is_array: bool) -> Iterator[bytes]:
        """The rows of an array, of lists within objects, or objects that follow one another."""
        values = Values(handle, self._text.path.name)
        try:
            if self._rows:
                yield from map(_line, self._within(values))
            elif is_array:
                values.sign()
                yield from map(_line, values.elements())
                if values.sign():
                    raise ValueError("something follows the array")
            else:
                while values.sign():
                    yield _line(values.value())
        except (ValueError, RecursionError) as error:
            if self._complete or not isinstance(error, CutOffError):
                raise self._refused(error) from error

    def _within(self, values: Values) -> Iterator[str]:
        rows = RowsWithin(values, self._rows)
        yield from rows
        if not rows.found:
            name = self._text.path.name
            raise Unprocessable(
                f"{name} has no list {self._rows!r}.",
                f"Its objects have: {', '.join(rows.fields) or 'no fields'}.",
                "Name the field of the list, with dots where it is within others, such as"
                f" {say('rows', 'hits.hits')}.",
            )

    def _refused(self, error: Exception) -> Unprocessable:
        if isinstance(error, NoObjectError):
            return Unprocessable(
                f"{self._text.path.name} has a value without a list {self._rows!r}.",
                f"{error}.",
                f"Leave out {say('rows', self._rows)} if its values themselves are the rows.",
            )
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


def _line(text: str) -> bytes:
    """The text of a value as a line: between its parts, line breaks are blanks."""
    data = text.encode()
    return data.replace(b"\n", b" ").replace(b"\r", b" ")
