"""Envoy's configuration as files, made from a plan.

Routes, clusters and the workers of each version are separate files that are replaced by rename, so
that a change loses no request. Workers listen on Unix sockets beside the files; Envoy runs in that
folder, so that the paths stay short. The purpose of each setting is explained beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...gateway import DeploymentPlan, Keys, PublicAddress, cluster_name
from . import access, grpc, health
from .clusters import cluster, endpoints
from .names import (
    ADMIN_SOCKETS,
    CERTIFICATE,
    CLUSTERS,
    LISTENERS,
    PROBES,
    PUBLIC_ROUTES,
    ROUTES,
    TYPE,
    endpoint_file,
    watched,
)
from .replies import local_replies
from .routes import MUTATION, route_configuration

BUCKETS = [
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    12,
    15,
    20,
    25,
    30,
    40,
    50,
    65,
    80,
    100,
    150,
    200,
    300,
    500,
    750,
    1000,
    2000,
    5000,
    10000,
    30000,
]
"""Upper edges of the latency histogram in milliseconds."""

IDLE_SECONDS = 300
"""How long a client may keep a connection without a request."""


def files(plans: Sequence[DeploymentPlan], *, port: int, keys: Keys) -> dict[str, str]:
    """All watched files by name, endpoints first, routes last: the order in which they may be
    replaced.
    """
    versions = [(plan, version) for plan in plans for version in plan.versions]
    texts = {
        endpoint_file(plan.name, version.version): _resources([endpoints(plan.name, version)])
        for plan, version in versions
    }
    texts[CLUSTERS] = _resources(
        [cluster(cluster_name(plan.name, item.version), plan.queue) for plan, item in versions]
    )
    texts[ROUTES] = _resources([route_configuration(plans, port, keys)])
    return texts


def public_files(
    plans: Sequence[DeploymentPlan], *, keys: Keys, public: PublicAddress | None
) -> dict[str, str]:
    """The watched files of the address for other machines, in the order in which they may be
    replaced. public: None while it is closed.
    """
    if public is None:
        return {LISTENERS: _resources([])}
    texts = public_routes(plans, keys)
    if public.certificate:
        texts[CERTIFICATE] = _resources([access.certificate(public)])
    manager = _connection_manager(public.max_body_bytes, public=True)
    texts[LISTENERS] = _resources([access.public_listener(public, manager)])
    return texts


def public_routes(plans: Sequence[DeploymentPlan], keys: Keys) -> dict[str, str]:
    """The file with the routes for other machines."""
    return {PUBLIC_ROUTES: _resources([route_configuration(plans, 0, keys, public=True)])}


def with_former_clusters(text: str, former: str) -> str:
    """A file of clusters with those that only the former one has: for as long as there are routes
    to them.
    """
    resources = json.loads(text)["resources"]
    names = {resource["name"] for resource in resources}
    left = [item for item in json.loads(former)["resources"] if item["name"] not in names]
    return _resources([*resources, *left]) if left else text


def acknowledged_by(name: str, text: str) -> tuple[str, str]:
    """The statistic that shows which version of a file Envoy uses, and its value once `text` is in
    force.
    """
    stat = {
        CLUSTERS: "cluster_manager.cds.version_text",
        ROUTES: "http.gate.rds.gate.version_text",
        PUBLIC_ROUTES: "http.public.rds.public.version_text",
        LISTENERS: "listener_manager.lds.version_text",
        CERTIFICATE: "sds.server.version_text",
    }.get(name)
    stat = stat or f"cluster.{name.removeprefix('eds-').removesuffix('.json')}.version_text"
    return stat, str(json.loads(text)["version_info"])


def bootstrap(number: int = 0, *, port: int, max_body_bytes: int) -> str:
    """The start file of an Envoy: one listener on 127.0.0.1, the admin on a Unix socket, everything
    else in watched files. number: of the Envoys that share the port.
    """
    listener = {
        "name": "gate",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        # The kernel shares new connections between those that listen, so that none is refused
        # while one of them is gone.
        "enable_reuse_port": True,
        "filter_chains": [
            {"filters": [{"name": "http", "typed_config": _connection_manager(max_body_bytes)}]}
        ],
    }
    return json.dumps(
        {
            "node": {"id": "gate", "cluster": "gate", "metadata": {"form": _form()}},
            "admin": {"address": {"pipe": {"path": ADMIN_SOCKETS[number], "mode": 0o600}}},
            "static_resources": {"listeners": [listener]},
            "dynamic_resources": {
                "cds_config": watched(CLUSTERS),
                "lds_config": watched(LISTENERS),
            },
            "stats_config": {
                "histogram_bucket_settings": [
                    {"match": {"suffix": "upstream_rq_time"}, "buckets": BUCKETS}
                ]
            },
        },
        indent=1,
    )


def is_current(start_file: str) -> bool:
    """Whether an Envoy that was started with this file has the filters of today: without them, it
    would take routes that need a key for routes that need none.
    """
    try:
        return bool(json.loads(start_file)["node"]["metadata"]["form"] == _form())
    except (ValueError, KeyError, TypeError):
        return False


def _form() -> str:
    """Changes with the filters, and not with the settings."""
    return hashlib.sha256(json.dumps(_connection_manager(0)).encode()).hexdigest()[:16]


def _connection_manager(max_body_bytes: int, *, public: bool = False) -> dict[str, Any]:
    """How requests are treated. public: those of other machines."""
    name, routes = ("public", PUBLIC_ROUTES) if public else ("gate", ROUTES)
    # Who is asked over a network is told who asks, and believes none of what it says of itself:
    # headers of Envoy's own could change how often and how long a request is tried.
    nobody = {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]}
    edge = {"use_remote_address": True, "internal_address_config": nobody} if public else {}
    return {
        "@type": (
            TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
        ),
        "stat_prefix": name,
        "rds": {"route_config_name": name, "config_source": watched(routes)},
        "preserve_external_request_id": True,
        "request_headers_timeout": "10s",
        "request_timeout": "60s",  # for a client that sends its body very slowly
        "common_http_protocol_options": {
            "idle_timeout": f"{IDLE_SECONDS}s",
            # Some servers take `SCRIPT_NAME` and its like for their own.
            "headers_with_underscores_action": "DROP_HEADER",
        },
        # ApacheBench and old proxies: without keep-alive, and perhaps without a host.
        "http_protocol_options": {
            "accept_http_10": True,
            "default_host_for_http_10": "localhost",
        },
        "normalize_path": True,
        "merge_slashes": True,
        "server_header_transformation": "PASS_THROUGH",
        **edge,
        "local_reply_config": local_replies(max_body_bytes),
        "http_filters": _http_filters(max_body_bytes, public),
    }


def _http_filters(max_body_bytes: int, public: bool) -> list[dict[str, Any]]:
    """What each request goes through, in this order."""
    return [
        *grpc.naming_filters(max_body_bytes),
        *access.filters(public=public),
        # Acts as each route says.
        {"name": PROBES, "typed_config": {"@type": MUTATION, "mutations": {}}},
        # Buffers the whole body before the router sees it, so that it can be repeated on
        # another worker, and 413 is possible.
        {
            "name": "buffer",
            "typed_config": {
                "@type": TYPE + "extensions.filters.http.buffer.v3.Buffer",
                "max_request_bytes": max_body_bytes,
            },
        },
        *grpc.bridge_filters(),
        health.health_filter(),
        {
            "name": "router",
            "typed_config": {
                "@type": TYPE + "extensions.filters.http.router.v3.Router",
                "suppress_envoy_headers": True,
            },
        },
    ]


def _resources(resources: Sequence[Mapping[str, Any]]) -> str:
    text = json.dumps(list(resources))
    return json.dumps(
        {
            "version_info": hashlib.sha256(text.encode()).hexdigest()[:16],
            "resources": list(resources),
        }
    )
