"""What a column of text, or of whole numbers, could be besides: moments of which some have a zone,
amounts with a currency, days without dashes. It stays what it is, and the report says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .conform import MISSING, from_text
from .reading import Doubt, Reading, say
from .spelling import DATES, SHORT_DATES, moment

if TYPE_CHECKING:
    import polars as pl

_SIGNS = "€$£¥₹%\u2212"
_MINUS = "\u2212"
_BARE_NUMBER = r"^[+-]?\d[\d.,'\u2019]*$"
_FRACTION = r"^[+-]?\d+\.\d+$"
_OF_FLOATS = 17
"""So many digits are enough to tell all floats apart: programs write no more of one."""
_MOST_DIGITS = 38
_WEEK_DAY = r"^\d{4}-W\d{2}-\d$"
_DAY = r"^(?:19|20)\d{6}$"
_TWO_DIGITS = r"^\d{1,2}\D\d{1,2}\D\d\d(?:\D|$)"
_MOST = 0.98
"""The share of dates from which a column is pointed out as one of dates."""
_FEW = 16


def of_text(name: str, first: pl.Series | None, reading: Reading) -> Doubt | None:
    """A note on a column of text. first: some of its words."""
    if not _could_be_more(first):
        return None
    words = _present(first)
    if words is None:
        return None
    return (
        _zones(name, words, reading)
        or _marked(name, words)
        or _week_days(name, words)
        or _other_dates(name, words, reading.date_format)
    )


def of_whole_numbers(name: str, first: pl.Series | None) -> Doubt | None:
    """A note that whole numbers, such as 20260131, could be days. first: some of their words."""
    word = _word_of(first)
    if word is not None and not re.match(_DAY, word):
        return None
    words = _present(first)
    if words is None or not words.str.contains(_DAY).all():
        return None
    if words.str.to_date("%Y%m%d", strict=False).null_count():
        return None
    what = f"Column {name!r} is of whole numbers that could be days, such as {words[0]}."
    fix = f"If they are, say {say('schema', f'{name}=date')} and {say('date_format', '%Y%m%d')}."
    return Doubt("date_format", what, fix)


def of_fractions(name: str, first: pl.Series | None) -> Doubt | None:
    """A note that numbers have more digits than a float keeps. first: some of their words."""
    words = _present(first)
    if words is None:
        return None
    long = words.filter(words.str.len_bytes() > _OF_FLOATS)
    for word in long.filter(long.str.contains(_FRACTION)):
        places = len(word.partition(".")[2])
        digits = len(word.lstrip("+-0.").replace(".", ""))
        exact = f"{float(word):.{places}f}" == word.removeprefix("+")
        if digits > _OF_FLOATS and not exact:
            kept = f"dec[{_MOST_DIGITS},{places}]" if digits <= _MOST_DIGITS else "str"
            return Doubt(
                "types",
                f"Column {name!r} has numbers of more digits than f64 keeps, such as {word[:60]}:"
                " they are rounded.",
                f"To keep all digits, say {say('schema', f'{name}={kept}')}.",
            )
    return None


def _word_of(first: pl.Series | None) -> str | None:
    """One word that is not missing; None if there is none at the beginning."""
    words = [] if first is None else first.head(_FEW).to_list()
    return next((word.strip() for word in words if word and word.strip() not in MISSING), None)


def _could_be_more(first: pl.Series | None) -> bool:
    """Whether one word is of a form that all must have for a note. This spares wide tables of plain
    text a search through each of their columns.
    """
    word = _word_of(first)
    return word is None or bool(re.match(r"[\W\d_].*\d|\d", word))


def _present(first: pl.Series | None) -> pl.Series | None:
    """The words that are not missing, without blanks at their ends; None if there is none."""
    if first is None:
        return None
    words = first.drop_nulls().str.strip_chars()
    words = words.filter(~words.is_in(list(MISSING)))
    return words if len(words) else None


def _zones(name: str, words: pl.Series, reading: Reading) -> Doubt | None:
    import polars as pl

    if reading.time_zone is not None:
        return None
    word = pl.col("word")
    zoned, plain = (
        from_text(word, dtype, None)[0].is_not_null()
        for dtype in (pl.Datetime("us", "UTC"), pl.Datetime("us"))
    )
    found = words.to_frame("word").select(
        all=(zoned | plain).all(), zoned=zoned.sum(), plain=plain.sum()
    )
    is_all, with_zone, without = found.row(0)
    if not (is_all and with_zone and without):
        return None
    what = (
        f"Column {name!r} is text: its times have a zone in some rows ({with_zone:,} of the first"
        f" {len(words):,}) and none in others."
    )
    return Doubt("time_zone", what, f"Say in which zone the others are, {say('time_zone', 'UTC')}.")


def _marked(name: str, words: pl.Series) -> Doubt | None:
    """Numbers with a sign of a currency, a percent sign, or a minus that is none."""
    marked = words.filter(words.str.contains(f"[{_SIGNS}]"))
    if not len(marked):
        return None
    bare = words.str.replace_all(_MINUS, "-").str.replace_all(rf"[{_SIGNS}\s\u00a0\u202f]", "")
    if not bare.str.contains(_BARE_NUMBER).all():
        return None
    sign = next(sign for sign in _SIGNS if sign in marked[0])
    if sign == _MINUS:
        what = f"Column {name!r} is text: its minus is the sign U+2212, as in {marked[0][:40]!r}."
        return Doubt("types", what, "With - in its place in the file, the values are numbers.")
    what = f"Column {name!r} is text: without {sign!r} its values are numbers ({marked[0][:40]!r})."
    return Doubt("types", what, "Remove the sign in the file to have numbers.")


def _week_days(name: str, words: pl.Series) -> Doubt | None:
    if not words.str.contains(_WEEK_DAY).all():
        return None
    what = f"Column {name!r} is text: its values, such as {words[0]!r}, could be days of weeks."
    return Doubt("date_format", what, f"If they are, say {say('date_format', '%G-W%V-%u')}.")


def _other_dates(name: str, words: pl.Series, asked: str | None) -> Doubt | None:
    """Dates of another form than the one that is asked for, which are then not read."""
    import polars as pl

    if not asked:
        return None
    short = bool(words.str.contains(_TWO_DIGITS).all())
    word, spelled = words.to_frame("word"), SHORT_DATES if short else DATES
    read = word.select(
        moment(pl.col("word"), form).is_not_null().mean().alias(form) for form in spelled
    )
    forms = [form for form in spelled if form != asked and read[form][0] > _MOST]
    if not forms:
        return None
    what = f"Column {name!r} is text: its values, such as {words[0][:40]!r}, are no dates of the"
    fix = " or ".join(say("date_format", form) for form in forms)
    return Doubt("date_format", f"{what} form {asked}.", f"If they are dates, say {fix}.")
