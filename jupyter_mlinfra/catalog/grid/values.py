"""Values of filters: what a user or a chart gives, as a value of the column's type and as code."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ...core.display import encodable
from ...core.errors import BadRequest
from ...core.snippets import literal, text

if TYPE_CHECKING:
    import polars as pl

_LARGEST = 2**127
_DIGITS = 38
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+")
_TIMES = frozenset({"import datetime as dt"})
_DECIMALS = frozenset({"from decimal import Decimal"})


@dataclass(frozen=True, slots=True)
class Written[T]:
    """A part of a query, and the code that says the same. imports: the lines that it needs."""

    what: T
    code: str
    imports: frozenset[str] = frozenset()


class Unfit(ValueError):
    """A value that is none of the column's type; the text says what would be."""


def value_of(given: Any, dtype: pl.DataType) -> Written[Any]:
    """The value as Polars compares it with a column of this type. Raises Unfit."""
    import polars as pl

    if dtype.is_integer():
        return _plain(_whole(given))
    if dtype.is_float():
        return _plain(_number(given))
    if isinstance(dtype, pl.Datetime):
        return _moment(given, dtype)
    reader = _readers().get(dtype.base_type())
    if reader is None:
        raise Unfit(f"Values of type {dtype} are not compared, only `null` and `not null` are.")
    return reader(given)


def series_of(given: Sequence[Any], dtype: pl.DataType) -> Written[Any]:
    """The values of an `in`, as one of the column's type: a plain list would have a type of its
    own. What the type cannot hold, no row has: it is left out. Raises Unfit.
    """
    import polars as pl

    values = [
        _utc(value, dtype) if isinstance(dtype, pl.Datetime) else value_of(value, dtype)
        for value in given
    ]
    kept = [value for value in values if _holds(dtype, value.what)]
    listed = ", ".join(value.code for value in kept)
    return Written(
        pl.Series([value.what for value in kept], dtype=dtype).implode(),
        f"pl.Series([{listed}], dtype=pl.{dtype!r}).implode()",
        frozenset[str]().union(*(value.imports for value in kept)),
    )


def _holds(dtype: pl.DataType, value: Any) -> bool:
    import polars as pl

    is_ns = isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns"
    if not (dtype.is_integer() or dtype.is_decimal() or is_ns):
        return True
    try:
        return bool(pl.Series([value], dtype=dtype).item() == value)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return False


def _readers() -> Mapping[Any, Callable[[Any], Written[Any]]]:
    import polars as pl

    return {
        pl.String: _word,
        pl.Boolean: _truth,
        pl.Decimal: _decimal,
        pl.Date: _date,
        pl.Time: _time,
    }


def _plain(value: float) -> Written[Any]:
    return Written(value, literal(value))


def _word(given: Any) -> Written[Any]:
    if not isinstance(given, str):
        raise Unfit("Its values are texts.")
    if encodable(given) != given:
        raise Unfit("Its values are texts, and this has half of a character (a lone surrogate).")
    return Written(given, text(given))


def _truth(given: Any) -> Written[Any]:
    if isinstance(given, str) and given.strip().lower() in ("true", "false"):
        given = given.strip().lower() == "true"
    if not isinstance(given, bool):
        raise Unfit("Its values are true and false.")
    return _plain(given)


def _whole(given: Any) -> int:
    """JavaScript holds no large whole numbers: they come as text, or as a float."""
    found: int | None = None
    if isinstance(given, int) and not isinstance(given, bool):
        found = given
    elif isinstance(given, float) and given.is_integer():
        found = int(given)
    elif isinstance(given, str) and len(given) <= _DIGITS + 10:
        digits = _numeral(given)
        try:
            found = int(digits)
        except ValueError:
            found = None
    if found is None or abs(found) >= _LARGEST:
        raise Unfit("Its values are whole numbers.")
    return found


def _numeral(written: str) -> str:
    """A number as Python reads it. A comma parts thousands here; elsewhere it is the decimal sign,
    so one that could be that is refused. Raises Unfit.
    """
    found = written.strip().replace("−", "-")
    if "," in found and not _THOUSANDS.fullmatch(found):
        raise Unfit("Its numbers have a point, and commas only between thousands: 1.5, 1,500.")
    return found.replace(",", "")


def _number(given: Any) -> float:
    if isinstance(given, str):
        given = _numeral(given)
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise Unfit("Its values are numbers.")
    try:
        return float(given)
    except (ValueError, OverflowError):
        raise Unfit("Its values are numbers, such as 1.5, 2e6, inf or NaN.") from None


def _decimal(given: Any) -> Written[Any]:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise Unfit("Its values are decimal numbers.")
    try:
        found = Decimal(_numeral(str(given)))
    except InvalidOperation:
        raise Unfit("Its values are decimal numbers, such as 12.50.") from None
    if (
        not found.is_finite()
        or found.adjusted() >= _DIGITS
        or len(found.as_tuple().digits) > _DIGITS
    ):
        raise Unfit(f"Its values have at most {_DIGITS} digits.")
    return Written(found, f"Decimal({text(str(found))})", _DECIMALS)


def _date(given: Any) -> Written[Any]:
    try:
        found = dt.date.fromisoformat(_stripped(given))
    except ValueError:
        raise Unfit("Its values are dates, such as 2013-12-31.") from None
    return Written(found, f"dt.date({found.year}, {found.month}, {found.day})", _TIMES)


def _time(given: Any) -> Written[Any]:
    try:
        found = dt.time.fromisoformat(_stripped(given))
    except ValueError:
        found = dt.time(tzinfo=dt.UTC)
    if found.tzinfo is not None:
        raise Unfit("Its values are times of day, such as 17:30.")
    return Written(
        found, _call("dt.time", found.hour, found.minute, found.second, found.microsecond), _TIMES
    )


def _moment(given: Any, dtype: pl.Datetime) -> Written[Any]:
    import polars as pl

    found = _utc(given, dtype)
    zone = dtype.time_zone
    if zone in (None, "UTC"):
        return found
    return Written(
        pl.lit(found.what).dt.convert_time_zone(zone),
        f"pl.lit({found.code}).dt.convert_time_zone({text(zone)})",
        found.imports,
    )


def _utc(given: Any, dtype: pl.Datetime) -> Written[dt.datetime]:
    """A moment without a zone is in UTC where the column has one: so it is shown."""
    try:
        found = dt.datetime.fromisoformat(_stripped(given))
        if dtype.time_zone is not None:
            found = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Unfit("Its values are moments, such as 2013-12-31 or 2013-12-31T17:30.") from None
    if dtype.time_zone is None and found.tzinfo is not None:
        raise Unfit("Its values have no time zone: leave out that of the moment.")
    parts = (found.year, found.month, found.day, found.hour, found.minute, found.second)
    code = _call("dt.datetime", *parts, found.microsecond, least=3, zoned=found.tzinfo is not None)
    return Written(found, code, _TIMES)


def _call(name: str, *parts: int, least: int = 1, zoned: bool = False) -> str:
    """A call with the numbers up to the last one that is not 0."""
    shown = list(parts)
    while len(shown) > least and not shown[-1]:
        shown.pop()
    return f"{name}({', '.join([*map(str, shown), *(['tzinfo=dt.UTC'] if zoned else [])])})"


def _stripped(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("not a text")
    return given.strip()


def bad_filter(words: str, why: str, fix: str) -> BadRequest:
    """What is wrong with which filter."""
    return BadRequest(f"The filter {words} cannot be used.", why, fix)
