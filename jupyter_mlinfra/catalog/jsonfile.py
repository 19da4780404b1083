"""JSON as blocks of rows: one object per line, or one array of objects. A line that is not an
object is set aside.
"""

from __future__ import annotations

import io
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

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


class JsonFile:
    """One JSON file whose bytes are known to be UTF-8; not `whole` if they are only its beginning.

    `torn` holds (line, reason, text) of what was set aside; blank lines count as lines.
    """

    def __init__(self, text: Text, *, complete: bool = True) -> None:
        self._text = text
        self._complete = complete
        self.torn: list[tuple[int, str, str]] = []
        self._skipped: list[int] = []
        self._schema = self._merge_schemas()
        self.columns = dict(
            zip(
                column_names(list(self._schema), text.path.name), self._schema.values(), strict=True
            )
        )

    def frames(self) -> Iterator[pl.DataFrame]:
        """Blocks of rows in the order of the file, all of the same columns and types."""
        import polars as pl

        empty = pl.DataFrame(schema=self._schema)
        for block in self._blocks():
            frame = pl.concat([empty, self._parse(block)], how="diagonal_relaxed")
            yield frame.rename(dict(zip(self._schema, self.columns, strict=True)))

    def line(self, row: int) -> int:
        """The line (in an array: the place) of row `row` of the frames, counted from 0."""
        rows_before = [number - index for index, number in enumerate(self._skipped)]
        return row + 1 + bisect_right(rows_before, row + 1)

    def _merge_schemas(self) -> dict[str, pl.DataType]:
        import polars as pl

        merged, block = pl.DataFrame(), None
        for block in self._blocks():
            try:
                merged = pl.concat([merged, self._parse(block).clear()], how="diagonal_relaxed")
            except pl.exceptions.PolarsError as error:
                raise self._mixed_types(error) from error
        if block and not merged.columns:
            raise Unprocessable(
                f"{self._text.path.name} has no columns.",
                "All its objects are empty.",
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
                reason = "" if isinstance(orjson.loads(line), dict) else "not a JSON object"
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
        first = handle.read(1 << 16).lstrip()[:1]
        handle.seek(start)
        if first == b"[":
            yield from enumerate(self._elements(handle), 1)
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
            raise Unprocessable(
                f"{name} is not JSON.", f"{error}.", "Fetch the file again; nothing was committed."
            ) from error
        return map(dumps, elements)

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
