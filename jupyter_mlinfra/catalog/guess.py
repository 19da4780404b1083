"""The type of a text column and the spelling of its values, judged by all values.

A type is chosen if at most one value in a hundred does not match (one of 10 to 99, none below
that); those rows go to quarantine with their line. Among the types that pass, the one that loses
the fewest values wins, then the plainest. A number written with a leading zero is a code, and a
whole number of 17 digits or more is an identifier: both stay text.

Where two spellings read the same words as different values (1.234, 01/02/2024), the other columns
of the files decide; otherwise the column stays text and the doubt is reported.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .conform import from_text
from .dtypes import short_dtype
from .reading import Doubt, Reading, say
from .spelling import DATES, NUMBERS, PLAIN, SHORT_DATES, Spelling, moment

if TYPE_CHECKING:
    import polars as pl

_CODE = r"^[+-]?0\d"
_LONG = r"^[+-]?\d{17,}$"
_ADDRESS = r"^\d{1,3}(?:\.\d{1,3}){3}$"  # 192.168.178.100 is not a number with thousands
_DIGITS = r"^[+-]?\d+$"
_SHORT_YEAR = r"^\d{1,2}\D\d{1,2}\D\d\d(?:\D|$)"
_SAMPLE = 500
_ODD = 3
_NEARLY = 4  # the column is "nearly" of a type if three quarters of its values are
_DAY_FIRST = {
    "%d.%m.%Y": True,
    "%d/%m/%Y": True,
    "%m/%d/%Y": False,
    "%d-%m-%Y": True,
    "%m-%d-%Y": False,
}
_SWAPPED = {
    "%d/%m/%Y": "%m/%d/%Y",
    "%m/%d/%Y": "%d/%m/%Y",
    "%d-%m-%Y": "%m-%d-%Y",
    "%m-%d-%Y": "%d-%m-%Y",
}


class Candidate(NamedTuple):
    """A type, a spelling of it, and the words that contradict it."""

    dtype: pl.DataType
    spelling: Spelling = PLAIN
    against: str | None = None


class Guess(NamedTuple):
    """What was found out about one column."""

    dtype: pl.DataType
    spelling: Spelling = PLAIN
    doubt: Doubt | None = None


def allowed(values: int) -> int:
    """How many of this many values may go to quarantine before the column is text."""
    return values // 100 if values >= 100 else int(values >= 10)


class Guesses:
    """The types of several text columns, refined as more values are seen."""

    def __init__(
        self,
        columns: Mapping[str, pl.DataType | None],
        reading: Reading,
        *,
        times_only: bool = False,
    ) -> None:
        """columns: the type where it is already known; then only the spelling is guessed."""
        self._known = dict(columns)
        self._reading = reading
        self._lost: dict[str, dict[Candidate, int]] = {}
        every = candidates(reading, times_only=times_only)
        for name, dtype in columns.items():
            self._lost[name] = dict.fromkeys(
                [item for item in every if dtype is None or _alike(item.dtype, dtype)], 0
            )
        self._values = dict.fromkeys(columns, 0)
        self._odd: dict[str, Counter[str]] = {name: Counter() for name in columns}
        self._first: dict[str, pl.Series] = {}

    def observe(self, frame: pl.DataFrame) -> None:
        """Count the values that each candidate loses in each column. A candidate that loses half a
        block is dropped.
        """
        for name, lost in self._lost.items():
            if name not in frame.columns or not lost:
                continue
            words = _words(frame[name])
            values = int(words["times"].sum())
            if not values:
                continue
            if not self._values[name]:
                self._first[name] = words["word"].head(_SAMPLE)
                for candidate in _unlikely(words, list(lost), self._reading.time_zone):
                    del lost[candidate]
            self._values[name] += values
            for candidate, missed in _counted(words, list(lost), self._reading.time_zone).items():
                lost[candidate] += missed
                if 2 * missed > values:
                    del lost[candidate]
            self._note_odd(name, words)

    def _note_odd(self, name: str, words: pl.DataFrame) -> None:
        """Keep some of the words that the best candidate loses."""
        nearly = min(self._lost[name].items(), key=lambda item: item[1], default=None)
        if nearly is not None and nearly[1] and len(self._odd[name]) < _ODD:
            odd = words.filter(_missed(nearly[0], self._reading.time_zone)).sort(
                "times", descending=True
            )
            self._odd[name].update(dict(odd.head(_ODD).rows()))

    def plain(self) -> bool:
        """Whether all types are known and every value so far has the plain spelling, so that
        nothing is left to find out.
        """
        return all(
            dtype is not None
            and (
                not lost
                or any(
                    missed == 0 and candidate.spelling == PLAIN
                    for candidate, missed in lost.items()
                )
            )
            for dtype, lost in zip(self._known.values(), self._lost.values(), strict=True)
        )

    def result(self, *, separator: str = ",") -> Mapping[str, Guess]:
        """The type of each column; text if nothing else passed or there was no value. separator: of
        the fields, a hint.
        """
        decimals, days = self._votes()
        return {name: self._one(name, decimals, days, separator) for name in self._lost}

    def _one(self, name: str, decimals: Counter[str], days: Counter[bool], separator: str) -> Guess:
        import polars as pl

        best, known = self._best(name), self._known[name]
        if not best:
            return Guess(
                known or pl.String(),
                PLAIN,
                (self._nearly(name) or self._short_dates(name)) if known is None else None,
            )
        first = best[0]
        found = (
            _number(name, best, decimals, separator)
            if first.dtype.is_numeric()
            else _date(name, best, days)
        )
        if found is None:
            found = Guess(first.dtype, first.spelling)
        if known is None:
            return found
        doubt = found.doubt
        return Guess(
            known,
            found.spelling,
            (
                Doubt(doubt.option, doubt.what, doubt.fix, stops=found.dtype == pl.String())
                if doubt
                else None
            ),
        )

    def _best(self, name: str) -> list[Candidate]:
        """The candidates that lose the fewest values, the plainest first; none if all lose too
        many.
        """
        lost = self._lost[name]
        most = allowed(self._values[name]) if self._known[name] is None else self._values[name]
        passed = [count for count in lost.values() if count <= most]
        if not passed or not self._values[name]:
            return []
        return [candidate for candidate, count in lost.items() if count == min(passed)]

    def _nearly(self, name: str) -> Doubt | None:
        """Why a text column is not of numbers or dates although most of its values are."""
        candidate, missed = min(
            self._lost[name].items(), key=lambda item: item[1], default=(None, 0)
        )
        values = self._values[name]
        if (
            candidate is None
            or not self._odd[name]
            or _NEARLY * missed > values
            or values < _NEARLY
        ):
            return None
        word = self._odd[name].most_common(1)[0][0]
        if re.match(_CODE, word):
            what = (
                f"Column {name!r} is text: {missed:,} of {values:,} values are no plain numbers,"
                f" such as {word[:40]!r}, which begins with 0 as codes do."
            )
            return Doubt(
                "types",
                what,
                "If they are numbers, say"
                f" {say('type', f'{name}={short_dtype(candidate.dtype)}')}.",
            )
        kind = (
            "numbers"
            if candidate.dtype.is_numeric()
            else "dates"
            if candidate.dtype.is_temporal()
            else "truths"
        )
        what = (
            f"Column {name!r} is text: {missed:,} of {values:,} values are no {kind}, such as"
            f" {word[:40]!r}."
        )
        fix = f"If {word[:40]!r} means no value, say --null {shlex.quote(word[:40])}."
        return Doubt("null_values", what, fix)

    def _short_dates(self, name: str) -> Doubt | None:
        """A note that a text column holds dates with two-digit years, if it does."""
        words = self._first.get(name)
        if words is None or self._reading.date_format is not None:
            return None
        short = [form for form in SHORT_DATES if _spells(words, form)]
        if not short:
            return None
        what = (
            f"Column {name!r} is text: {words[0][:40]!r} and the like could be dates with two"
            " digits of the year."
        )
        return Doubt(
            "date_format",
            what,
            f"Say {' or '.join(f'--date-format {form}' for form in short)} to read it as dates.",
        )

    def _votes(self) -> tuple[Counter[str], Counter[bool]]:
        """Which decimal mark the clear columns have, and whether the day comes first."""
        decimals: Counter[str] = Counter()
        days: Counter[bool] = Counter()
        for name in self._lost:
            best = self._best(name)
            marks = {candidate.spelling.decimal for candidate in best if candidate.dtype.is_float()}
            if len(marks) == 1 and not any(
                candidate.dtype.is_integer() and candidate.spelling == PLAIN for candidate in best
            ):
                decimals.update(marks)
            orders = {
                _DAY_FIRST[candidate.spelling.date]
                for candidate in best
                if candidate.spelling.date in _DAY_FIRST
            }
            if len(orders) == 1:
                days.update(orders)
        return decimals, days


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
    plain = [Candidate(pl.Int64(), PLAIN, _CODE)]
    if reading.decimal in (None, PLAIN.decimal) and reading.thousands != ".":
        plain.append(Candidate(pl.Float64(), PLAIN, f"{_CODE}|{_LONG}"))
    return [Candidate(pl.Boolean(), PLAIN, r"^[01]$"), *plain, *times, *_spelled(reading)]


def _spelled(reading: Reading) -> list[Candidate]:
    import polars as pl

    marks = [
        (d, t)
        for d, t in NUMBERS
        if reading.decimal in (None, d) and reading.thousands in (None, t)
    ]
    if reading.thousands == "" and reading.decimal != PLAIN.decimal:
        marks = [(",", "")]
    found = []
    for decimal, thousands in marks:
        against = f"{_CODE}|{_LONG}" + (
            f"|{_ADDRESS}" if thousands == "." and reading.thousands is None else ""
        )
        found += [
            Candidate(dtype, Spelling(decimal, thousands), against)
            for dtype in (pl.Int64(), pl.Float64())
        ]
    return found


def _alike(candidate: pl.DataType, known: pl.DataType) -> bool:
    """Whether values of the candidate's type are spelled like those of a known type."""
    if known.is_numeric():
        return (
            candidate.is_float()
            if known.is_float() or known.is_decimal()
            else candidate.is_integer()
        )
    return candidate == known


