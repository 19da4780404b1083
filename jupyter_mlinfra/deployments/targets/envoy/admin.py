"""Questions to the admin sockets of the Envoys: whether they are ready, their statistics, the
health of workers.

Several Envoys serve one port. An answer covers all that run: one whose process has ended is left
out, and if one that runs does not answer, nobody knows.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .names import ADMIN_SOCKETS

_UNHEALTHY = ("failed_active_health_check", "failed_outlier_check", "pending_active_hc")
_GONE = b"gone"
"""No answer of Envoy's, but what stands for one whose process has ended."""


@dataclass(frozen=True, slots=True)
class Host:
    """A worker as one Envoy sees it."""

    cluster: str
    socket: str
    health: Mapping[str, Any]


def get(path: str, url: str, *, timeout: float = 2.0) -> bytes | None:
    """The body of GET `url` over the Unix socket `path`; None if there is no good answer."""
    body = _get(path, url, timeout)
    return None if body is _GONE else body


def _get(path: str, url: str, timeout: float) -> bytes | None:
    """As `get`; _GONE if nobody listens there."""
    connection = _Connection(path, timeout)
    try:
        connection.request("GET", url)
        answer = connection.getresponse()
        body = answer.read()
    except (ConnectionRefusedError, FileNotFoundError):
        return _GONE
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == 200 else None


class _Connection(http.client.HTTPConnection):
    """To a Unix socket. The keeper asks several times a second; a client of httpx takes five times
    as long to make.
    """

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """As the base class, but to the Unix socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _ask(url: str) -> dict[int, bytes] | None:
    """The answers of all Envoys that run, by number; None if one does not answer, or none runs."""
    bodies = {number: _get(path, url, 2.0) for number, path in enumerate(ADMIN_SOCKETS)}
    if None in bodies.values():
        return None
    answers = {number: body or b"" for number, body in bodies.items() if body is not _GONE}
    return answers or None


@dataclass(frozen=True, slots=True)
class Pressure:
    """Of one version, as one Envoy sees it. in_flight: requests that it has taken and not answered.
    retried: requests sent to another process, since the Envoy was started.
    """

    in_flight: int
    retried: int


PressureByEnvoy = Mapping[int, Mapping[str, Pressure]]
"""By the number of the Envoy and the name of the cluster."""


def live(number: int) -> bool:
    """Whether this Envoy accepts requests."""
    return (get(ADMIN_SOCKETS[number], "/ready") or b"").startswith(b"LIVE")


def statistics(pattern: str) -> dict[int, dict[str, str]] | None:
    """Counters, gauges and texts whose name matches `pattern`, by Envoy; None if nobody knows."""
    bodies = _ask(f"/stats?type=All&filter={pattern}")
    if bodies is None:
        return None
    return {number: _pairs(body) for number, body in bodies.items()}


def _pairs(body: bytes) -> dict[str, str]:
    pairs = (line.partition(": ") for line in body.decode(errors="replace").splitlines())
    return {name: value.strip('"') for name, _, value in pairs}


def pressure() -> PressureByEnvoy | None:
    """How many requests the versions have to answer; None if nobody knows."""
    counters = "upstream_rq_(active|pending_active|retry)"
    found = statistics(f"^cluster\\.[^.]+\\.[^.]+\\.{counters}$")
    if found is None:
        return None
    return {number: _pressures(values) for number, values in found.items()}


def _pressures(values: Mapping[str, str]) -> dict[str, Pressure]:
    sums: dict[str, list[int]] = {}
    for name, value in values.items():
        cluster, _, counter = name.removeprefix("cluster.").rpartition(".upstream_rq_")
        sums.setdefault(cluster, [0, 0])[counter == "retry"] += int(value)
    return {cluster: Pressure(*both) for cluster, both in sums.items()}


def in_flight(cluster: str) -> int | None:
    """Requests that a version has not answered yet; None if nobody knows."""
    active = statistics(f"^cluster\\.{cluster}\\.upstream_rq_(active|pending_active)$")
    if active is None:
        return None
    return sum(int(value) for values in active.values() for value in values.values())


def answering(cluster: str) -> set[str]:
    """Sockets to which every Envoy sends requests for a version: its own workers' and those that
    stand in.
    """
    found = [
        {
            host.socket
            for host in hosts
            if host.cluster == cluster and not any(host.health.get(flag) for flag in _UNHEALTHY)
        }
        for hosts in _hosts() or ()
    ]
    return set.intersection(*found) if found else set()


def unhealthy_sockets() -> set[str]:
    """Sockets of workers that fail the active check of every Envoy."""
    found = [
        {host.socket for host in hosts if host.health.get(_UNHEALTHY[0])}
        for hosts in _hosts() or ()
    ]
    return set.intersection(*found) if found else set()


def _hosts() -> list[list[Host]] | None:
    bodies = _ask("/clusters?format=json")
    return None if bodies is None else [_read_hosts(body) for body in bodies.values()]


def _read_hosts(body: bytes) -> list[Host]:
    return [
        Host(
            cluster=str(cluster.get("name", "")),
            socket=str(host.get("address", {}).get("pipe", {}).get("path", "")),
            health=host.get("health_status", {}),
        )
        for cluster in json.loads(body).get("cluster_statuses", [])
        for host in cluster.get("host_statuses", [])
    ]


def latencies() -> dict[int, dict[str, Sequence[int]]] | None:
    """By Envoy and cluster: cumulative counts of `configuration.BUCKETS`; None if nobody knows."""
    bodies = _ask("/stats?format=json&histogram_buckets=cumulative&filter=upstream_rq_time$")
    if bodies is None:
        return None
    return {number: _histograms(body) for number, body in bodies.items()}


def _histograms(body: bytes) -> dict[str, Sequence[int]]:
    counts: dict[str, Sequence[int]] = {}
    for entry in json.loads(body).get("stats", []):
        for item in entry.get("histograms", []) if isinstance(entry, dict) else []:
            name = str(item["name"]).removeprefix("cluster.").removesuffix(".upstream_rq_time")
            counts[name] = [int(bucket["cumulative"]) for bucket in item["buckets"]]
    return counts
