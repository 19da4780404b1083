"""The rows of a push, checked one by one: each value in the type of its feature, or the reason why
it is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ...core.errors import BadRequest
from ..converting import converter
from ..definitions import Definition
from ..spec import Rejected

AHEAD = timedelta(minutes=5)
"""How far the clock of who pushes may be ahead."""


class Checked:
    """The columns of a push with their values in the types of the views. faults: by the place of
    the row.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], rows: int) -> None:
        self.columns = {name: list(values) for name, values in columns.items()}
        self.rows = rows
        self.faults: dict[int, Rejected] = {}

    def check(self, view: Definition, at: datetime, until: datetime | None = None) -> None:
        """Check the columns of a view. at: the created time of rows that have none. until: the
        latest event time, but for `AHEAD`. Raises BadRequest for a column that is missing.
        """
        source = view.source
        time = source.time if source else "event_timestamp"
        self._require(view, time)
        for key in view.keys:
            self._column(key.name, key.type, empty=False)
        # What is aggregated has the types of its source, which takes the rows or does not.
        for feature in () if view.aggregated else view.features:
            self._column(feature.name, feature.type, empty=True)
        self._column(time, "UNIX_TIMESTAMP", empty=False)
        if until is not None:
            self._not_after(time, until)
        if source and source.created:
            if source.created not in self.columns:
                self.columns[source.created] = [at] * self.rows
            self._column(source.created, "UNIX_TIMESTAMP", empty=True)

    def kept(self) -> list[bool]:
        """Whether a row has no fault."""
        return [number not in self.faults for number in range(self.rows)]

    def _require(self, view: Definition, time: str) -> None:
        values = (
            dict.fromkeys(window.column for window in view.windows)
            if view.aggregated
            else [feature.name for feature in view.features]
        )
        needed = [*(key.name for key in view.keys), *values, time]
        missing = [name for name in needed if name not in self.columns]
        if missing:
            raise BadRequest(
                f"The rows have no column {missing[0]}.",
                f"{view.name} needs {', '.join(needed)}; the rows have"
                f" {', '.join(self.columns) or 'none'}.",
                "Add it; a feature without a value is null.",
            )

    def _column(self, name: str, kind: str, *, empty: bool) -> None:
        values, convert = self.columns[name], converter(kind)
        for number, value in enumerate(values):
            if number in self.faults:
                continue
            if _is_missing(value):
                values[number] = value if kind in ("DOUBLE", "FLOAT") else None
                if not empty:
                    self._fault(number, name, "It is empty.")
                continue
            try:
                values[number] = convert(value)
            except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
                self._fault(number, name, f"{error}.")

    def _not_after(self, name: str, until: datetime) -> None:
        """Online, a time in the future would keep all later rows away."""
        for number, at in enumerate(self.columns[name]):
            if number not in self.faults and at > until + AHEAD:
                self._fault(number, name, f"{at} is in the future; it is {until} now.")

    def _fault(self, number: int, column: str, why: str) -> None:
        self.faults[number] = Rejected(row=number + 1, column=column, why=why)


def _is_missing(value: Any) -> bool:
    """Whether there is no value: pandas says so with NaN, NaT or NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return not hasattr(value, "__len__") and bool(value != value)