def _number(
    name: str, best: Sequence[Candidate], decimals: Counter[str], separator: str
) -> Guess | None:
    """The spelling of a number where two spellings read different values: 1.234 and 1,234. None if
    there is no doubt.
    """
    import polars as pl

    first = best[0]
    if first.dtype.is_integer() and first.spelling == PLAIN:
        return None
    # A column that is known to be of whole numbers.
    if not any(item.dtype.is_float() for item in best):
        sure = first.spelling.thousands != "." or _winner(decimals) == ","
        return None if sure else Guess(first.dtype)
    point = next(
        (item for item in best if item.spelling.decimal == "." and item.dtype.is_float()), None
    )
    comma = next(
        (item for item in best if item.spelling.decimal == "," and item.dtype.is_float()), None
    )
    if (
        point is None
        or comma is None
        or {point.spelling.thousands, comma.spelling.thousands} & {" ", "'"}
    ):
        return None
    whole = {item.spelling: item for item in best if item.dtype.is_integer()}
    by_vote = {".": point, ",": comma}
    winner = _winner(decimals)
    if winner:
        chosen = whole.get(by_vote[winner].spelling, by_vote[winner])
        return Guess(chosen.dtype, chosen.spelling)
    # 1.234: a point is a decimal mark, unless the file comes from a country with the decimal comma.
    if point.spelling == PLAIN:
        what = f"Column {name!r} could hold thousands: its points stand before three digits."
        doubt = (
            Doubt("decimal", what, "Say --decimal , if they do, or --decimal . if not.")
            if separator == ";"
            else None
        )
        return Guess(point.dtype, PLAIN, doubt)
    if separator == ",":  # "1,234" in a file of commas
        chosen = whole.get(point.spelling, point)
        return Guess(chosen.dtype, chosen.spelling)
    what = f"Column {name!r} is text: its commas could be decimal marks or thousands marks."
    return Guess(
        pl.String(),
        PLAIN,
        Doubt("decimal", what, "Say --decimal , or --decimal . to read it as numbers."),
    )


