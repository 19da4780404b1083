"""Bins of dates and times: whole minutes, hours, days, weeks, months or years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np

type Numbers = np.ndarray[Any, Any]
type Bins = tuple[Numbers, Callable[[int], str], Callable[[int], str]]
"""The place of each value, the beginning of a place in ISO 8601, and its name."""

_MOST = 31
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_SHORT = [10**power * step for power in range(6) for step in (1, 2, 5)]
_CLOCK = [
    seconds * _SECOND
    for seconds in (
        1,
        2,
        5,
        10,
        15,
        30,
        60,
        120,
        300,
        600,
        900,
        1800,
        3600,
        7200,
        10800,
        21600,
        43200,
    )
]
_DAYS = [_DAY, 7 * _DAY]
_MONDAY = 4 * _DAY
"""1970 began on a Thursday; weeks begin on Mondays."""

_MONTHS = [1, 3, 6, *(12 * years for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))]
_EPOCH = datetime(1970, 1, 1)


def bins_of_moments(moments: Numbers) -> Bins:
    """Of microseconds since 1970, in order."""
    return _bins(moments, [*_SHORT, *_CLOCK, *_DAYS])


def bins_of_days(moments: Numbers) -> Bins:
    """Of the beginnings of days, in microseconds since 1970, in order."""
    return _bins(moments, _DAYS)


def bins_of_times(moments: Numbers) -> Bins:
    """Of times of day, in microseconds, in order."""
    width = _width(moments, [*_SHORT, *_CLOCK])

    def label(place: int) -> str:
        moment = min(place * width, _DAY - 1)
        return (_EPOCH + timedelta(microseconds=moment)).time().isoformat()

    return moments // width, label, label


def _width(moments: Numbers, widths: list[int]) -> int:
    """The first of `widths` of which few cover these moments, else the last."""
    return next((width for width in widths if _covers(moments, width)), widths[-1])


def _covers(moments: Numbers, width: int) -> bool:
    offset = _MONDAY if width == 7 * _DAY else 0
    first, last = (int(moments[end]) - offset for end in (0, -1))
    return last // width - first // width < _MOST


def _bins(moments: Numbers, widths: list[int]) -> Bins:
    width = _width(moments, widths)
    if not _covers(moments, width):
        return _bins_of_months(moments)
    offset = _MONDAY if width == 7 * _DAY else 0

    def edge(place: int) -> str:
        moment = _moment(place * width + offset)
        return moment[:10] if width >= _DAY else moment

    return (moments - offset) // width, edge, lambda place: edge(place).replace("T", " ")


def _bins_of_months(moments: Numbers) -> Bins:
    months = moments.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    width = next(
        (
            width
            for width in _MONTHS
            if _place(months[-1], width) - _place(months[0], width) < _MOST
        ),
        _MONTHS[-1],
    )

    def edge(place: int) -> str:
        year, month = divmod(place * width, 12)
        return f"{max(1, year):04}-{month + 1:02}-01"  # there is no year 0

    def label(place: int) -> str:
        return edge(place)[:-6] if width >= 12 else edge(place)[:-3]

    return _place(months, width), edge, label


def _place(months: Any, width: int) -> Any:
    """Of months since 1970; decades begin with the year 1970, 1980, …"""
    return (months + 12 * 1970) // width


def _moment(microseconds: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:
        return str(np.datetime64(microseconds, "us"))
