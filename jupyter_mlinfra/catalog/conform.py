"""Conversion of values to a column's type: by which expression, and which rows do not fit.

No value is changed: 2.5 does not become 2, a time without a zone gets none unasked, and a value
that does not fit is reported with its row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, Unprocessable
from .dtypes import has_empty_struct, short_dtype, storable
from .spelling import PLAIN, Spelling, day, has_digits, has_time, moment, number, without_cut_years
from .uuids import UUID, Kind, as_bytes, text_of, text_type

if TYPE_CHECKING:
    import polars as pl

MISSING = (
    "",
    "-",
    "?",
    "#N/A",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "na",
    "nan",
    "none",
    "null",
)
"""Words that can only mean a missing value in a column of numbers, booleans or times; in a text
column they are text.
"""

TRUE, FALSE = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")
"""Words for true and false in a column of them, in small or capital letters; of a column that is
not known to be one, only `true` and `false` tell so.
"""

ISO = "%Y-%m-%d"
_FINER_THAN_MICROSECONDS = r":\d\d\.\d{6}\d*[1-9]"
_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z")
_PLAIN = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class Target:
    """What a column of the table accepts. is_uuid: 16 bytes, which text may spell."""

    dtype: pl.DataType
    required: bool = False
    is_uuid: bool = field(default=False, compare=False)

    @property
    def word(self) -> str:
        """The short word of its type."""
        return UUID if self.is_uuid else short_dtype(self.dtype)


@dataclass(frozen=True)
class Fit:
    """One column on its way into the table: the typed values, and where a value was lost.

    quick: the same values for nearly every row of text, in a third of the time; `doubt` says where
    `typed` has to be asked. nulls_tell: where no value of `quick` is missing beside those of the
    source, there is no doubt. cut: where a time has parts of a microsecond; None where that cannot
    be.
    """

    name: str
    target: Target
    exact: Callable[[], tuple[pl.Expr, pl.Expr]]
    quick: pl.Expr
    doubt: pl.Expr
    nulls_tell: bool
    cut: pl.Expr | None = None

    @cached_property
    def _exactly(self) -> tuple[pl.Expr, pl.Expr]:
        return self.exact()

    @property
    def typed(self) -> pl.Expr:
        return self._exactly[0]

    @property
    def bad(self) -> pl.Expr:
        return self._exactly[1]


def check_zone(zone: str | None) -> None:
    """Raise BadRequest if `zone` is not a time zone of the tz database."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if zone is not None:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequest(
            f"{zone!r} is not a time zone.", fix="Write it as in America/New_York, or UTC."
        ) from error


def in_range(value: pl.Expr) -> pl.Expr:
    """Whether dates or times lie in the years 1 to 9999: Python and most readers of a table accept
    no others.
    """
    return value.dt.year().is_between(1, 9999).fill_null(value=False)  # infinity has no year


def from_text(
    text: pl.Expr, dtype: pl.DataType, zone: str | None, spelling: Spelling = PLAIN
) -> tuple[pl.Expr, pl.Expr]:
    """The values that `text` spells, and which rows hold a word at all.

    zone: for times without one; an hour that a clock change skipped or doubled is not a value.
    Raises Unprocessable for a type that text cannot spell.
    """
    import polars as pl

    if dtype == pl.String():
        return text, text.is_not_null()
    word = text.str.strip_chars()
    present = word.is_not_null() & ~word.is_in(MISSING)
    if isinstance(dtype, pl.Decimal):
        value = number(word, dtype, spelling)  # rounded to the digits of the type
        same = has_digits(word, dtype.scale, spelling)
        return pl.when(present & same).then(value), present
    if dtype.is_numeric():
        value = number(word, dtype, spelling)
        if dtype.is_float():  # 1e400 is no infinity
            known = present & ~(value.is_infinite() & word.str.contains(r"\d"))
            return pl.when(known).then(value), present
        return pl.when(present).then(value), present
    if dtype == pl.Boolean():
        lower = word.str.to_lowercase()
        return (
            pl.when(lower.is_in(TRUE))
            .then(pl.lit(True))
            .when(lower.is_in(FALSE))
            .then(pl.lit(False)),
            present,
        )
    if dtype == pl.Date():
        by_format = (
            [day(word, spelling.date)] if spelling.date and not has_time(spelling.date) else []
        )
        return pl.coalesce(day(word, ISO), *by_format), present
    if dtype == pl.Time():
        forms = ("%H:%M:%S%.f", "%H:%M")
        return pl.coalesce(word.str.to_time(form, strict=False) for form in forms), present
    if isinstance(dtype, pl.Datetime):
        return _moment(word, dtype, zone, spelling), present
    raise Unprocessable(
        f"Text cannot be read as {short_dtype(dtype)}.",
        "Only numbers, true and false, dates and times can be written as text.",
        "Use a Parquet file.",
    )


