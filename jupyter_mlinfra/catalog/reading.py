"""How files are read: what the user set, what was guessed, and what remains in doubt."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from ..core.display import encodable
from ..core.errors import BadRequest, Unprocessable

DECIMALS = (".", ",")
THOUSANDS = ("", ".", ",", "'", " ")
BLANKS = "blanks"
"""The separator of a table that is aligned by blanks: runs of blanks and tabs."""

_SIGN_NAMES = {
    "tab": "\t",
    "\\t": "\t",
    "\\x01": "\x01",
    "space": " ",
    "none": "",
    "\u2019": "'",
    "\u00a0": " ",
    "\u202f": " ",
}
_MAX_SKIPPED = 10_000
_FEW_ROWS = 10
"""How many rows of a small file may be set aside, as long as they are not most of it."""
_MAX_COMMENT_LENGTH = 8


class ReadingOptions(TypedDict, total=False):
    """How text is read; an option that is missing or None is guessed.

    header: whether the first record holds the names. skip: lines before it. comment: how a line to
    be ignored begins. quote, comment, thousands: "" for none. date_format: as in strftime, such as
    %d.%m.%Y; ISO 8601 is always understood. null_values: words that mean a missing value in every
    column. time_zone: of times without a zone. types: short type words by column; a wider one than
    the dataset has widens its column. max_bad: the share of rows that may go to quarantine.
    row_names: the header has no name for the first field, where R writes the names of rows. sheet:
    of a workbook, by name or number from 1; the first if it is not given. union: a column that a
    file or the dataset lacks is empty there, instead of an error. rows: of JSON, the field whose
    list has the rows, such as `hits.hits`; "" if the objects of the file are the rows.
    """

    encoding: str | None
    header: bool | None
    separator: str | None
    skip: int | None
    comment: str | None
    quote: str | None
    decimal: str | None
    thousands: str | None
    date_format: str | None
    null_values: Sequence[str]
    time_zone: str | None
    types: Mapping[str, str] | None
    max_bad: float
    row_names: bool
    sheet: str | None
    union: bool
    rows: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`ReadingOptions`, checked. Raises BadRequest for an impossible value."""

    encoding: str | None = None
    header: bool | None = None
    separator: str | None = None
    skip: int | None = None
    comment: str | None = None
    quote: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    null_values: Sequence[str] = ()
    time_zone: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    max_bad: float = 0.1
    row_names: bool = False
    sheet: str | None = None
    union: bool = False
    rows: str | None = None
    json_columns: int = 5000
    """Of the settings, not of the user."""

    def __post_init__(self) -> None:
        for name in ("separator", "quote", "comment", "thousands", "rows"):
            value = getattr(self, name)
            object.__setattr__(self, name, _SIGN_NAMES.get(value, value))
        object.__setattr__(self, "types", self.types or {})
        _check_signs(self)
        _check_numbers(self)
        _check_words(self)
        if self.skip is not None and not 0 <= self.skip <= _MAX_SKIPPED:
            raise BadRequest(
                f"skip={self.skip} is out of range.", fix=f"Skip 0 to {_MAX_SKIPPED:,} lines."
            )
        if not 0 <= self.max_bad <= 1:
            raise BadRequest(
                f"max_bad={self.max_bad} is out of range.", fix="Use a share from 0 to 1."
            )

    def tolerates(self, unfit: int, total: int) -> bool:
        """Whether so many of all rows may be set aside."""
        return unfit <= self.max_bad * total or (
            unfit <= _FEW_ROWS and 2 * unfit <= total and self.max_bad > 0
        )


def _check_signs(reading: Reading) -> None:
    """Separator, quote and comment."""
    for name, empty in (("separator", False), ("quote", True)):
        sign = getattr(reading, name)
        if sign is None or (empty and sign == "") or (name == "separator" and sign == BLANKS):
            continue
        if (
            len(sign) != 1
            or not sign.isascii()
            or sign.isalnum()
            or not (sign.isprintable() or sign in "\t\x01")
        ):
            fix = "Examples: , ; | tab blanks." if name == "separator" else "Examples: \" ' none."
            raise BadRequest(
                f"{sign!r} cannot be the {name}.",
                "It is one ASCII character, not a letter or digit.",
                fix,
            )
    if reading.separator is not None and reading.separator == reading.quote:
        raise BadRequest(
            f"{reading.quote!r} cannot be both separator and quote.",
            fix="Use two different characters.",
        )
    if reading.comment and (
        len(reading.comment) > _MAX_COMMENT_LENGTH or not reading.comment.isprintable()
    ):
        raise BadRequest(
            f"{reading.comment[:20]!r} cannot begin a comment.",
            f"It is 1 to {_MAX_COMMENT_LENGTH} printable characters.",
            "For example #.",
        )


def _check_numbers(reading: Reading) -> None:
    if reading.decimal is not None and reading.decimal not in DECIMALS:
        raise BadRequest(
            f"{reading.decimal!r} cannot be the decimal mark.", fix="Use . or a comma."
        )
    if reading.thousands is not None and reading.thousands not in THOUSANDS:
        raise BadRequest(
            f"{reading.thousands!r} cannot be the thousands mark.",
            fix="Use a point, a comma, ', space or none.",
        )
    if reading.decimal is not None and reading.decimal == reading.thousands:
        raise BadRequest(
            f"{reading.decimal!r} cannot be both decimal and thousands mark.",
            fix="Use two different marks.",
        )


def _check_words(reading: Reading) -> None:
    """Of what is looked for in files."""
    single = (reading.date_format, reading.time_zone, reading.sheet, reading.rows)
    for word in map(str, (*reading.null_values, *reading.types, *filter(None, single))):
        if encodable(word) != word:
            raise BadRequest(
                f"{word[:20]!r} is in no file.",
                "It has half of a character (a lone surrogate).",
                "Type the character again.",
            )


def say(option: str, value: str | int | bool) -> str:
    """An option as it is written on the command line and in Python: `--skip 2 (in Python
    skip=2)`.
    """
    python = {"null": "null_values", "type": "types", "schema": "types"}.get(option, option)
    if option in ("header", "row_names", "union"):
        word = option.replace("_", "-")
        return f"--{'' if value else 'no-'}{word} (in Python {option}={value})"
    shown = {"\t": "tab", "": "none", "\x01": "\\x01"}.get(str(value), str(value))
    python_value = (
        f"[{value!r}]"
        if option == "null"
        else repr(dict([str(value).rsplit("=", 1)]))
        if option in ("type", "schema")
        else repr(value)
    )
    return f"--{option.replace('_', '-')} {shlex.quote(shown)} (in Python {python}={python_value})"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A guess that may be wrong. option: the one that settles it. stops: nothing is ingested until
    it is settled. column: the one that it is about; it is no doubt where the dataset has that.
    """

    option: str
    what: str
    fix: str
    stops: bool = False
    column: str = ""

    def error(self) -> Unprocessable:
        """The error for a doubt that stops."""
        return Unprocessable(
            self.what, "A guess could be wrong data.", f"{self.fix} Nothing was committed."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one CSV file is split into records and fields. guessed: the options that the user did not
    set.
    """

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    comment: str = ""
    skip: int = 0
    header: bool = True
    row_names: bool = False
    guessed: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def sign(self) -> str:
        """The character between fields, as readers see it and as rows are written again."""
        return "\t" if self.separator == BLANKS else self.separator
