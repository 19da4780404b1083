"""What was measured of windows, kept for as long as nothing that it depends on has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .spec import Monitor, MonitorStatus

KEPT = 32
"""So many windows are kept, the last that were asked for."""

PARTS = 1440
"""A window begins at a multiple of this part of its length, at most so much before it is asked to:
a day at a full minute. Two looks within that part are at the same window.
"""


def beginning(end: float, seconds: float) -> float:
    """When the window of this length that ends at `end` begins, in seconds since 1970."""
    part = seconds / PARTS
    return (end - seconds) // part * part


class MeasuredWindows:
    """The newest measurements of one process, by all that they depend on."""

    def __init__(self) -> None:
        self._found: dict[Hashable, MonitorStatus] = {}

    def of(
        self,
        key: Hashable,
        monitor: Monitor,
        measure: Callable[[], MonitorStatus],
        *,
        anew: bool = False,
    ) -> MonitorStatus:
        """What was measured before under this key, else now; with `monitor` as it is now. anew: it
        is measured in any case.
        """
        before = self._found.pop(key, None)
        found = measure() if before is None or anew else before
        self._found[key] = found
        for oldest in list(self._found)[:-KEPT]:
            self._found.pop(oldest, None)
        measured = found.monitor
        return replace(
            found,
            monitor=replace(
                monitor,
                requests=measured.requests,
                rows=measured.rows,
                last_request_at=measured.last_request_at,
            ),
        )