def fit(
    name: str,
    source: pl.DataType,
    target: Target,
    *,
    spelled: bool,
    zone: str | None,
    spelling: Spelling = PLAIN,
    uuid: Kind = "",
) -> Fit:
    """How column `name` of type `source` becomes `target`.

    spelled: text may be values of any type (CSV, JSON). uuid: which of its bytes are UUIDs.
    Raises Unprocessable if the types do not match.
    """
    import polars as pl

    column = pl.col(name)
    if target.is_uuid and source == pl.String():
        return _fit_uuid(name, target, spelled=spelled)
    if uuid and target.dtype == text_type(source, uuid):
        typed, bad = _valid(text_of(column, uuid), pl.lit(False), target, name)
        return Fit(name, target, lambda: (typed, bad), typed, bad, not target.required)
    cut = _cut(column, source, target.dtype, spelled=spelled)
    is_text = source == pl.String() and spelled
    if is_text and not target.required and (spelling == PLAIN or target.dtype == pl.String()):
        quick = _quick(column, target.dtype)
        if quick is not None:
            doubt = column.is_not_null() & quick.is_null()
            quick = quick.cast(target.dtype).alias(name)
            return Fit(
                name,
                target,
                lambda: _of_text(column, target, zone, spelling, name),
                quick,
                doubt,
                nulls_tell=True,
                cut=cut,
            )
    nulls_tell = not target.required
    if is_text:
        typed, bad = _of_text(column, target, zone, spelling, name)
    else:
        typed = _converted(name, source, target.dtype, zone)
        bad = column.is_not_null() & typed.is_null()
        if (changed := _changed(column, typed, source, target.dtype)) is not None:
            bad, nulls_tell = bad | changed, False
        if source.is_float() and target.dtype.is_integer():
            bad = bad & column.is_not_nan()
        typed, bad = _valid(typed, bad, target, name)
    return Fit(name, target, lambda: (typed, bad), typed, bad, nulls_tell, cut)


def _fit_uuid(name: str, target: Target, *, spelled: bool) -> Fit:
    """Text as the bytes of a UUID."""
    import polars as pl

    text = pl.col(name)
    present = text.is_not_null()
    if spelled:
        present = present & ~text.str.strip_chars().is_in(MISSING)
    value = pl.when(present).then(as_bytes(text))
    typed, bad = _valid(value, present & value.is_null(), target, name)
    return Fit(name, target, lambda: (typed, bad), typed, bad, not target.required)


def _of_text(
    column: pl.Expr, target: Target, zone: str | None, spelling: Spelling, name: str
) -> tuple[pl.Expr, pl.Expr]:
    typed, present = from_text(column, target.dtype, zone, spelling)
    return _valid(typed, present & typed.is_null(), target, name)


