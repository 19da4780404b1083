"""What an online store answers: columns of some entities, made from the cells that it stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from .feast_values import DamagedValue, Remembered, values_of

AT_ONCE = 500
"""Keys in one statement or one message."""

_MOST_KNOWN = 100_000


class Column(NamedTuple):
    """One feature of some entities, in their order. at: event times; None where the store has
    nothing, which a null value is not.
    """

    values: list[Any]
    at: list[datetime | None]


class Keys(NamedTuple):
    """Which entities. types: Feast's type by name. rows: values in that order, see
    `feast_keys.typed`.
    """

    types: Mapping[str, str]
    rows: Sequence[Sequence[Any]]


class Store(Protocol):
    """An online store. It is used by one thread at a time, except `RedisStore`."""

    def read(self, view: str, keys: Keys, features: Mapping[str, str]) -> dict[str, Column]:
        """What is stored, by feature. features: Feast's type by name. Raises errors of the store's
        library.
        """


def column_of(
    stored: Sequence[bytes | None],
    at: Sequence[Any],
    feature: tuple[str, str],
    times: Moments,
) -> Column:
    """The values and event times of one feature (name, Feast's type), from what is stored of them.
    Raises DamagedValue.
    """
    name, kind = feature
    try:
        return Column(values_of(stored, kind), times.of(at))
    except DamagedValue as error:
        error.feature = name
        raise


def even(
    rows: Sequence[tuple[Any, ...]], names: int, features: Sequence[str]
) -> Sequence[Sequence[Any]] | None:
    """Cells (values, then event times, of each feature) of rows (feature, value, event time) where
    each name has the same features in the same order, or a row of None, as is usual; else None.
    """
    of_row, values, at = map(list, list(zip(*rows, strict=True))[:3]) if rows else ([], [], [])
    unknown = of_row.count(None)
    known = next((place for place, feature in enumerate(of_row) if feature is not None), 0)
    each = (len(rows) - unknown) // max(1, names - unknown)
    stored = of_row[known : known + each]
    if not stored or not set(features) <= set(stored):
        return None
    place = 0
    for _ in range(unknown):  # a name without rows: as many empty cells as others have
        place = of_row.index(None, place)
        of_row[place : place + 1] = stored
        values[place : place + 1] = at[place : place + 1] = [None] * each
        place += each
    if of_row != stored * names:
        return None
    places = map(stored.index, features)
    return [cell for place in places for cell in (values[place::each], at[place::each])]


class Moments:
    """Event times as they were read before; those of a view are few, or asked for again."""

    def __init__(self, read: Callable[[Any], datetime]) -> None:
        self._known = Remembered(read, _MOST_KNOWN)
        self._last: tuple[Sequence[Any], list[datetime | None]] = ((), [])

    def of(self, stored: Sequence[Any]) -> list[datetime | None]:
        """The event times of a feature, which are often those of the one before."""
        last = self._last  # another thread may replace it
        if stored != last[0]:
            self._last = last = stored, self._known.of(stored)
        return last[1].copy()
