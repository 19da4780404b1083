"""The types that a text column may have with the spellings of their values, and how many values
each of them loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .conform import from_text
from .reading import Reading
from .spelling import DATES, NUMBERS, PLAIN, Spelling

if TYPE_CHECKING:
    import polars as pl

LEADING_ZERO = r"^[+-]?0\d"
NOT_SURELY_BOOLEAN = r"(?i)^(?:[01]|yes|no|[yntf])$"
SAMPLE = 500
_IDENTIFIER = r"^[+-]?\d{17,}$"
_ADDRESS = r"^\d{1,3}(?:\.\d{1,3}){3}$"  # 192.168.178.100 is not a number with thousands
_DIGITS = r"^[+-]?\d+$"


class Candidate(NamedTuple):
    """A type, a spelling of it, and the words that contradict it."""

    dtype: pl.DataType
    spelling: Spelling = PLAIN
    against: str | None = None

    def missed(self, zone: str | None) -> pl.Expr:
        """Whether the value of column `word` is lost if it is read this way. zone: of times without
        one.
        """
        import polars as pl

        word = pl.col("word")
        missed = from_text(word, self.dtype, zone, self.spelling)[0].is_null()
        return (
            missed | word.str.strip_chars().str.contains(self.against)
            if self.against is not None
            else missed
        )


def candidates(reading: Reading, *, times_only: bool = False) -> list[Candidate]:
    """What a text column may be, the narrowest and plainest first."""
    import polars as pl

    stamp, utc = pl.Datetime("us"), pl.Datetime("us", "UTC")
    moments = [utc] if reading.time_zone else [stamp]
    times = [Candidate(dtype) for dtype in dict.fromkeys([pl.Date(), *moments, utc])]
    forms = (
        DATES
        if reading.date_format is None
        else (reading.date_format,)
        if reading.date_format
        else ()
    )
    times += [
        Candidate(dtype, Spelling(date=form)) for form in forms for dtype in (pl.Date(), *moments)
    ]
    if times_only:
        return times
    plain = [Candidate(pl.Int64(), PLAIN, LEADING_ZERO)]
    if reading.decimal in (None, PLAIN.decimal) and reading.thousands != ".":
        plain.append(Candidate(pl.Float64(), PLAIN, f"{LEADING_ZERO}|{_IDENTIFIER}"))
    return [
        Candidate(pl.Boolean(), PLAIN, NOT_SURELY_BOOLEAN),
        *plain,
        *times,
        *_spelled_numbers(reading),
    ]


def _spelled_numbers(reading: Reading) -> list[Candidate]:
    import polars as pl

    marks = [
        (d, t)
        for d, t in NUMBERS
        if reading.decimal in (None, d) and reading.thousands in (None, t)
    ]
    if reading.thousands == "" and reading.decimal != PLAIN.decimal:
        marks = [(",", "")]
    spelled = []
    for decimal, thousands in marks:
        contradicting = f"{LEADING_ZERO}|{_IDENTIFIER}" + (
            f"|{_ADDRESS}" if thousands == "." and reading.thousands is None else ""
        )
        spelled += [
            Candidate(dtype, Spelling(decimal, thousands), contradicting)
            for dtype in (pl.Int64(), pl.Float64())
        ]
    return spelled


def has_marks(candidate: Candidate) -> pl.Expr:
    """Whether the spelling of a number matters for column `word`: one without marks is the same in
    each.
    """
    import polars as pl

    if not candidate.dtype.is_numeric() or candidate.spelling == PLAIN:
        return pl.lit(True)
    stripped = pl.col("word").str.strip_chars()
    return ~stripped.str.contains(_DIGITS) | stripped.str.contains(f"{LEADING_ZERO}|{_IDENTIFIER}")


def count_missed(
    words: pl.DataFrame, choices: Sequence[Candidate], zone: str | None
) -> dict[Candidate, int]:
    """How many values each candidate loses. Each word is checked once, however often it occurs.

    A number without marks is the same in every spelling, and what the plain point reads need not be
    read by another spelling with a point. So it is with days and times in their plain form, and a
    day is a time too.
    """
    import polars as pl

    stripped = pl.col("word").str.strip_chars()
    with_marks = words.filter(
        ~stripped.str.contains(_DIGITS) | stripped.str.contains(f"{LEADING_ZERO}|{_IDENTIFIER}")
    )
    missed: dict[Candidate, int] = {}
    left = {"words": words, "marks": with_marks, "floats": with_marks, "days": words}
    for candidate in sorted(choices, key=_plain_first):
        relevant = left.get(_reads_like(candidate, zone, left), words)
        lost = relevant.filter(candidate.missed(zone)) if relevant.height else relevant
        missed[candidate] = int(lost["times"].sum())
        if candidate.spelling == PLAIN:
            left[_kept_for(candidate)] = lost
    return {candidate: missed[candidate] for candidate in choices}


def _plain_first(candidate: Candidate) -> bool:
    return candidate.spelling != PLAIN


def _kept_for(candidate: Candidate) -> str:
    """The name of the words that a plain candidate loses."""
    import polars as pl

    if candidate.dtype.is_float():
        return "floats"
    return "days" if candidate.dtype == pl.Date() else str(candidate.dtype)


def _reads_like(candidate: Candidate, zone: str | None, left: Mapping[str, pl.DataFrame]) -> str:
    """The name of the words that it may lose."""
    import polars as pl

    if candidate.dtype.is_numeric():
        if candidate.dtype.is_float() and candidate.spelling.decimal == PLAIN.decimal:
            return "floats"
        return "marks" if candidate.spelling != PLAIN else "words"
    if candidate.spelling != PLAIN:
        name = _kept_for(candidate)
        return name if name in left else "days"
    is_plain_time = isinstance(candidate.dtype, pl.Datetime) and (
        candidate.dtype.time_zone is None or zone is not None
    )
    return "days" if is_plain_time else "words"