def _valid(typed: pl.Expr, bad: pl.Expr, target: Target, name: str) -> tuple[pl.Expr, pl.Expr]:
    """The values that a table can keep, and where one was lost."""
    import polars as pl

    if isinstance(target.dtype, pl.Date | pl.Datetime):
        valid = pl.when(in_range(typed)).then(typed)
        typed, bad = valid, bad | (typed.is_not_null() & valid.is_null())
    if target.dtype == pl.Time():  # Polars counts nanoseconds
        typed = (typed.to_physical() // 1000 * 1000).cast(pl.Time)
    if target.required:
        bad = bad | typed.is_null()
    return typed.cast(target.dtype).alias(name), bad.fill_null(False)


def _changed(
    column: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType
) -> pl.Expr | None:
    """Where a number is another one in the new type: 2.5 as a whole number, 2⁵³ + 1 as a float,
    0.125 with two digits. None where none can be.
    """
    import polars as pl

    if not (source.is_numeric() and target.is_numeric()) or source == target:
        return None
    if source.is_float() and target.is_integer():
        return typed.cast(pl.Float64) != column.cast(pl.Float64)
    if source.is_float() and target.is_float():
        narrowed = source == pl.Float64() and target == pl.Float32()
        return (typed.cast(pl.Float64) != column) & column.is_not_nan() if narrowed else None
    if source.is_integer() and target.is_float():
        return typed.cast(pl.Int128, strict=False) != column.cast(pl.Int128)
    if not (source.is_decimal() or target.is_decimal()):
        return None
    if source.is_float() or target.is_float():
        return typed.cast(pl.Float64) != column.cast(pl.Float64)
    return typed.cast(source, strict=False).ne_missing(column)


def _cut(
    column: pl.Expr, source: pl.DataType, target: pl.DataType, *, spelled: bool
) -> pl.Expr | None:
    """Where a time has parts of a microsecond."""
    import polars as pl

    if not isinstance(target, pl.Datetime | pl.Time):
        return None
    if source == pl.String() and spelled:
        return column.str.contains(_FINER_THAN_MICROSECONDS)
    is_finer = source == pl.Time() or (isinstance(source, pl.Datetime) and source.time_unit == "ns")
    return column.to_physical() % 1000 != 0 if is_finer else None


def _quick(column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Words without blanks and without other words for a missing value: numbers as they are, times
    in the first form.
    """
    import polars as pl

    if dtype == pl.String():
        return column
    if dtype.is_float():
        value = column.cast(dtype, strict=False)
        return pl.when(value.is_finite()).then(value)
    if dtype.is_integer():
        return column.cast(dtype, strict=False)
    if isinstance(dtype, pl.Datetime):
        form, zone = (_ZONED[0], "UTC") if dtype.time_zone else (_PLAIN[0], None)
        moments = column.str.to_datetime(form, strict=False, time_unit="us", time_zone=zone)
        return pl.when(moments.dt.year().is_between(1000, 9999)).then(moments)
    return None


def _converted(name: str, source: pl.DataType, target: pl.DataType, zone: str | None) -> pl.Expr:
    import polars as pl

    column = pl.col(name)
    if source == target or source == pl.Null():
        return column
    if isinstance(target, pl.Datetime) and isinstance(source, pl.Datetime | pl.Date):
        return _to_moment(name, source, target, zone)
    if source == pl.Duration and (told := _of_duration(column, target)) is not None:
        return told
    if (
        target == pl.String()
        and not source.is_nested()
        and source not in (pl.Binary(), pl.Object())
    ):
        return column.cast(pl.String)
    if source.is_numeric() and target.is_numeric():
        return column.cast(target, strict=False)
    if storable(source, name) == target:
        return (_filled(column, source) if has_empty_struct(source) else column).cast(target)
    fix = (
        "Convert the column before, or rewrite the whole dataset with --replace (in Python"
        " mode='replace')."
    )
    if source.is_nested() and target == pl.String():
        fix = f"Of JSON, --schema {name}=str keeps it as JSON text. Else: {fix}"
    raise Unprocessable(
        f"Column {name!r} does not fit.",
        f"It holds {short_dtype(source)}; the dataset has {short_dtype(target)}.",
        fix,
    )


def _of_duration(column: pl.Expr, target: pl.DataType) -> pl.Expr | None:
    """A duration as whole microseconds, as seconds, or as ISO 8601 writes it; None for other
    types.
    """
    import polars as pl

    if target == pl.String():
        return column.dt.to_string("iso")
    micros = column.dt.total_microseconds()
    if target == pl.Int64():
        return micros
    return micros / 1e6 if target == pl.Float64() else None


def _filled(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Values of which each object without fields is the text `{}`."""
    import polars as pl

    if isinstance(dtype, pl.Struct):
        fields = [
            _filled(value.struct.field(field.name), field.dtype).alias(field.name)  # type: ignore[arg-type]  # an instance
            for field in dtype.fields
        ]
        return pl.when(value.is_not_null()).then(pl.struct(fields) if fields else pl.lit("{}"))
    if isinstance(dtype, pl.List):
        return value.list.eval(_filled(pl.element(), dtype.inner))  # type: ignore[arg-type]  # as above
    return value


def _to_moment(name: str, source: pl.DataType, target: pl.Datetime, zone: str | None) -> pl.Expr:
    import polars as pl

    column = pl.col(name)
    source_zone = source.time_zone if isinstance(source, pl.Datetime) else None
    if target.time_zone is None and source_zone is None:
        return column.cast(target)
    if source_zone is not None and target.time_zone is not None:
        return column.dt.convert_time_zone("UTC").cast(target)
    if source_zone is None and zone is not None:
        return _in_zone(column.cast(pl.Datetime("us")), zone)
    what = f"Column {name!r} does not fit."
    if source_zone is None:
        raise Unprocessable(
            what,
            "Its times have no zone; those of the dataset have one.",
            "Say in which zone they were read, for example --time-zone UTC (in Python"
            " time_zone='UTC').",
        )
    raise Unprocessable(
        what,
        "Its times have a zone; those of the dataset have none.",
        "Remove the zone first, or rewrite the dataset with --replace (in Python mode='replace').",
    )


def _moment(word: pl.Expr, dtype: pl.Datetime, zone: str | None, spelling: Spelling) -> pl.Expr:
    import polars as pl

    by_format = [moment(word, spelling.date)] if spelling.date else []
    plain = pl.coalesce(
        [
            *(word.str.to_datetime(form, strict=False, time_unit="us") for form in _PLAIN),
            day(word, ISO).cast(pl.Datetime("us")),
            *by_format,
        ]
    )
    plain = without_cut_years(word, plain)
    if dtype.time_zone is None:
        return plain
    zoned = [
        word.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC") for form in _ZONED
    ]
    return pl.coalesce(
        without_cut_years(word, pl.coalesce(zoned)), *([_in_zone(plain, zone)] if zone else [])
    )


def _in_zone(plain: pl.Expr, zone: str) -> pl.Expr:
    return plain.dt.replace_time_zone(
        zone, ambiguous="null", non_existent="null"
    ).dt.convert_time_zone("UTC")