def _spells(words: pl.Series, form: str) -> bool:
    """Whether a date form, alone or with a time of day, spells all words. Versions such as 1.2.3
    are none.
    """
    import polars as pl

    word = pl.col("word").str.strip_chars()
    return bool(
        words.to_frame("word")
        .select((moment(word, form).is_not_null() & word.str.contains(_SHORT_YEAR)).all())
        .item()
    )


def _winner(decimals: Counter[str]) -> str:
    """The decimal mark of most columns; empty if it is a draw."""
    common = decimals.most_common(2)
    return common[0][0] if common and (len(common) == 1 or common[0][1] > common[1][1]) else ""


def _date(name: str, best: Sequence[Candidate], days: Counter[bool]) -> Guess | None:
    """The date form where day and month could be swapped. None if there is no doubt."""
    import polars as pl

    first = best[0]
    other = next(
        (item for item in best if item.spelling.date == _SWAPPED.get(first.spelling.date, "-")),
        None,
    )
    if other is None:
        return None
    if len(days) == 1:
        chosen = first if _DAY_FIRST[first.spelling.date] in days else other
        return Guess(chosen.dtype, chosen.spelling)
    forms = sorted((first.spelling.date, other.spelling.date))
    what = f"Column {name!r} is text: its dates could begin with the day or with the month."
    return Guess(
        pl.String(),
        PLAIN,
        Doubt("date_format", what, f"Say --date-format {forms[0]} or --date-format {forms[1]}."),
    )


