"""Which rows of a table are new since an ingest: those with a later value in a cursor column.

The rows with the latest value are kept in mind, since more rows with the same value may come: so
the next ingest reads that value again and leaves out what it had.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from ...core.errors import Conflict, Unprocessable
from ..odd_times import python_rows

if TYPE_CHECKING:
    import polars as pl

    from ..positions import Position
    from .urls import DatabaseTable

MOST_TIES = 1000
_WITHOUT_NEXT = ("nan", "infinity", "inf")
"""The greatest values that nothing can follow."""
_NUMBER = re.compile(r"[0-9]+")
_DATE = re.compile(r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}")
"""A date whose year comes last."""
_ZONED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|[+-][0-9:]{2,6}|)")


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a dataset has got with a table. at: the latest value of the cursor, as JSON keeps it.
    ties: how many rows with that value it has, by digest; None if they are too many to keep, which
    only an upsert allows. columns: of which the digests are.
    """

    at: Any
    ties: Mapping[str, int] | None
    columns: Sequence[str]

    @classmethod
    def read(cls, text: str) -> Reached:
        """From the text of a position."""
        found = json.loads(text)
        return cls(found["at"], found["ties"], found["columns"])

    def text(self) -> str:
        """As a position keeps it."""
        ties = None if self.ties is None else dict(sorted(self.ties.items()))
        facts = {"at": self.at, "ties": ties, "columns": self.columns}
        return json.dumps(facts, separators=(",", ":"))


