"""Masked columns in a query: the engine gets tokens in place of their values.

A token is a keyed hash under a random key of that one query and dataset. Equal values of a dataset
have equal tokens, so its groups, counts and joins with itself are right, and nothing can be told of
a value; values of two datasets never match, or one could be guessed by a table of one's own.

The tokens have a type of their own, a struct with a field of a random name. It keeps through
subqueries, and the engine itself refuses what would need the value: to compare it with a text or a
number, to match, to calculate. By that type the columns of an answer that hold tokens are found.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from ...core.frames import exactly
from ...core.records import MASK
from ..odd_times import python_values

if TYPE_CHECKING:
    import polars as pl

_BYTES = 12


class Masking:
    """The tokens of one query."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self.field = f"masked_{secrets.token_hex(8)}"
        self.used = False
        """Whether a table has tokens."""

    def masked(self, rows: pl.LazyFrame, columns: Collection[str], *, dataset: str) -> pl.LazyFrame:
        """The rows of a dataset with tokens in these columns; null stays null."""
        import polars as pl

        if not columns:
            return rows
        self.used = True
        key = blake2b(dataset.encode(), key=self._key).digest()
        return rows.with_columns(
            exactly(name).map_batches(
                partial(self._tokens, key=key),
                return_dtype=pl.Struct({self.field: pl.String}),
                is_elementwise=True,
            )
            for name in columns
        )

    def hidden(self, answer: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
        """The answer with `MASK` for what holds tokens, or a text with one, and the names of these
        columns.
        """
        import polars as pl

        if not self.used:
            return answer, []
        found = [values.name for values in answer if self._is_masked(values)]
        shown = [
            pl.when(exactly(name).is_not_null()).then(pl.lit(MASK)).alias(name) for name in found
        ]
        return answer.with_columns(shown), found

    def is_about(self, error: Exception) -> bool:
        """Whether the engine refused something that it cannot do with tokens."""
        return self.field in str(error)

    def _is_masked(self, values: pl.Series) -> bool:
        import polars as pl

        if values.dtype == pl.String:
            return bool(values.alias("").str.contains(self.field, literal=True).any())
        # A list of texts, or what holds one, may hold tokens that were taken apart.
        return (
            values.dtype.is_nested() and self.field in f"{values.dtype!r}{python_values(values)!r}"
        )

    def _tokens(self, values: pl.Series, *, key: bytes) -> pl.Series:
        import polars as pl

        name, values = values.name, values.alias("")
        if values.dtype.is_nested():
            words = list(_words(values, key, self.field))
            return self._struct(pl.Series(words, dtype=pl.String), name)
        distinct = values.unique().drop_nulls()
        tokens = pl.Series(list(_words(distinct, key, self.field)), dtype=pl.String)
        known = pl.DataFrame({"value": distinct, "token": tokens})
        found = pl.DataFrame({"value": values}).join(
            known, on="value", how="left", maintain_order="left"
        )
        return self._struct(found["token"], name)

    def _struct(self, words: pl.Series, name: str) -> pl.Series:
        import polars as pl

        return pl.select(
            pl.when(words.is_not_null()).then(pl.struct(words.alias(self.field))).alias(name)
        ).to_series()


def _words(values: pl.Series, key: bytes, field: str) -> Iterator[str | None]:
    """The tokens of values; they begin with the name of their field, by which `hidden` knows a text
    that holds one.
    """
    for value in python_values(values):
        text = repr(value).encode(errors="surrogatepass")
        found = blake2b(text, key=key, digest_size=_BYTES).hexdigest()
        yield None if value is None else f"{field}{found}"
