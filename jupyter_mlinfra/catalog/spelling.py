"""How numbers and dates are written in text: 649.37 or 649,37; 1962-01-20 or 20.01.1962."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..core.errors import BadRequest

if TYPE_CHECKING:
    import polars as pl

BLANKS = "[\u00a0\u2009\u202f]"
"""What typesetters put between thousands; read as a blank."""

DATES = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
)
"""Date forms that are guessed, beside ISO 8601."""

SHORT_DATES = ("%d.%m.%y", "%d/%m/%y", "%m/%d/%y")
"""Date forms that are not guessed, because the century would be a guess too; a column of them is
pointed out.
"""

NUMBERS = ((",", "."), (".", ","), (",", " "), (".", " "), (",", "'"), (".", "'"))
"""Pairs of decimal and thousands mark that are guessed, beside the plain point."""

_TIMES = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_TIME_DIRECTIVE = re.compile(r"%[-_0]?[HIMSpPTRXfcs]|%\.")
_OLD_YEAR = r"(?:^|\D)0\d{3}(?:\D|$)"


@dataclass(frozen=True, slots=True)
class Spelling:
    """Marks of numbers, and a date form that is accepted beside ISO 8601 ("" for none)."""

    decimal: str = "."
    thousands: str = ""
    date: str = ""


PLAIN = Spelling()


def described(spelling: Spelling) -> str:
    """The spelling in words, such as "decimal comma, thousands point"; "" for the plain one."""
    marks = {".": "point", ",": "comma", " ": "space", "'": "apostrophe"}
    decimal = "" if spelling.decimal == PLAIN.decimal else f"decimal {marks[spelling.decimal]}"
    thousands = f"thousands {marks[spelling.thousands]}" if spelling.thousands else ""
    return ", ".join(filter(None, (decimal, thousands, spelling.date and f"dates {spelling.date}")))


def number(word: pl.Expr, dtype: pl.DataType, spelling: Spelling) -> pl.Expr:
    """The number that each word spells; null if it spells none."""
    return _plain(word, spelling).cast(dtype, strict=False)


def has_digits(word: pl.Expr, scale: int, spelling: Spelling) -> pl.Expr:
    """Whether each word, which spells a number, needs at most `scale` digits behind the point."""
    import polars as pl

    plain = _plain(word, spelling)
    behind = plain.str.extract(r"\.(\d*)").fill_null("").str.len_chars().cast(pl.Int64)
    power = plain.str.extract(r"[eE]([+-]?\d+)$").cast(pl.Int64, strict=False).fill_null(0)
    digits = plain.str.replace(r"[eE].*$", "").str.replace_all(r"\D", "")
    told = digits.str.strip_chars_end("0").str.len_chars().cast(pl.Int64)
    zeros = digits.str.len_chars().cast(pl.Int64) - told
    return (told == 0) | (behind - zeros - power <= scale)


def _plain(word: pl.Expr, spelling: Spelling) -> pl.Expr:
    """Each number with a point and without marks; null for a word that spells none. Of the plain
    spelling, the word itself.
    """
    import polars as pl

    if (spelling.decimal, spelling.thousands) == (PLAIN.decimal, PLAIN.thousands):
        return word
    if spelling.thousands == " ":
        word = word.str.replace_all(BLANKS, " ")
    if spelling.thousands == "'":
        word = word.str.replace_all("\u2019", "'", literal=True)
    clean = (
        word.str.replace_all(spelling.thousands, "", literal=True) if spelling.thousands else word
    )
    clean = clean.str.replace(spelling.decimal, ".", literal=True)
    return pl.when(word.str.contains(_pattern(spelling))).then(clean)


def _pattern(spelling: Spelling) -> str:
    mark = re.escape(spelling.thousands)
    # India groups digits as 12,34,567, and with no other mark.
    group = (
        rf"(?:{mark}\d{{2,3}})*{mark}\d{{3}}"
        if spelling.thousands == ","
        else rf"(?:{mark}\d{{3}})+"
    )
    integer = rf"(?:\d+|[1-9]\d{{0,2}}{group})" if mark else r"\d+"
    point = re.escape(spelling.decimal)
    return rf"^[+-]?(?:{integer}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"


def day(word: pl.Expr, form: str) -> pl.Expr:
    """The date that each word spells in a form of strftime."""
    return without_cut_years(word, word.str.to_date(form, strict=False))


def moment(word: pl.Expr, form: str) -> pl.Expr:
    """The time, without a zone, that each word spells in a form of dates, followed by a time of day
    or not.
    """
    import polars as pl

    forms = (form,) if has_time(form) else tuple(f"{form} {time}" for time in _TIMES)
    values = [word.str.to_datetime(time_form, strict=False, time_unit="us") for time_form in forms]
    if not has_time(form):
        values.append(word.str.to_date(form, strict=False).cast(pl.Datetime("us")))
    return without_cut_years(word, pl.coalesce(values))


def has_time(form: str) -> bool:
    """Whether a strftime form includes a time of day."""
    return _TIME_DIRECTIVE.search(form) is not None


def check_date_format(form: str | None) -> None:
    """Raise BadRequest if `form` cannot spell a date: it must read what it writes."""
    import polars as pl

    if not form:
        return
    sample = pl.Series([datetime(2013, 12, 31, 23, 58, 59)])
    try:
        text = sample.dt.strftime(form)
        read = (
            text.str.to_datetime(form, strict=False).dt.date()
            if has_time(form)
            else text.str.to_date(form, strict=False)
        )
        valid = read.to_list() == sample.dt.date().to_list()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        valid = False
    if not valid:
        raise BadRequest(
            f"{form[:40]!r} is not a date format.",
            "It needs day, month and year.",
            "For example %d.%m.%Y or %m/%d/%Y %H:%M.",
        )


def without_cut_years(word: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Without years that were cut off: `%Y` reads 12-01-05 as the year 12, which nobody means."""
    import polars as pl

    return pl.when((value.dt.year() >= 1000) | word.str.contains(_OLD_YEAR)).then(value)