def _words(column: pl.Series) -> pl.DataFrame:
    """The words of a column that do not stand for a missing value, with their counts."""
    import polars as pl

    words = column.alias("word").drop_nulls().value_counts(name="times")
    return words.filter(from_text(pl.col("word"), pl.Int64(), None)[1])


def _unlikely(words: pl.DataFrame, given: Sequence[Candidate], zone: str | None) -> list[Candidate]:
    """The candidates that lose more than half of a sample: excludes most of them, at the price of a
    few words.
    """
    import polars as pl

    sample = words.gather_every(max(1, words.height // _SAMPLE)).with_columns(
        pl.lit(1).alias("times")
    )
    return [
        candidate
        for candidate, missed in _counted(sample, given, zone).items()
        if 2 * missed > sample.height
    ]


def _counted(
    words: pl.DataFrame, given: Sequence[Candidate], zone: str | None
) -> dict[Candidate, int]:
    """How many values each candidate loses. Each word is checked once, however often it occurs.

    A number without marks is the same in every spelling, and what the plain point reads need not be
    read by another spelling with a point.
    """
    import polars as pl

    stripped = pl.col("word").str.strip_chars()
    marked = words.filter(
        ~stripped.str.contains(_DIGITS) | stripped.str.contains(f"{_CODE}|{_LONG}")
    )
    plain = next((item for item in given if item.dtype.is_float() and item.spelling == PLAIN), None)
    found: dict[Candidate, int] = {}
    left = marked
    if plain is not None:
        left = marked.filter(_missed(plain, zone))
        found[plain] = int(left["times"].sum())
    for candidate in given:
        if candidate == plain:
            continue
        if not candidate.dtype.is_numeric():
            of = words
        elif candidate.dtype.is_float() and candidate.spelling.decimal == PLAIN.decimal:
            of = left
        else:
            of = marked if candidate.spelling != PLAIN else words
        found[candidate] = (
            int(of.filter(_missed(candidate, zone))["times"].sum()) if of.height else 0
        )
    return {candidate: found[candidate] for candidate in given}


def _missed(candidate: Candidate, zone: str | None) -> pl.Expr:
    import polars as pl

    word = pl.col("word")
    missed = from_text(word, candidate.dtype, zone, candidate.spelling)[0].is_null()
    return (
        missed | word.str.strip_chars().str.contains(candidate.against)
        if candidate.against is not None
        else missed
    )
