"""One measured value of a monitor's series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A metric over the window [start, end), in seconds since 1970.

    labels: `version` always, `feature` where it applies, `segment` as `column=value`. value: None
    if it could not be measured. rows: rows (or requests) that it was computed from.
    """

    metric: str
    labels: Mapping[str, str]
    start: float
    end: float
    value: float | None
    rows: int
