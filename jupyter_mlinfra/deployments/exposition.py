"""What the gateway and the processes of each version have counted, as Prometheus scrapes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ..core.exposition import Kind, Labels, family, sample
from .targets import Counts, Figures

_REQUESTS = "mlinfra_deployment_requests_total"
_DURATION = "mlinfra_deployment_request_duration_seconds"

Values = tuple[str, Kind, str, Callable[[Figures], float | None]]
_VALUES: Sequence[Values] = (
    (
        "retries_total",
        "counter",
        "Requests that were sent to another process.",
        lambda item: item.counts.retried if item.counts else None,
    ),
    (
        "cpu_seconds_total",
        "counter",
        "Processor time of the serving processes.",
        lambda item: item.counts.cpu_seconds if item.counts else None,
    ),
    (
        "requests_in_flight",
        "gauge",
        "Requests that were taken and are not answered.",
        lambda item: item.in_flight,
    ),
    ("memory_bytes", "gauge", "Memory of the serving processes.", lambda item: item.memory_bytes),
    (
        "gpu_memory_bytes",
        "gauge",
        "Memory of GPUs that the serving processes use.",
        lambda item: item.gpu_memory_bytes,
    ),
    (
        "gpu_load_ratio",
        "gauge",
        "Load of the GPUs that the serving processes compute on, whoever else does.",
        lambda item: item.gpu_load,
    ),
    ("processes", "gauge", "Serving processes.", lambda item: len(item.pids)),
)


def exposition(
    figures: Mapping[tuple[str, str], Figures],
    traffic: Mapping[tuple[str, str], float],
    edges: Sequence[float],
) -> str:
    """The figures of versions, by deployment and version.

    traffic: the share of each, 0 to 1. edges: the upper bounds of the latencies' counts, in
    milliseconds; the last one is the gateway's time limit. Counters begin anew when the gateway or
    its keeper does, which `rate` sees. There is no `_sum` of the durations: the gateway counts by
    range.
    """
    versions = [
        ({"deployment": key[0], "version": key[1]}, figures[key], traffic.get(key))
        for key in sorted(figures)
    ]
    counted = [(labels, item.counts) for labels, item, _ in versions if item.counts]
    about = "Answers to clients; refused are 4xx, errors 5xx."
    requests = [line for labels, counts in counted for line in _requests(labels, counts)]
    durations = [line for labels, counts in counted for line in _durations(labels, counts, edges)]
    found = [
        family(_REQUESTS, "counter", about, requests),
        family(_DURATION, "histogram", "Until a version has answered.", durations),
    ]
    for name, kind, about, value_of in _VALUES:
        name = f"mlinfra_deployment_{name}"
        values = ((labels, value_of(item)) for labels, item, _ in versions)
        samples = [sample(name, labels, value) for labels, value in values if value is not None]
        found.append(family(name, kind, about, samples))
    name = "mlinfra_deployment_traffic_ratio"
    shares = [sample(name, labels, share) for labels, _, share in versions if share is not None]
    found.append(family(name, "gauge", "Share of the requests that go to a version.", shares))
    return "".join(found)


def _requests(labels: Labels, counts: Counts) -> Iterator[str]:
    outcomes = {
        "ok": counts.requests - counts.refused - counts.errors,
        "refused": counts.refused,
        "error": counts.errors,
    }
    for outcome, value in outcomes.items():
        yield sample(_REQUESTS, {**labels, "outcome": outcome}, value)


def _durations(labels: Labels, counts: Counts, edges: Sequence[float]) -> Iterator[str]:
    if not counts.latencies:
        return
    for edge, below in zip(edges, counts.latencies, strict=False):
        yield sample(f"{_DURATION}_bucket", {**labels, "le": f"{edge / 1000:g}"}, below)
    yield sample(f"{_DURATION}_bucket", {**labels, "le": "+Inf"}, counts.latencies[-1])
    yield sample(f"{_DURATION}_count", labels, counts.latencies[-1])
