"""What was measured of windows, kept for as long as nothing that it depends on has changed, or for
a while if it took long: traffic changes the log all the time, and pages and Prometheus ask often.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .spec import Monitor, MonitorStatus

KEPT = 32
"""So many windows are kept, the last that were asked for."""

LONG_SECONDS = 1.0
"""A window takes long if it takes more of the processor than so many seconds."""

TAKEN_SECONDS = 30.0
"""What was measured of such a window is taken for so long, although its log has changed."""

PARTS = 1440
"""A window begins at a multiple of this part of its length, at most so much before it is asked to:
a day at a full minute. Two looks within that part are at the same window.
"""


def beginning(end: float, seconds: float) -> float:
    """When the window of this length that ends at `end` begins, in seconds since 1970."""
    part = seconds / PARTS
    return (end - seconds) // part * part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """log: that it was measured of. until: by `time.monotonic`, taken until then in any case."""

    status: MonitorStatus
    log: Hashable
    until: float


class MeasuredWindows:
    """The newest measurements of one process, by what was asked."""

    def __init__(self) -> None:
        self._found: dict[Hashable, _Measured] = {}

    def of(
        self,
        key: Hashable,
        log: Hashable,
        monitor: Monitor,
        measure: Callable[[], MonitorStatus],
        *,
        anew: bool = False,
    ) -> MonitorStatus:
        """What was measured before under this key, else now; with `monitor` as it is now. log: the
        rows of the window, whatever tells them from others. anew: it is measured in any case.
        """
        found = self._found.pop(key, None)
        taken = found and (found.log == log or time.monotonic() < found.until)
        if found is None or anew or not taken:
            found = _measured(measure, log)
        self._found[key] = found
        for oldest in list(self._found)[:-KEPT]:
            self._found.pop(oldest, None)
        measured = found.status.monitor
        return replace(
            found.status,
            monitor=replace(
                monitor,
                requests=measured.requests,
                rows=measured.rows,
                last_request_at=measured.last_request_at,
            ),
        )


def _measured(measure: Callable[[], MonitorStatus], log: Hashable) -> _Measured:
    begun = time.process_time()
    status = measure()
    long = time.process_time() - begun > LONG_SECONDS
    return _Measured(
        status=status, log=log, until=time.monotonic() + (TAKEN_SECONDS if long else 0.0)
    )
