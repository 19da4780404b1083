"""When a version of a plan is rolled back because it is too slow, and how often by chance."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from jupyter_mlinfra.deployments.delivery import latency
from jupyter_mlinfra.deployments.delivery.latency import Latencies
from jupyter_mlinfra.deployments.payload_log.request_sums import RequestSums
from jupyter_mlinfra.deployments.targets import Counts, Figures
from jupyter_mlinfra.deployments.targets.envoy import meter as envoy_meter
from jupyter_mlinfra.deployments.targets.envoy.configuration import BUCKETS
from jupyter_mlinfra.deployments.targets.envoy.meter import Meter

LIMIT_MS = 100.0
LOOK_SECONDS = 15
MINUTES = 30
RUNS = 200
SIGMA = 0.8
"""Of the logarithm of the latencies, as those of real models have."""


def rolled_back(per_minute: float, p95_ms: float, seed: int) -> Any:
    """Seconds until many versions with this true p95 are rolled back, infinite for never: each is
    looked at every 15 seconds for half an hour.
    """
    random = np.random.default_rng(seed)
    looks = MINUTES * 60 // LOOK_SECONDS
    asked = random.poisson(per_minute * LOOK_SECONDS / 60, (RUNS, looks))
    within = (np.log(LIMIT_MS) - np.log(p95_ms)) / SIGMA + NormalDist().inv_cdf(0.95)
    slower = 1 - NormalDist().cdf(within)
    slow = random.binomial(asked, slower).cumsum(axis=1)
    asked = asked.cumsum(axis=1)
    certain = (asked >= latency.LEAST) & (slow > latency.MOST_SLOW * asked)
    certain[certain] = latency.too_slow(slow[certain], asked[certain])
    first = (certain.argmax(axis=1) + 1.0) * LOOK_SECONDS
    return np.where(certain.any(axis=1), first, np.inf)


@pytest.mark.parametrize("per_minute", [20, 60, 200, 600])
@pytest.mark.parametrize("p95_ms", [50.0, 70.0, 80.0, 100.0])
def test_a_version_within_the_limit_is_rolled_back_in_less_than_5_percent_of_plans(
    per_minute: int, p95_ms: float
) -> None:
    assert np.isfinite(rolled_back(per_minute, p95_ms, seed=per_minute)).mean() <= 0.05


@pytest.mark.parametrize(
    ("per_minute", "p95_ms", "seconds"),
    [
        # Ten times too slow: as soon as there are enough requests.
        (20, 1000.0, 105),
        (60, 1000.0, 45),
        (200, 1000.0, 15),
        (600, 1000.0, 15),
        # Twice as slow as it may be.
        (20, 200.0, 360),
        (60, 200.0, 120),
        (200, 200.0, 45),
        (600, 200.0, 15),
        # Somewhat too slow: a share of 8 % instead of 5 %.
        (600, 120.0, 300),
    ],
)
def test_a_version_that_is_too_slow_is_rolled_back_soon(
    per_minute: int, p95_ms: float, seconds: float
) -> None:
    found = rolled_back(per_minute, p95_ms, seed=per_minute)
    assert np.quantile(found, 0.95) <= seconds


def of_ms(*milliseconds: float) -> Latencies:
    """As the gateway counts them."""
    counts = [sum(ms <= edge for ms in milliseconds) for edge in BUCKETS]
    return latency.counted(counts, LIMIT_MS)


def passed(own: Latencies, other: Latencies | None = None, least: int = 100) -> bool | None:
    nothing = latency.logged(RequestSums(), LIMIT_MS)
    pairs = [(own, other or nothing), (nothing, nothing)]
    return latency.check(LIMIT_MS, "v1", pairs, least=least).passed


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (of_ms(*[20.0] * 19), None, None),
        (of_ms(*[20.0] * 20), None, True),
        (of_ms(*[20.0] * 19, 900.0), None, True),
        # More than 5 %, which may be chance.
        (of_ms(*[20.0] * 18, 900.0, 900.0), None, None),
        (of_ms(*[20.0] * 10, *[900.0] * 10), None, False),
        # The first requests of a version may be slow.
        (of_ms(*[900.0] * 5), None, None),
        # The machine is slow for both.
        (of_ms(*[900.0] * 40), of_ms(*[900.0] * 40), None),
        (of_ms(*[900.0] * 40), of_ms(*[20.0] * 40), False),
        (of_ms(*[900.0] * 40), of_ms(*[900.0] * 5), False),
    ],
)
def test_a_step_passes_with_enough_requests_and_waits_while_it_may_be_chance(
    own: Latencies, other: Latencies | None, expected: bool | None
) -> None:
    assert passed(own, other) is expected


@pytest.mark.parametrize(("own", "expected"), [(of_ms(), None), (of_ms(20.0), True)])
def test_a_step_without_requests_waits_even_if_none_are_demanded(
    own: Latencies, expected: bool | None
) -> None:
    assert passed(own, least=0) is expected


def test_what_the_gateway_may_have_counted_within_the_limit_is_no_breach() -> None:
    """Its buckets end at 100 and at 150 ms: of 120 ms nobody knows whether they are above 130."""
    unknown = latency.counted([100 if edge >= 150 else 0 for edge in BUCKETS], 130.0)
    assert unknown.slow == 0
    check = latency.check(130.0, "v1", [(unknown, unknown)], least=100)
    assert check.passed is None, "p95 is interpolated to 147 ms"


def test_the_gateway_counts_from_the_first_reading_after_the_change_of_traffic() -> None:
    figures = Figures(
        seconds=60.0,
        requests=0,
        errors=0,
        p50_ms=None,
        p95_ms=None,
        marks=[(10.0, ()), (20.0, [1, 5, 9]), (30.0, [2, 8, 20])],
        counts=Counts(
            requests=50, refused=0, errors=0, retried=0, cpu_seconds=0.0, latencies=[3, 9, 50]
        ),
    )
    assert list(figures.latencies_since(5.0)) == [3, 9, 50]
    assert list(figures.latencies_since(15.0)) == [2, 4, 41]
    assert list(figures.latencies_since(31.0)) == [], "no reading is within"


def test_changes_of_the_traffic_are_marked_and_a_mark_outlasts_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, at, total, answers = "a.v1", 1000.0, 0, True
    monkeypatch.setattr("time.time", lambda: at)
    key = f"cluster.{name}.upstream_rq_completed"
    monkeypatch.setattr(
        envoy_meter, "statistics", lambda found: {0: {} if "probes" in found else {key: str(total)}}
    )
    monkeypatch.setattr(
        envoy_meter, "latencies", lambda: {0: {name: [total // 2, total]}} if answers else None
    )
    meter, found = Meter(), {}
    for place in range(200):  # every five seconds, ten requests
        answers = place != 100  # an Envoy that is being started again
        found = meter.read([name], mark=place == 100)
        at, total = at + 5, total + 10
    assert found[name].marks == [(1000.0, [0, 0]), (1505.0, [505, 1010])]
    assert found[name].seconds < 70
    assert meter.read([]) == {}
    at, total = at + 5, total + 10
    assert len(meter.read([name])[name].marks) == 1, "of a version that is there again"
