"""Rules in SQL, asked by the engine that answers queries: it reads datasets and nothing else.

A query gets the values of those masked columns alone of which `masked.told` says that it tells:
whoever gave the rule had the right to, and its results are hidden from others. For all other masked
columns it gets tokens, as any query does, however it reaches their table.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, Forbidden, MLInfraError, Unprocessable
from ..querying.engine import Limits, engine
from ..querying.running import check_one_select, run
from ..querying.views import Query, Readable, Sized
from .statements import Select, own

if TYPE_CHECKING:
    import polars as pl

    from ..names import DatasetName
    from ..querying.answers import Found
    from ..querying.words import Named
    from ..uuids import Uuids

_SAMPLE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A table of a query: rows that are not, or not yet, those of a dataset. masked: its columns
    with personal data. bytes_of: columns with the 16 bytes of UUIDs.
    """

    name: DatasetName
    rows: pl.LazyFrame
    masked: Collection[str] = ()
    bytes_of: Uuids = MappingProxyType({})
    bytes: int | None = None

    def state(self) -> str | None:
        return None

    def record(self) -> Sized:
        return self

    def scan(self) -> pl.LazyFrame:
        return self.rows

    def uuids(self) -> Uuids:
        return self.bytes_of

    def personal(self, columns: Sequence[str], /) -> Collection[str]:
        return set(columns) & set(self.masked)

    def explained(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a rule in SQL is asked. dataset: that of the rule. find: the tables that it names.
    told: the masked columns that it gets the values of, by dataset. shown: columns of the dataset
    whose masked values the viewer sees in the sample.
    """

    dataset: str
    find: Callable[[Named], Readable | None]
    limits: Limits
    told: Mapping[str, Collection[str]]
    shown: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What a rule in SQL found. failed: rows in the answer; None if a value was compared. sample:
    some of them, or the value; none where that tells of a hidden value.
    """

    passed: bool
    failed: int | None
    sample: Sequence[Mapping[str, Any]]


def answered(check: Select, where: Where) -> Answered:
    """Ask a rule. Raises as `querying.running.run` does, and Unprocessable for an answer that
    cannot be compared. Of a rule about masked values every error is one that tells none.
    """
    masked = _Masked(check, where)
    try:
        found = _run(check, where, masked)
    except MLInfraError:
        if not masked.named:
            raise
        raise Unprocessable(
            "The query cannot be run, or fails.",
            "Why is not told here: it reads values of a masked column.",
            "Ask the query itself, with the right to see them: mlinfra catalog sql … --reveal",
        ) from None
    told = masked.named <= {(where.dataset, column) for column in where.shown}
    if check.must is None:
        rows = found.answer() if told else None
        sample = [dict(zip(rows.columns, row, strict=True)) for row in rows.rows] if rows else []
        return Answered(not found.total, found.total, sample)
    _check_one_value(found)
    if not found.total:
        raise Unprocessable("The answer has no row.", "One value is compared.")
    value = found.frame.row(0)[0]
    shown = [{"value": found.answer().rows[0][0]}] if told else []
    return Answered(check.must.holds(value), None, shown)


def check_statement(check: Select, dataset: str) -> None:
    """Raise BadRequest for what is not one SELECT, whatever tables there are."""
    import duckdb

    with engine(Limits(memory_mib=64, seconds=1)) as connection:
        try:
            check_one_select(connection, check.filled(dataset))
        except duckdb.Error as error:
            why = " ".join(str(error).split())[:300]
            raise BadRequest("The query cannot be run.", why, "Correct the query.") from None


def try_on_nothing(check: Select, where: Where) -> None:
    """Raise for a query that cannot be asked, or that has an answer where no table has rows: it
    counts, and does not say what the number must be.
    """
    import polars as pl

    def emptied(named: Named) -> Readable | None:
        if (table := where.find(named)) is None:
            return None
        with table.explained():
            schema = table.scan().collect_schema()
            masked, uuids = table.personal(schema.names()), table.uuids()
        rows = pl.LazyFrame(schema=schema)
        return Given(name=table.name, rows=rows, masked=masked, bytes_of=uuids)

    empty = replace(where, find=emptied)
    found = _run(check, empty, _Masked(check, empty, trying=True))
    if check.must is not None:
        _check_one_value(found)
    elif found.total:
        raise Unprocessable(
            "The query has an answer even where no dataset has rows.",
            "A rule in SQL finds the rows that fail, or says what its one value must be.",
            "Write what it must be, for example: SELECT count(*) FROM … must be 0",
        )


class _Masked:
    """Which masked columns a query gets values of, by dataset and name; known once it was run.
    trying: whether one that names others is refused.
    """

    def __init__(self, check: Select, where: Where, *, trying: bool = False) -> None:
        self._check, self._where, self._trying = check, where, trying
        self.named: set[tuple[str, str]] = set()

    def hidden(self, table: Readable, columns: Sequence[str]) -> Collection[str]:
        """Those that it gets tokens of. Raises Forbidden."""
        name, personal = table.name.text, set(table.personal(columns))
        named = personal.intersection(self._where.told.get(name, ()))
        if self._trying and (unseen := self._check.named(personal) - named):
            raise _not_told(name, min(unseen))
        self.named |= {(name, column) for column in named}
        shown = set(self._where.shown) if name == self._where.dataset else set()
        return personal - named - shown


def _not_told(dataset: str, column: str) -> Forbidden:
    return Forbidden(
        f"The rule cannot have the values of column {column!r} of {dataset}.",
        "They are masked (tag pii). Whether you may see them is asked where a query has the dataset"
        " right after FROM, JOIN or a comma, and the column by its name of now.",
        f"Write it so, for example FROM {dataset} AS b, or leave the column out.",
    )


def _run(check: Select, where: Where, masked: _Masked) -> Found:
    text = check.filled(where.dataset)
    return run(
        Query(
            text=text,
            parameters={},
            limit=_SAMPLE,
            limits=where.limits,
            find=where.find,
            hidden=masked.hidden,
            home=own(where.dataset, text),
            counted=True,
        )
    )


def _check_one_value(found: Found) -> None:
    """Raise Unprocessable for an answer that is more than one value, or none to compare."""
    import polars as pl

    dtypes, rows = found.frame.dtypes, found.total or 0
    if len(dtypes) != 1 or rows > 1:
        raise Unprocessable(
            f"The answer has {len(dtypes)} columns and {rows:,} rows.", "One value is compared."
        )
    if not (dtypes[0].is_numeric() or dtypes[0] in (pl.Boolean(), pl.Null())):
        raise Unprocessable(
            "The answer is no number.", "Only a number, or true or false, can be compared."
        )
