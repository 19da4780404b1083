"""Command-line words as values."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..core.errors import BadRequest, NotFound, TooLarge, Unprocessable

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)\Z")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
MOST_ROWS = 64 << 20
"""Characters of JSON with rows to predict: a file may be a device that never ends."""
_PYTHON = {"True": True, "False": False, "None": None}


def pair(text: str, *, form: str = "NAME=VALUE", example: str = "depth=6") -> tuple[str, str]:
    """`name=value`. Raises BadRequest."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadRequest(
            f"{text!r} is not {form}.",
            "Nothing is before its `=`." if equals else "It has no `=`.",
            f"For example {example}",
        )
    return name, value


def value_of(text: str) -> Any:
    """A parameter's value: a number, true, false, null, a list or an object if it can be read as
    one; else the text.
    """
    if text in _PYTHON:
        return _PYTHON[text]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def parameters(
    typed: Sequence[str], raw: Sequence[str] = (), *, texts: Collection[str] = ()
) -> dict[str, Any]:
    """`-p name=value` with values parsed, `-r name=value` with values as text. texts: names whose
    values stay text even if they look like numbers.
    """
    found: dict[str, Any] = {}
    for text in typed:
        name, value = pair(text)
        found[name] = value if name in texts else value_of(value)
    return found | dict(map(pair, raw))


def keys(texts: Sequence[str]) -> list[dict[str, str]]:
    """Entities from `--key zip=02134 --key zip=10001`: the n-th values of all names make the n-th
    entity. All are text, which the key's type parses.
    """
    columns: dict[str, list[str]] = {}
    for text in texts:
        name, value = pair(text, example="origin=JFK")
        columns.setdefault(name, []).append(value)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise BadRequest(
            "The keys do not fit together.",
            "Some are given more often than others.",
            "Give every key once for each entity.",
        )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def span(text: str | timedelta | None) -> timedelta | None:
    """`90s`, `30min`, `24h`, `7d`; a span that is one already stays. Raises BadRequest."""
    return duration(text) if isinstance(text, str) else text


def duration(text: str) -> timedelta:
    """As `span`, of a text that is there."""
    found = _SPAN.match(text.strip())
    if not found:
        why = (
            "It has no unit."
            if text.strip().replace(".", "", 1).isdigit()
            else "It is not a number with a unit."
        )
        raise BadRequest(f"{text!r} is not a duration.", why, "For example 90s, 30min, 24h or 7d.")
    if not 0 < float(found[1]) * _UNITS[found[2]] <= 366 * 86_400:
        raise BadRequest(
            f"{text!r} is not a duration.",
            "A duration is above 0 and at most 366 d.",
            "For example 90s, 30min, 24h or 7d.",
        )
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def moment(text: str | None) -> datetime | None:
    """ISO 8601; without a zone it is UTC. Raises BadRequest."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"{text!r} is not a moment.",
            "A moment is written as ISO 8601.",
            "For example 2013-12-01 or 2013-12-01T06:00:00Z.",
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def moment_or_span(text: str | None) -> datetime | timedelta | None:
    """As `moment`, or as `span` if it is written as one. Raises BadRequest."""
    return span(text) if text is not None and _SPAN.match(text.strip()) else moment(text)


def weights(texts: Sequence[str]) -> dict[str, int]:
    """`v1=90 v2=10`. Raises BadRequest."""
    found = {}
    for text in texts:
        name, value = pair(text, form="VERSION=PERCENT", example="v1=90 v2=10")
        if not value.isdecimal() or not value.isascii() or len(value) > 3:
            raise BadRequest(
                f"{text!r} is not VERSION=PERCENT.",
                "A percentage is an integer from 0 to 100.",
                "For example v1=90 v2=10",
            )
        found[name] = int(value)
    return found


def event_rows(file: str) -> Any:
    """Rows to push: JSON lines, a JSON list of objects, CSV or Parquet; `-` for JSON on standard
    input. CSV is read as text. Raises NotFound, Unprocessable, TooLarge.
    """
    if Path(file).suffix.lower() == ".csv":
        import polars as pl

        try:
            return pl.read_csv(file, infer_schema=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise Unprocessable(
                f"{file} cannot be read.", f"{error}.", "Give JSON lines, CSV or Parquet."
            ) from None
    return rows(file, lines=True)


def rows(file: str, *, lines: bool = False) -> Any:
    """Rows to predict: JSON (one object per row, or a body of Seldon's protocol), CSV or Parquet;
    `-` for JSON on standard input. lines: objects in lines of their own are a list of them.
    """
    import sys

    path = Path(file)
    if path.suffix.lower() in (".csv", ".parquet"):
        import polars as pl

        try:
            if path.suffix.lower() == ".parquet":
                return pl.read_parquet(path)
            return pl.read_csv(path, infer_schema_length=None)  # 0.5 may come after whole numbers
        except (OSError, pl.exceptions.PolarsError) as error:
            raise Unprocessable(
                f"{file} cannot be read.", f"{error}.", "Give JSON, CSV or Parquet."
            ) from None
    try:
        with contextlib.nullcontext(sys.stdin) if file == "-" else path.open() as stream:
            text = stream.read(MOST_ROWS + 1)
        if len(text) > MOST_ROWS:
            fix = "Ask for fewer rows at a time, or give them as CSV or Parquet."
            raise TooLarge(
                f"{file} is too large for one request.",
                f"JSON of at most {MOST_ROWS >> 20} million characters is read.",
                fix,
            )
        if lines and not text.lstrip().startswith("["):
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return json.loads(text)
    except OSError as error:
        raise NotFound(
            f"{file} cannot be read.", f"{error.strerror}.", "Give a file of JSON, CSV or Parquet."
        ) from None
    except (ValueError, RecursionError) as error:
        raise Unprocessable(
            f"{file} is not JSON.",
            f"{error}.",
            "Give a list of objects, or a body of Seldon's protocol.",
        ) from None
