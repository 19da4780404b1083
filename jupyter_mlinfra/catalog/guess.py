"""What type a column of text has, told by all of its values.

A type is taken when at most one value in a hundred does not spell it (one value when there are 10 to 99, none below that): those
rows then go to quarantine with their line. Among the types that pass, the one that loses fewest values wins, then the narrowest.
A number written with a leading zero is a code, and a whole number of 17 digits or more is an identifier: both stay text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .conform import from_text

if TYPE_CHECKING:
    import polars as pl

_CODE = r"^[+-]?0\d"
_LONG = r"^[+-]?\d{17,}$"


class _Candidate(NamedTuple):
    """A type and the spellings that speak against it."""

    dtype: pl.DataType
    against: str | None = None


def allowed(values: int) -> int:
    """How many of so many values may go to quarantine before the column is text."""
    return values // 100 if values >= 100 else int(values >= 10)


class Guesses:
    """The types of several columns of text, as more and more values are seen. Order of candidates: narrowest first."""

    def __init__(self, columns: Sequence[str], *, zone: str | None, times_only: bool = False) -> None:
        import polars as pl

        times = [_Candidate(pl.Date()), *([] if zone else [_Candidate(pl.Datetime("us"))]), _Candidate(pl.Datetime("us", "UTC"))]
        numbers = [_Candidate(pl.Boolean(), r"^[01]$"), _Candidate(pl.Int64(), _CODE), _Candidate(pl.Float64(), f"{_CODE}|{_LONG}")]
        candidates = times if times_only else numbers + times
        self._zone = zone
        self._lost = {name: dict.fromkeys(candidates, 0) for name in columns}
        self._values = dict.fromkeys(columns, 0)

    def observe(self, frame: pl.DataFrame) -> None:
        """Count, for each column and candidate, the values that are lost. A candidate that loses half a block is out."""
        for name, lost in self._lost.items():
            if name not in frame.columns:
                continue
            values, missed = self._counted(frame[name], list(lost))
            self._values[name] += values
            for candidate, count in missed.items():
                lost[candidate] += count
                if 2 * count > values:
                    del lost[candidate]

    def result(self) -> Mapping[str, pl.DataType]:
        """The type of each column; text where nothing else passed, and where there was no value."""
        import polars as pl

        found: dict[str, pl.DataType] = {}
        for name, lost in self._lost.items():
            most = allowed(self._values[name])
            passed = [(missed, place, candidate.dtype) for place, (candidate, missed) in enumerate(lost.items()) if missed <= most]
            found[name] = min(passed, key=lambda item: item[:2])[2] if passed and self._values[name] else pl.String()
        return found

    def _counted(self, column: pl.Series, candidates: Sequence[_Candidate]) -> tuple[int, dict[_Candidate, int]]:
        """How many words the column has, and how many of them each candidate loses. Each word is looked at once, however often it stands there."""
        import polars as pl

        words = column.alias("word").drop_nulls().value_counts(name="times")
        word = pl.col("word")
        sums = [pl.when(from_text(word, pl.Int64(), None)[1]).then("times").sum()]
        for candidate in candidates:
            value, present = from_text(word, candidate.dtype, self._zone)
            lost = value.is_null()
            if candidate.against is not None:
                lost = lost | word.str.strip_chars().str.contains(candidate.against)
            sums.append(pl.when(present & lost).then("times").sum())
        values, *missed = words.select([number.alias(str(place)) for place, number in enumerate(sums)]).row(0)
        return values, dict(zip(candidates, missed, strict=True))
