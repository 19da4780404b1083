"""Rows of an online store that were read before, for as long as nothing in it changes.

It imports the standard library alone, since bundles of deployments have a copy of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from .feast_columns import Column
from .feast_values import DamagedValue

_MOST_CELLS = 400_000
"""Values and event times that are kept, 20 MB at most: long texts, keys and each row count, too."""

_BYTES_OF_A_CELL = 64

_CELLS_OF_A_ROW = 3
"""What a row takes besides its cells and its key."""

Read = Callable[[Sequence[bytes]], Mapping[str, Column]]
"""Reads the columns of some keys."""


class KnownRows:
    """Rows by key, of each view and choice of its features. Used by one thread at a time."""

    def __init__(self) -> None:
        self._version: object = None
        self._rows: dict[object, dict[bytes, tuple[Any, ...]]] = {}
        self._cells = 0

    def columns(
        self,
        version: object,
        view: str,
        names: Sequence[bytes],
        features: Mapping[str, str],
        read: Read,
    ) -> dict[str, Column]:
        """A cell for each of the names (keys as the store has them), in their order; only those
        that are not known are read. version: of the store; what is known of another is forgotten.
        features: Feast's type by name; none whose values can be changed in place, as lists can.
        """
        if version != self._version:
            self._forget()
            self._version = version
        known = self._rows.setdefault((view, *features.items()), {})
        new = [name for name in names if name not in known]
        found: Mapping[str, Column] = {}
        if new:
            try:
                found = read(new)
            except DamagedValue as error:
                error.place = names.index(new[error.place])
                raise
            self._add(known, new, found, features)
        if len(new) < len(names) or not names:
            found = _columns(list(map(known.__getitem__, names)), features)
        if self._cells > _MOST_CELLS:
            self._forget()
        return {name: found[name] for name in features}

    def _add(
        self,
        known: dict[bytes, tuple[Any, ...]],
        names: Sequence[bytes],
        found: Mapping[str, Column],
        features: Mapping[str, str],
    ) -> None:
        columns = [found[name] for name in features]
        known |= zip(names, zip(*chain.from_iterable(columns), strict=True), strict=True)
        self._cells += (2 * len(features) + _CELLS_OF_A_ROW) * len(names)
        kinds = zip(columns, features.values(), strict=True)
        texts = [column.values for column, kind in kinds if kind in ("BYTES", "STRING")]
        for sized in (names, *texts):
            self._cells += sum(map(len, filter(None, sized))) // _BYTES_OF_A_CELL

    def _forget(self) -> None:
        self._rows.clear()
        self._cells = 0


def _columns(rows: Sequence[tuple[Any, ...]], features: Iterable[str]) -> dict[str, Column]:
    """The columns of rows, each with value and event time of the first feature, then the next."""
    cells = iter([*map(list, zip(*rows, strict=True))])
    return {name: Column(next(cells, []), next(cells, [])) for name in features}
