"""One measured value of a monitor's series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One figure of one window, [start, end) in seconds since 1970.

    labels: `version` always; `feature` where it applies; `segment`, as `column=value`, for a part
    of the rows; `against` of drift against something else than the reference. value: None if it
    could not be measured: no data, which is never green. rows: it is of. error: by how much it may
    be off, at most, as it is computed from a summary of the values: 0 for what is exact, None where
    no bound is known; of a quantile (`p95_ms`) a share of rows.
    """

    metric: str
    labels: Mapping[str, str]
    start: float
    end: float
    value: float | None
    rows: int
    error: float | None = None
