"""Questions to Envoy's admin socket: whether it is ready, its statistics, the health of workers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....core import http
from .names import ADMIN_SOCKET

_UNHEALTHY = ("failed_active_health_check", "failed_outlier_check", "pending_active_hc")


def get(path: str, url: str, *, timeout: float = 2.0) -> bytes | None:
    """The body of GET `url` over the Unix socket `path`; None if there is no good answer."""
    import httpx

    try:
        with http.open_socket(path, timeout=timeout) as client:
            answer = client.get(url)
    except (OSError, httpx.HTTPError):
        return None
    return answer.content if answer.status_code == 200 else None


def live() -> bool:
    """Whether Envoy accepts requests."""
    return (get(ADMIN_SOCKET, "/ready") or b"").startswith(b"LIVE")


def statistics(pattern: str) -> dict[str, str] | None:
    """Counters, gauges and texts whose name matches `pattern`; None if Envoy does not answer."""
    body = get(ADMIN_SOCKET, f"/stats?type=All&filter={pattern}")
    if body is None:
        return None
    pairs = (line.partition(": ") for line in body.decode(errors="replace").splitlines())
    return {name: value.strip('"') for name, _, value in pairs}


def in_flight(cluster: str) -> int | None:
    """Requests that a version has not answered yet; None if Envoy does not answer."""
    active = statistics(f"^cluster\\.{cluster}\\.upstream_rq_(active|pending_active)$")
    return None if active is None else sum(int(value) for value in active.values())


def answering(cluster: str) -> set[str]:
    """Sockets to which Envoy sends requests for a version: its own workers' and those that stand
    in.
    """
    return {
        path
        for name, path, health in _hosts()
        if name == cluster and not any(health.get(flag) for flag in _UNHEALTHY)
    }


def unhealthy_sockets() -> set[str]:
    """Sockets of workers that fail Envoy's active check."""
    return {path for _, path, health in _hosts() if health.get(_UNHEALTHY[0])}


def _hosts() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    body = get(ADMIN_SOCKET, "/clusters?format=json")
    for cluster in json.loads(body).get("cluster_statuses", []) if body else []:
        for host in cluster.get("host_statuses", []):
            yield (
                str(cluster.get("name", "")),
                str(host.get("address", {}).get("pipe", {}).get("path", "")),
                host.get("health_status", {}),
            )


def latencies() -> dict[str, Sequence[int]] | None:
    """By cluster: cumulative counts of `configuration.BUCKETS`; None if Envoy does not answer."""
    body = get(
        ADMIN_SOCKET,
        "/stats?format=json&histogram_buckets=cumulative&filter=upstream_rq_time$",
    )
    if body is None:
        return None
    counts: dict[str, Sequence[int]] = {}
    for entry in json.loads(body).get("stats", []):
        for item in entry.get("histograms", []) if isinstance(entry, dict) else []:
            name = str(item["name"]).removeprefix("cluster.").removesuffix(".upstream_rq_time")
            counts[name] = [int(bucket["cumulative"]) for bucket in item["buckets"]]
    return counts
