"""The test before traffic *rows*: each row of the sample alone, so that one that ends or hangs the
model's process is known by its number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..core.errors import Unavailable
from . import client
from .bodies import row_at, rows_in
from .client import Answer
from .gateway import REQUEST_SECONDS
from .runtime.guard import ENDS
from .samples import MADE_UP
from .spec import Gate

MOST_ROWS = 200
SECONDS = 60.0
"""For all rows; those that were not asked by then are not."""

ROW_SECONDS = float(REQUEST_SECONDS)
"""A row that is not answered by then hangs its process."""

GONE_SECONDS = 1.0
"""A process closes its connections a little before it is gone."""

MADE_UP_ROW = (
    " This row is made up of the signature's types, because the model has no input_example that"
    " could be sent. Log it with input_example=, for example the first rows of its training data."
)
LIMIT = "each row of the sample is answered, alone"


class RowTest:
    """One such test. ask: sends a row and waits at most so many seconds. processes: the numbers of
    the version's processes now; empty where nobody knows.

    deadly: whether a row has ended or hung a process, so that no further test means anything.
    """

    def __init__(
        self,
        version: str,
        ask: Callable[[Mapping[str, Any], float], Answer],
        processes: Callable[[], Collection[int]],
    ) -> None:
        self._version, self._ask, self._processes = version, ask, processes
        self.deadly = False

    def gate(self, sample: Mapping[str, Any]) -> Gate:
        """Ask the rows of a sample, which has the form of a bundle's, until one fails."""
        before, deadline = set(self._processes()), time.monotonic() + SECONDS
        number, count = 0, min(rows_in(sample), MOST_ROWS)
        while number < count and time.monotonic() < deadline:
            row = row_at(sample, number)
            number += 1
            problem = self._problem(row, before)
            if problem:
                made_up = MADE_UP_ROW if sample.get(MADE_UP) else ""
                return _gate(f"row {number} of the sample {problem}{made_up}", passed=False)
        if not number:
            return _gate("there is no row to ask", passed=None)
        left = f" of {count} in {SECONDS:g} s" if number < count else ""
        return _gate(f"{number}{left} answered", passed=True)

    def _problem(self, row: Mapping[str, Any], before: set[int]) -> str:
        """What a row does that it must not; empty for one that is answered."""
        begun, refusal = time.monotonic(), ""
        try:
            answer = self._ask(row, ROW_SECONDS)
            if answer.status != 200:
                refusal = str(client.refusal(answer))
            elif answer.version != self._version:
                refusal = f"{answer.version} answered instead of {self._version}."
        except Unavailable as error:
            refusal = str(error)
        if not refusal:
            return ""
        took = time.monotonic() - begun
        self.deadly = True
        # A runtime whose process has children stays when one of them dies.
        if ENDS in refusal or self._one_is_gone(before):
            return "ends the model's process (exit or crash)"
        if took >= ROW_SECONDS:
            return f"is not answered within {ROW_SECONDS:g} s: the model hangs"
        self.deadly = False
        return f"is refused: {refusal[:300]}"

    def _one_is_gone(self, before: set[int]) -> bool:
        deadline = time.monotonic() + GONE_SECONDS
        while not (gone := not before <= set(self._processes())) and time.monotonic() < deadline:
            time.sleep(0.05)
        return gone


def _gate(measured: str, *, passed: bool | None) -> Gate:
    return Gate(name="rows", limit=LIMIT, measured=measured, passed=passed)
