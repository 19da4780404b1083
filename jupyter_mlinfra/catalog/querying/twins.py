"""Columns and fields whose names differ only in case, of which the engine sees one alone.

In the engine each such name has a number of its own behind it, and so it has wherever the query
writes it; in the answer it is as the dataset has it. Where it is a keyword too, it counts as a name
only in double quotes. A name that the query writes in another way finds nothing: an error, never
the values of another column.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from .words import Token, quoted

if TYPE_CHECKING:
    import polars as pl

_BY_NAME = frozenset({"unnest", "union", "intersect", "except", "columns", "natural"})
"""What looks for fields by their names, beside a dot and a bracket."""


class Spellings:
    """The names of a query's tables that need a number. tables: each with its columns."""

    def __init__(self, tables: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._mark = f"_{secrets.token_hex(8)}_"
        self.twins = {name: twins for name, columns in tables if (twins := _twins(columns))}
        several = {name.lower() for twins in self.twins.values() for pair in twins for name in pair}
        spelled = {name for _, columns in tables for name in columns}
        self._names = {
            name: f"{name}{self._mark}{number}"
            for number, name in enumerate(sorted(spelled))
            if name.lower() in several
        }

    def numbered(self, columns: Sequence[str]) -> Mapping[str, str]:
        """Those of these columns that have another name in the engine, with it."""
        return {name: self._names[name] for name in columns if name in self._names}

    def places(
        self, tokens: Sequence[Token], keywords: Collection[str]
    ) -> Iterator[tuple[int, int, str]]:
        """Where a query writes such names, and what stands there for the engine."""
        for index, token in enumerate(tokens):
            if token.name not in self._names or token.kind not in ("word", "quoted"):
                continue
            before = "".join(item.text for item in tokens[max(0, index - 2) : index])
            after = tokens[index + 1].text if index + 1 < len(tokens) else ""
            is_word = token.kind == "word"
            if is_word and (token.low in keywords or before.endswith(("$", "::"))):
                continue
            if after != "(":  # of a function
                yield token.start, token.end, quoted(self._names[token.name])

    def plain(self, text: str) -> str:
        """The text with these names as the datasets have them."""
        return re.sub(self._mark + r"\d+", "", text) if self._names else text

    def answered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows with the names as the datasets have them, in texts too. Raises BadRequest for a
        whole row as one value.
        """
        import polars.selectors as cs

        if not self._names:
            return frame
        if any(self._mark in repr(dtype) for dtype in frame.dtypes):
            raise BadRequest(
                "The query makes one value of columns that differ only in case.",
                self.why,
                "Name the columns that you need, each as the dataset writes it.",
            )
        return frame.with_columns(cs.string().str.replace_all(self._mark + r"\d+", ""))

    @property
    def why(self) -> str:
        """Which names differ only in case; empty if none do."""
        return " ".join(
            f"{table} has columns that differ only in case: {_said(twins)}."
            for table, twins in self.twins.items()
        )


def check_names(tables: Sequence[tuple[str, str]]) -> None:
    """Raise BadRequest for two tables whose names differ only in case. tables: the name of each in
    the engine, and what it means.
    """
    known = dict[str, str]()
    for name, ref in tables:
        other = known.setdefault(name.lower(), ref)
        if other != ref:
            raise BadRequest(
                "The query names two tables that differ only in case.",
                f"They are {other.removeprefix('dataset:')} and {ref.removeprefix('dataset:')}; SQL"
                " does not tell them apart.",
                "Ask for one of them at a time.",
            )


def check_fields(
    tables: Sequence[tuple[str, Mapping[str, pl.DataType]]],
    tokens: Sequence[Token],
    parameters: Mapping[str, Any],
) -> None:
    """Raise BadRequest if the query may look by its name for a field within a column that has
    others of that name but for case. tables: of each, the columns that the query names.
    """
    touched = [
        (number, table, column, twins)
        for number, (table, columns) in enumerate(tables)
        for column, dtype in columns.items()
        if (twins := [pair for fields in _structs(dtype) for pair in _twins(fields)])
    ]
    several = len({number for number, *_ in touched}) > 1
    for _, table, column, twins in touched:
        fields = {name.lower() for pair in twins for name in pair}
        if several or _looks_for(column, fields, tokens, parameters):
            raise BadRequest(
                f"The query may take one field of {column!r} for another.",
                f"{table} has fields in {column!r} that differ only in case: {_said(twins)}; SQL"
                " does not tell them apart.",
                "Leave them out of the query, or read them in Python:"
                f" ml.dataset({table!r}).scan().",
            )


def _looks_for(
    column: str, fields: Collection[str], tokens: Sequence[Token], parameters: Mapping[str, Any]
) -> bool:
    """Whether a query looks for fields of a column by name."""
    given = {value.lower() for value in parameters.values() if isinstance(value, str)}
    words = {token.low.strip("'\"") for token in tokens}
    return bool(
        given.union(words).intersection(fields)
        or words & _BY_NAME
        or any(word.startswith("struct_") for word in words)
        or any(
            after.text in (".", "[")
            and (before.text == ")" or before.name.lower() == column.lower())
            for before, after in pairwise(tokens)
        )
    )


def _structs(dtype: pl.DataType) -> Iterator[Sequence[str]]:
    """The names of the fields of each struct within a type."""
    import polars as pl

    parts: list[Any] = []
    if isinstance(dtype, pl.Struct):
        yield [field.name for field in dtype.fields]
        parts = [field.dtype for field in dtype.fields]
    elif isinstance(dtype, pl.List | pl.Array):
        parts = [dtype.inner]
    elif isinstance(dtype, pl.Map):
        parts = [dtype.key, dtype.value]
    for part in parts:
        yield from _structs(part)


def _twins(names: Sequence[str]) -> list[list[str]]:
    """The names that differ only in case, together."""
    alike = defaultdict[str, list[str]](list)
    for name in names:
        alike[name.lower()].append(name)
    return [found for found in alike.values() if len(found) > 1]


def _said(twins: Sequence[Sequence[str]]) -> str:
    return ", ".join(" and ".join(map(repr, pair)) for pair in twins[:5])
