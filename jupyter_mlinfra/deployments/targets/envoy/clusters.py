"""Envoy's clusters, one per version, and the workers of each."""

from __future__ import annotations

from typing import Any

from ...gateway import VersionPlan, cluster_name
from .names import TYPE, watched

UPSTREAM_IDLE_SECONDS = 30
"""Must be below the workers' keep-alive (KEEPALIVE_SECONDS of `targets.workers`), or a request may
meet a connection that is being closed.
"""

_HEALTH_CHECK = {
    "timeout": "2s",
    "interval": "0.5s",
    "interval_jitter": "0.1s",
    # By default 60 s: a version without traffic would stay unknown for that long.
    "no_traffic_interval": "1s",
    "unhealthy_threshold": 2,
    "healthy_threshold": 1,
    "http_health_check": {"path": "/health/ping"},
}
_OUTLIER_DETECTION = {
    "consecutive_5xx": 5,
    "enforcing_success_rate": 0,
    "base_ejection_time": "1s",
    "interval": "0.5s",
    "max_ejection_percent": 100,
}
_NO_ANSWER_IS_AN_ERROR = {"error_matcher": {"not_match": {"any_match": True}}}
"""A worker that answers is alive, whatever its status: a row at which the model raises, or a store
that is down, says nothing about the worker. What Envoy itself notes as 5xx remains: no connection,
a broken one, no answer in time.
"""


def cluster(name: str, queue: int) -> dict[str, Any]:
    """One version: how its workers are reached, checked and chosen. queue: requests in progress
    beyond which further ones are refused.
    """
    limits = {
        "priority": "DEFAULT",
        "max_connections": 4096,
        "max_pending_requests": 4096,
        "max_requests": queue,
        "max_retries": 1024,  # by default three at a time, then 503
    }
    options = {
        "@type": TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": f"{UPSTREAM_IDLE_SECONDS}s"},
        "explicit_http_config": {"http_protocol_options": {}},
        "outlier_detection": _NO_ANSWER_IS_AN_ERROR,
    }
    return {
        "@type": TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "connect_timeout": "0.5s",
        # A worker that is stuck gets hardly any request. One that has just died looks least busy of
        # all, until five requests that it did not take, each of which another one answered, put it
        # out. By default two workers are drawn and compared, often the same one twice.
        "lb_policy": "LEAST_REQUEST",
        "least_request_lb_config": {"choice_count": 8},
        "eds_cluster_config": {"eds_config": watched(f"eds-{name}.json")},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
        },
        "health_checks": [_HEALTH_CHECK],
        "outlier_detection": _OUTLIER_DETECTION,
        # Otherwise a worker that was removed from the file keeps its traffic while its health check
        # passes.
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {"thresholds": [limits]},
        "common_lb_config": {
            # If all workers of all tiers are down, they are asked nevertheless: one that is being
            # started again takes the request a moment later, which is better than a refusal. As
            # long as one is healthy, the others get nothing.
            "healthy_panic_threshold": {"value": 1},
            # By default results of health checks reach the routing threads up to a second later.
            "update_merge_window": "0s",
        },
    }


def endpoints(deployment: str, version: VersionPlan) -> dict[str, Any]:
    """The first tier serves; the second only when the first is down. One resource per file: Envoy
    refuses a file with more.
    """
    tiers = [tier for tier in (version.sockets, version.backups) if tier]
    endpoints = [
        {
            "priority": number,
            "lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": path}}}} for path in tier],
        }
        for number, tier in enumerate(tiers)
    ]
    return {
        "@type": TYPE + "config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster_name(deployment, version.version),
        "endpoints": endpoints,
        # By default the second tier takes a share as soon as the first is less than 72 % healthy;
        # here only when all of it is down.
        "policy": {"overprovisioning_factor": 10_000},
    }
