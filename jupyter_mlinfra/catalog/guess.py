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

from .candidates import LEADING_ZERO, SAMPLE, Candidate, candidates, count_missed
from .conform import FALSE, MISSING, TRUE
from .dtypes import short_dtype
from .glance import lost_halves, plain_values, sampled
from .hints import of_fractions, of_text, of_whole_numbers
from .reading import Doubt, Reading, say
from .spelling import PLAIN, SHORT_DATES, Spelling, moment

if TYPE_CHECKING:
    import polars as pl

_SHORT_YEAR = r"^\d{1,2}\D\d{1,2}\D\d\d(?:\D|$)"
_MAX_ODD_WORDS = 3
_YES_NO = (set(TRUE) | set(FALSE)) - {"true", "false", "0", "1"}
_NEARLY_SHARE = 4  # the column is "nearly" of a type if three quarters of its values are
_DAY_FIRST = {
    "%d.%m.%Y": True,
    "%d/%m/%Y": True,
    "%m/%d/%Y": False,
    "%d-%m-%Y": True,
    "%m-%d-%Y": False,
}
_DAY_AND_MONTH_SWAPPED = {
    "%d/%m/%Y": "%m/%d/%Y",
    "%m/%d/%Y": "%d/%m/%Y",
    "%d-%m-%Y": "%m-%d-%Y",
    "%m-%d-%Y": "%d-%m-%Y",
}


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
        self._types = dict(columns)
        self._reading = reading
        self._missed_by: dict[str, dict[Candidate, int]] = {}
        self._every = every = candidates(reading, times_only=times_only)
        self._plain: dict[str, pl.DataType] = {}
        asked = (reading.decimal, reading.thousands, reading.date_format, reading.time_zone)
        usual = all(option is None for option in asked)
        self._glances = usual and not times_only
        for name, dtype in columns.items():
            self._missed_by[name] = dict.fromkeys(
                [item for item in every if dtype is None or _same_spelling(item.dtype, dtype)], 0
            )
        self._values = dict.fromkeys(columns, 0)
        self._odd_words: dict[str, Counter[str]] = {name: Counter() for name in columns}
        self._first: dict[str, pl.Series] = {}

    def observe(self, frame: pl.DataFrame) -> None:
        """Count the values that each candidate loses in each column. A candidate that loses half a
        block is dropped.
        """
        import polars as pl

        names = [name for name in self._missed_by if name in frame.columns]
        names = self._glanced(frame, [name for name in names if self._missed_by[name]])
        samples = sampled(frame, [name for name in names if not self._values[name]])
        for name, lost in lost_halves(samples, self._every, self._reading.time_zone).items():
            self._first[name] = pl.Series(samples[name])
            for candidate in lost & self._missed_by[name].keys():
                del self._missed_by[name][candidate]
        for name in names:
            if self._missed_by[name]:
                self._count(name, _words(frame[name]))

    def _glanced(self, frame: pl.DataFrame, names: Sequence[str]) -> list[str]:
        """Note the columns that hold nothing but plain numbers or days, as all frames before did;
        returns the others.
        """
        import polars as pl

        if not self._glances:
            return list(names)
        for dtype in (pl.Int64(), pl.Float64(), pl.Date()):
            asked = [name for name in names if self._plain.get(name) == dtype]
            new = [name for name in names if not self._values[name]]
            found = {
                **plain_values(frame, asked, dtype, first=False),
                **plain_values(frame, new, dtype, first=True),
            }
            for name, values in found.items():
                if dtype.is_numeric() and name not in self._first:
                    self._first[name] = frame[name].head(SAMPLE)
                self._values[name] += values
                self._plain[name] = dtype
                self._missed_by[name] = _with_plain(self._missed_by[name], dtype)
            names = [name for name in names if name not in found]
            for name in set(asked) - found.keys():
                del self._plain[name]
        return list(names)

    def _count(self, name: str, words: pl.DataFrame) -> None:
        """Count what each candidate loses of these words."""
        missed_by, values = self._missed_by[name], int(words["times"].sum())
        self._values[name] += values
        if not values:
            return
        self._first.setdefault(name, words["word"].head(SAMPLE))
        counted = count_missed(words, list(missed_by), self._reading.time_zone)
        for candidate, missed in counted.items():
            missed_by[candidate] += missed
            if 2 * missed > values:
                del missed_by[candidate]
        self._note_odd_words(name, words)

    def _note_odd_words(self, name: str, words: pl.DataFrame) -> None:
        """Keep some of the words that the best candidate loses."""
        best = min(self._missed_by[name].items(), key=lambda item: item[1], default=None)
        if best is not None and best[1] and len(self._odd_words[name]) < _MAX_ODD_WORDS:
            missed = words.filter(best[0].missed(self._reading.time_zone)).sort(
                "times", descending=True
            )
            self._odd_words[name].update(dict(missed.head(_MAX_ODD_WORDS).rows()))

    def plain(self) -> bool:
        """Whether all types are known and every value so far has the plain spelling, so that
        nothing is left to find out.
        """
        return all(
            dtype is not None
            and (
                not missed_by
                or any(
                    missed == 0 and candidate.spelling == PLAIN
                    for candidate, missed in missed_by.items()
                )
            )
            for dtype, missed_by in zip(self._types.values(), self._missed_by.values(), strict=True)
        )

    def result(self, *, separator: str = ",") -> Mapping[str, Guess]:
        """The type of each column; text if nothing else passed or there was no value. separator: of
        the fields, a hint.
        """
        decimals, days = self._votes()
        return {
            name: self._guess_column(name, decimals, days, separator) for name in self._missed_by
        }

    def _guess_column(
        self, name: str, decimals: Counter[str], days: Counter[bool], separator: str
    ) -> Guess:
        import polars as pl

        best, dtype = self._best(name), self._types[name]
        if not best:
            return Guess(
                dtype or pl.String(),
                PLAIN,
                self._hint(name) if dtype is None else None,
            )
        first = best[0]
        guess = (
            _number(name, best, decimals, separator)
            if first.dtype.is_numeric()
            else _date(name, best, days)
        )
        if guess is None:
            is_plain = first.dtype.is_numeric() and first.spelling == PLAIN and dtype is None
            tell = of_whole_numbers if first.dtype.is_integer() else of_fractions
            doubt = tell(name, self._first.get(name)) if is_plain else None
            guess = Guess(first.dtype, first.spelling, doubt)
        if dtype is None:
            return guess
        doubt = guess.doubt
        return Guess(
            dtype,
            guess.spelling,
            (
                Doubt(doubt.option, doubt.what, doubt.fix, stops=guess.dtype == pl.String())
                if doubt
                else None
            ),
        )

    def _hint(self, name: str) -> Doubt | None:
        """What a text column could be besides."""
        return (
            of_text(name, self._first.get(name), self._reading)
            or self._nearly_typed(name)
            or self._short_dates(name)
            or self._yes_or_no(name)
        )

    def _best(self, name: str) -> list[Candidate]:
        """The candidates that lose the fewest values, the plainest first; none if all lose too
        many.
        """
        missed_by = self._missed_by[name]
        limit = allowed(self._values[name]) if self._types[name] is None else self._values[name]
        passed = [count for count in missed_by.values() if count <= limit]
        if not passed or not self._values[name]:
            return []
        return [candidate for candidate, count in missed_by.items() if count == min(passed)]

    def _nearly_typed(self, name: str) -> Doubt | None:
        """Why a text column is not of numbers or dates although most of its values are."""
        candidate, missed = min(
            self._missed_by[name].items(), key=lambda item: item[1], default=(None, 0)
        )
        values = self._values[name]
        if (
            candidate is None
            or not self._odd_words[name]
            or _NEARLY_SHARE * missed > values
            or values < _NEARLY_SHARE
        ):
            return None
        word = self._odd_words[name].most_common(1)[0][0]
        if re.match(LEADING_ZERO, word):
            what = (
                f"Column {name!r} is text: {missed:,} of {values:,} values are not plain numbers,"
                f" such as {word[:40]!r}, which begins with 0 as codes do."
            )
            return Doubt(
                "types",
                what,
                "If they are numbers, say"
                f" {say('schema', f'{name}={short_dtype(candidate.dtype)}')}.",
            )
        kind = (
            "numbers"
            if candidate.dtype.is_numeric()
            else "dates"
            if candidate.dtype.is_temporal()
            else "true or false"
        )
        what = (
            f"Column {name!r} is text: {missed:,} of {values:,} values are not {kind}, such as"
            f" {word[:40]!r}."
        )
        fix = f"If {word[:40]!r} means no value, say --null {shlex.quote(word[:40])}."
        return Doubt("null_values", what, fix)

    def _short_dates(self, name: str) -> Doubt | None:
        """A note that a text column holds dates with two-digit years, if it does."""
        words = self._first.get(name)
        if words is None or self._reading.date_format is not None:
            return None
        if not re.match(_SHORT_YEAR, words[0].strip()):
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

    def _yes_or_no(self, name: str) -> Doubt | None:
        """A note that a text column has nothing but words for yes and no, if it has."""
        words = self._first.get(name)
        if words is None or words[0].strip().lower() not in _YES_NO:
            return None
        if not words.str.strip_chars().str.to_lowercase().is_in(list(_YES_NO)).all():
            return None
        what = f"Column {name!r} is text: its values, such as {words[0]!r}, could be true or false."
        return Doubt("types", what, f"If they are, say {say('schema', f'{name}=bool')}.")

    def _votes(self) -> tuple[Counter[str], Counter[bool]]:
        """Which decimal mark the clear columns have, and whether the day comes first."""
        decimals: Counter[str] = Counter()
        days: Counter[bool] = Counter()
        for name in self._missed_by:
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