@dataclass
class Window:
    """The rows from one value of the cursor, whose known rows are left out, to another. low: None
    from the beginning on. high: None to the end, which only counts take. keyed: the rows have a
    key, by which one that comes twice is there once.
    """

    LOWEST: ClassVar[str] = "mlinfra:lowest"
    HIGHEST: ClassVar[str] = "mlinfra:highest"

    table: DatabaseTable
    cursor: str
    low: Any
    high: Any
    known: Reached | None = None
    keyed: bool = False
    _left: Counter[str] = field(default_factory=Counter)
    _ties: Counter[str] = field(default_factory=Counter)
    _columns: Sequence[str] = ()
    _highest: int = 0

    def begin(self) -> None:
        """Before the rows are read, perhaps once more."""
        self._left = Counter((self.known.ties or {}) if self.known else {})
        self._ties = Counter()
        self._highest = 0

    def taken(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of a block that are new, without the two columns that `batches` adds. Raises
        Unprocessable if too many have the latest value.
        """
        import polars as pl

        lowest = frame[self.LOWEST].cast(pl.Boolean).fill_null(False)
        highest = frame[self.HIGHEST].cast(pl.Boolean).fill_null(False)
        rows = frame.drop(self.LOWEST, self.HIGHEST)
        self._columns = sorted(rows.columns)
        self._highest += int(highest.sum())
        if self._highest > MOST_TIES:
            if not self.keyed:
                raise self._too_many()
            return rows
        indices = (lowest | highest).arg_true()
        marked = python_rows(rows[indices])
        dropped = []
        for index, row in sorted(zip(indices, marked, strict=True), key=self._likely_new):
            if highest[index]:
                self._ties[_digest(row, self._columns)] += 1
            if lowest[index] and self._is_known(row):
                dropped.append(index)
        return rows.filter(~pl.int_range(rows.height, eager=True).is_in(dropped))

    def reached(self) -> Reached:
        """How far the dataset has got with these rows, after all of them were read. Raises
        Unprocessable if none of them has the latest value: others may be missing too.
        """
        if not self._highest:
            raise Unprocessable(
                f"Column {self.cursor!r} of {self.table.shown} cannot be a cursor.",
                f"Its latest value is {self.high}, but no row was found by it.",
                "Use another column; nothing was committed.",
            )
        ties = self._ties if self._highest <= MOST_TIES else None
        return Reached(self.high, ties, self._columns)

    def _likely_new(self, marked: tuple[int, Mapping[str, Any]]) -> int:
        """How many values a row has in columns that are new themselves: the rows from before have
        few.
        """
        before = self.known.columns if self.known else ()
        return sum(value is not None and name not in before for name, value in marked[1].items())

    def _is_known(self, row: Mapping[str, Any]) -> bool:
        """Whether the dataset has the row; each of equal rows counts once."""
        if self.known is None or (self.keyed and not set(self.known.columns) <= row.keys()):
            return False
        if lost := [name for name in self.known.columns if name not in row]:
            raise Conflict(
                f"It is not certain which rows of {self.table.shown} are new.",
                f"Column {lost[0]!r} is gone since the last ingest, and some rows have the same"
                f" value of {self.cursor!r} as its last ones.",
                "Ingest all rows with --replace (in Python mode='replace').",
            )
        digest = _digest(row, self.known.columns)
        known = self._left[digest] > 0
        self._left[digest] -= known
        return known

    def _too_many(self) -> Unprocessable:
        return Unprocessable(
            f"Over {MOST_TIES:,} rows of {self.table.shown} have the latest value of"
            f" {self.cursor!r}, {self.high}.",
            "When more rows with this value come, nobody could tell them from those.",
            "Use a column with finer steps as the cursor, or bring the rows in by their key with"
            " --key COLUMN (in Python mode='upsert', key=[…]).",
        )


def check_high(table: DatabaseTable, cursor: str, high: Any) -> None:
    """Raise Unprocessable for a latest value that no later one can follow."""
    if str(high).lower() in _WITHOUT_NEXT:
        raise Unprocessable(
            f"Column {cursor!r} of {table.shown} cannot be a cursor.",
            f"Its greatest value is {high}, and no row can come after it.",
            "Mend that row, or use another column.",
        )


def check_texts(table: DatabaseTable, cursor: str, high: str, ends: Sequence[str]) -> None:
    """Raise Unprocessable for texts that are not in the order of what they mean, so that later rows
    would never be seen. ends: the shortest and the longest; none if the cursor is no text.
    """
    if not ends:
        return
    shortest, longest = ends
    if _DATE.match(high):
        why = f"Its values are text, in which {high!r} comes after a day of the next year."
    elif len(shortest) < len(longest) and all(map(_NUMBER.fullmatch, ends)):
        why = f"Its values are text, {shortest!r} to {longest!r}, in which '9' comes after '10'."
    elif len({_zone(value) for value in (high, *ends)} - {None}) > 1:
        why = "Its values are text, with times of several zones, which do not sort by time."
    else:
        return
    raise Unprocessable(
        f"Column {cursor!r} of {table.shown} cannot be a cursor.",
        why,
        "Use a column of numbers or times, or a view that makes one of it (CAST).",
    )


def _zone(value: str) -> str | None:
    """The zone of a time as text; None if it is none."""
    found = _ZONED.fullmatch(value)
    return found[1] if found else None


def known(
    table: DatabaseTable, cursor: str, position: Position, key: Sequence[str]
) -> Reached | None:
    """How far a dataset has got; None if it never had any of these rows. Raises Conflict if rows
    may have gone since.
    """
    if not position.at:
        return None
    if not position.kept:
        raise Conflict(
            f"It is not certain which rows of {table.shown} are new.",
            f"Rows of the dataset were replaced or deleted since the last ingest by {cursor!r}.",
            "Ingest all rows with --replace (in Python mode='replace').",
        )
    reached = Reached.read(position.at)
    if reached.ties is None and not key:
        raise Conflict(
            f"It is not certain which rows of {table.shown} are new.",
            f"Over {MOST_TIES:,} rows have the latest value of {cursor!r}, and came in by a key.",
            "Name the key again: --key COLUMN (in Python mode='upsert', key=[…]).",
        )
    return reached


def earlier(table: DatabaseTable, cursor: str, at: Any, by: timedelta) -> str | None:
    """The value of the cursor from which rows are read again: so long before `at`. None: from the
    beginning on. Raises Unprocessable for a cursor without times.
    """
    text = str(at)
    try:
        if text[4:5] != "-":
            raise ValueError(f"{text} is no date")
        moment = datetime.fromisoformat(text).replace(microsecond=0, tzinfo=None)
    except ValueError as error:
        raise Unprocessable(
            f"Nobody can look back in column {cursor!r} of {table.shown}.",
            f"Its latest value is {text}, which is no time.",
            "Leave --lookback out (in Python lookback), or use a column with times as the cursor.",
        ) from error
    try:
        return (moment - by).isoformat(sep="T" if text[10:11] == "T" else " ")
    except OverflowError:
        return None


def stream_of(table: DatabaseTable, cursor: str) -> str:
    """The name of the stream of a table's rows by a cursor (see `positions`)."""
    return f"source:{sha256(f'{table.identity}#{cursor}'.encode()).hexdigest()[:32]}"


def _digest(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    text = json.dumps([_plain(row[name]) for name in columns], default=str)
    return sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """A number as text, the same whether it was read as 1, 1.0 or 1.00."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
