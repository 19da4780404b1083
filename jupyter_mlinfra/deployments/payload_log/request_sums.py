"""What is kept of the requests of one version over a time: counts, moments and a histogram of their
latency, which add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

WIDTH = 1.02
"""Of the histogram: each bin ends at so many times its beginning, so a quantile is right to 1 %."""

LEAST_MS = 1e-3
"""All that is faster is in one bin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSums:
    """requests: each once. failed: answered with 500 or above; refused: with 400 to 499. answered:
    with less; the other fields are of these. mean: milliseconds in the model's process; squares:
    sum of the squared distances from it. low, high: the extremes. bins: how many are in each bin of
    the histogram that has any; bin n begins at WIDTH ** n milliseconds.
    """

    requests: int = 0
    failed: int = 0
    refused: int = 0
    answered: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = math.inf
    high: float = 0.0
    bins: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: RequestSums) -> RequestSums:
        """Of both together. Moments are added as by Chan, Golub and LeVeque, Algorithms for
        computing the sample variance (1983).
        """
        answered, apart = self.answered + other.answered, other.mean - self.mean
        share = other.answered / answered if answered else 0.0
        bins = dict(self.bins)
        for number, count in other.bins.items():
            bins[number] = bins.get(number, 0) + count
        return RequestSums(
            requests=self.requests + other.requests,
            failed=self.failed + other.failed,
            refused=self.refused + other.refused,
            answered=answered,
            mean=self.mean + apart * share,
            squares=self.squares + other.squares + apart * apart * self.answered * share,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            bins=bins,
        )

    def slower_than(self, milliseconds: float) -> int:
        """How many took longer; those in the bin of the limit itself are left out."""
        first = math.ceil(math.log(max(milliseconds, LEAST_MS), WIDTH) - 1e-9)
        return sum(count for number, count in self.bins.items() if number >= first)

    def quantile(self, share: float) -> float | None:
        """In milliseconds, by the nearest rank; None if none was answered."""
        rank, below = math.ceil(share * self.answered), 0
        for number in sorted(self.bins):
            below += self.bins[number]
            if below >= rank:
                return min(max(math.pow(WIDTH, number + 0.5), self.low), self.high)
        return None


def sums_of(requests: pl.DataFrame) -> Iterator[tuple[int, str, RequestSums]]:
    """Those of each hour (column `hour`) and version among some requests, see `request_rows`."""
    import polars as pl

    key, ms, status = ["hour", "version"], pl.col("latency_ms"), pl.col("status")
    timed = requests.filter(status < 400, ms.is_finite())
    number = (ms.clip(lower_bound=LEAST_MS).log(WIDTH) + 1e-9).floor().cast(pl.Int32)
    bins: dict[tuple[int, str], dict[int, int]] = {}
    for hour, version, at, count in timed.group_by(*key, number.alias("bin")).len().iter_rows():
        bins.setdefault((hour, version), {})[at] = count
    counts = requests.group_by(key).agg(
        pl.len().alias("requests"),
        (status >= 500).sum().alias("failed"),
        status.is_between(400, 499).sum().alias("refused"),
    )
    moments = timed.group_by(key).agg(
        pl.len().alias("answered"),
        ms.mean().alias("mean"),
        (ms.var(ddof=0) * pl.len()).alias("squares"),
        ms.min().alias("low"),
        ms.max().alias("high"),
    )
    for row in counts.join(moments, on=key, how="left").iter_rows(named=True):
        place = row.pop("hour"), row.pop("version")
        known = {name: value for name, value in row.items() if value is not None}
        yield *place, RequestSums(**known, bins=bins.get(place, {}))
