"""Folders whose names are values of columns, as Spark, Athena and Polars write them:
`sales/year=2024/a.parquet`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ..core.errors import BadRequest, Unprocessable
from .conform import from_text
from .dtypes import requested_dtype, short_dtype
from .guess import Guesses
from .spelling import PLAIN

if TYPE_CHECKING:
    import polars as pl

    from .quarantine import Broken, Unfit
    from .reading import Dialect, Doubt, Reading
    from .sources import Source

type Values = Mapping[str, str | None]
"""The words that folders hold, by column; None for a missing value."""

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_FOLDER = re.compile(r"[^=/]+=[^/]*")


def is_value(folder: str) -> bool:
    """Whether the name of a folder is a value of a column."""
    return _FOLDER.fullmatch(folder) is not None


def values_of(folders: Sequence[str]) -> Values:
    """The values that names of folders hold."""
    found: dict[str, str | None] = {}
    for folder in filter(is_value, folders):
        name, _, word = folder.partition("=")
        found[unquote(name)] = None if word == _NO_VALUE else unquote(word)
    return found


def part_of_table(values: Values) -> str:
    """What tells the rows of two files of the same content apart, which lie in two folders."""
    return "/".join(f"{name}={word}" for name, word in values.items())


def unread(places: Mapping[str, Values]) -> list[str]:
    """A note on the first file that lies in such a folder whose value is not read. places: paths or
    addresses, and what is read of their folders.
    """
    for place, values in places.items():
        parts = place.split("/")[:-1]
        above = [
            number
            for number, part in enumerate(parts)
            if is_value(part) and unquote(part.partition("=")[0]) not in values
        ]
        if above:
            folder = "/".join(parts[: above[0]]) or "."
            return [
                f"{place} lies in {parts[above[0]]}: that is a column only where the files have it"
                f" themselves. To have it from the folders, name the one above: mlinfra catalog"
                f" ingest {folder} --into NAMESPACE.TABLE"
            ]
    return []


def with_values(
    sources: Sequence[Source], values: Sequence[Values], reading: Reading
) -> list[Source]:
    """The files with the columns of their folders, typed as words of a CSV are.

    Raises BadRequest for a file that has such a column itself, Unprocessable for a value that is
    not of the type that is asked for.
    """
    for source, words in zip(sources, values, strict=True):
        if both := [name for name in words if name in source.columns]:
            raise BadRequest(
                f"{source.name} has a column {both[0]!r}, and lies in a folder {both[0]}=….",
                "It is not certain which of the two is meant.",
                "To read the files alone, name them by a pattern, such as 'FOLDER/*/*.parquet'.",
            )
    names = dict.fromkeys(name for words in values for name in words)
    typed = {
        name: typed_values(name, [words.get(name) for words in values], reading) for name in names
    }
    return [
        _InFolder(source, {name: typed[name][number : number + 1] for name in words})
        if words
        else source
        for number, (source, words) in enumerate(zip(sources, values, strict=True))
    ]


def typed_values(name: str, words: Sequence[str | None], reading: Reading) -> pl.Series:
    """The values that the words of one column spell, of one type; the words themselves if one of
    them is not of the type of the others. Raises Unprocessable for a word that is not of the type
    that is asked for.
    """
    import polars as pl

    texts = pl.DataFrame({name: pl.Series(words, dtype=pl.String)})
    if word := reading.types.get(name):
        dtype, spelling = requested_dtype(name, word), PLAIN
    else:
        guesses = Guesses({name: None}, reading)
        guesses.observe(texts.unique())
        dtype, spelling, _ = guesses.result()[name]
    value, present = from_text(pl.col(name), dtype, reading.time_zone, spelling)
    lost = texts.filter(present & value.is_null())
    if not lost.height:
        return texts.select(value.cast(dtype).alias(name))[name]
    if name not in reading.types:
        return texts[name]
    raise Unprocessable(
        f"{name}={lost.item(0, 0)} is not {short_dtype(dtype)}.",
        "A folder has that name, and its rows have no other value.",
        "Ask for another type of the column, or for none.",
    )


class _InFolder:
    """A file with the values of its folders in every row."""

    def __init__(self, source: Source, values: Mapping[str, pl.Series]) -> None:
        self._source, self._values = source, values
        self.name, self.spelled, self.times_only = source.name, source.spelled, source.times_only
        self.uuids, self.types = source.uuids, source.types
        dtypes = {name: value.dtype for name, value in values.items()}
        self.columns: Mapping[str, pl.DataType] = {**source.columns, **dtypes}
        self.header: Sequence[str] = [*source.header, *values]

    @property
    def dialect(self) -> Dialect | None:
        return self._source.dialect

    @property
    def doubts(self) -> Sequence[Doubt]:
        return self._source.doubts

    @property
    def share(self) -> float:
        return self._source.share

    def frames(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        values = [
            pl.lit(value.item(), dtype=value.dtype).alias(name)
            for name, value in self._values.items()
        ]
        return (frame.with_columns(values) for frame in self._source.frames())

    def torn(self) -> list[Broken]:
        return self._source.torn()

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        return self._source.broken(rows)

    def advice(self) -> str:
        return self._source.advice()