def _same_spelling(candidate: pl.DataType, dtype: pl.DataType) -> bool:
    """Whether values of the candidate's type are spelled like those of a known type."""
    if dtype.is_numeric():
        return (
            candidate.is_float()
            if dtype.is_float() or dtype.is_decimal()
            else candidate.is_integer()
        )
    return candidate == dtype


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
        clear = first.spelling.thousands != "." or _winner(decimals) == ","
        return None if clear else Guess(first.dtype)
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
    integers = {item.spelling: item for item in best if item.dtype.is_integer()}
    by_vote = {".": point, ",": comma}
    winner = _winner(decimals)
    if winner:
        chosen = integers.get(by_vote[winner].spelling, by_vote[winner])
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
        chosen = integers.get(point.spelling, point)
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
    swapped = next(
        (
            item
            for item in best
            if item.spelling.date == _DAY_AND_MONTH_SWAPPED.get(first.spelling.date, "-")
        ),
        None,
    )
    if swapped is None:
        return None
    if len(days) == 1:
        chosen = first if _DAY_FIRST[first.spelling.date] in days else swapped
        return Guess(chosen.dtype, chosen.spelling)
    forms = sorted((first.spelling.date, swapped.spelling.date))
    what = f"Column {name!r} is text: its dates could begin with the day or with the month."
    return Guess(
        pl.String(),
        PLAIN,
        Doubt("date_format", what, f"Say --date-format {forms[0]} or --date-format {forms[1]}."),
    )


def _with_plain(missed_by: Mapping[Candidate, int], dtype: pl.DataType) -> dict[Candidate, int]:
    """The candidates that lose none of many plain values: of whole numbers all numbers, of others
    those with a decimal point, of days all days and times without a zone.
    """
    import polars as pl

    def reads(candidate: Candidate) -> bool:
        if dtype == pl.Date():
            is_zoned = isinstance(candidate.dtype, pl.Datetime) and candidate.dtype.time_zone
            return candidate.dtype.is_temporal() and not is_zoned
        is_point = candidate.dtype.is_float() and candidate.spelling.decimal == PLAIN.decimal
        return candidate.dtype.is_numeric() and (dtype.is_integer() or is_point)

    return {candidate: missed for candidate, missed in missed_by.items() if reads(candidate)}


def _words(column: pl.Series) -> pl.DataFrame:
    """The words of a column that do not stand for a missing value, with their counts."""
    import polars as pl

    words = column.alias("word").drop_nulls().value_counts(name="times")
    return words.filter(~pl.col("word").str.strip_chars().is_in(MISSING))
