"""The local gateway: Envoy's configuration as files, made from a plan. Pure functions; processes
are in `targets`.

Every route, cluster and endpoint list is a separate file that is replaced by rename, so that a
change loses no request. Workers listen on Unix sockets beside the files; Envoy runs in that folder,
so that the paths stay short. The purpose of each setting is explained beside it. Source:
https://www.envoyproxy.io/docs/envoy/latest/api-v3/api
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TYPE = "type.googleapis.com/envoy."
_MUTATION = TYPE + "extensions.filters.http.header_mutation.v3.HeaderMutation"
VERSION_HEADER = "x-mlinfra-version"
PROBE_HEADER = "x-mlinfra-probe"
REQUEST_HEADER = "x-mlinfra-request"
"""An id that is new for each request, whatever id the caller sends, and the same if the gateway
retries a request.
"""

PROBES = "probe"
"""What the gateway counts for requests with `PROBE_HEADER` is also in `cluster.NAME.probe.…`, so
that it can be subtracted from the total.
"""

ADMIN_SOCKET = "admin.sock"
ROUTES = "rds.json"
CLUSTERS = "cds.json"
BOOTSTRAP = "envoy.json"
UPSTREAM_IDLE_SECONDS = 30
"""Must be below the workers' keep-alive (KEEPALIVE_SECONDS of `targets.workers`), or a request may
meet a connection that is being closed.
"""

REQUEST_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPlan:
    """One version that has processes. sockets: of its workers. backups: of other versions, used
    only if all of its own are down.

    routed: whether new requests may reach it; False while it is drained.
    """

    version: str
    sockets: Sequence[str]
    backups: Sequence[str] = ()
    routed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPlan:
    """One deployment. traffic: percent per version, 100 in all; empty while no version has
    traffic.
    """

    name: str
    namespace: str
    versions: Sequence[VersionPlan]
    traffic: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of one project. probe: the value of PROBE_HEADER in our own tests and measurements.
    token: required in every request; empty: none.
    """

    probe: str
    token: str = ""


def cluster_name(deployment: str, version: str) -> str:
    """Name of a version in Envoy; both parts are DNS labels, so the dot is unambiguous."""
    return f"{deployment}.{version}"


def prefix(namespace: str, deployment: str) -> str:
    """The same path as behind Seldon's ingress on a cluster."""
    return f"/seldon/{namespace}/{deployment}/"


def files(plans: Sequence[DeploymentPlan], *, port: int, keys: Keys) -> dict[str, str]:
    """All watched files by name, endpoints first, routes last: the order in which they may be
    replaced.
    """
    versions = [(plan.name, version) for plan in plans for version in plan.versions]
    found = {
        _endpoint_file(name, version.version): _resources([_endpoints(name, version)])
        for name, version in versions
    }
    found[CLUSTERS] = _resources(
        [_cluster(cluster_name(name, version.version)) for name, version in versions]
    )
    found[ROUTES] = _resources([_routes(plans, port, keys)])
    return found


def acknowledged_by(name: str, text: str) -> tuple[str, str]:
    """The statistic that shows which version of a file Envoy uses, and its value once `text` is in
    force.
    """
    stat = {
        CLUSTERS: "cluster_manager.cds.version_text",
        ROUTES: "http.gate.rds.gate.version_text",
    }.get(name)
    stat = stat or f"cluster.{name.removeprefix('eds-').removesuffix('.json')}.version_text"
    return stat, str(json.loads(text)["version_info"])


def bootstrap(*, port: int, max_body_bytes: int) -> str:
    """Envoy's start file: one listener on 127.0.0.1, the admin on a Unix socket, the rest in
    watched files.
    """
    manager = {
        "@type": (
            TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
        ),
        "stat_prefix": "gate",
        "rds": {"route_config_name": "gate", "config_source": _source(ROUTES)},
        "preserve_external_request_id": True,
        "request_headers_timeout": "10s",
        "request_timeout": "60s",  # for a client that sends its body drop by drop
        "normalize_path": True,
        "merge_slashes": True,
        "server_header_transformation": "PASS_THROUGH",
        "local_reply_config": _local_replies(max_body_bytes),
        "http_filters": [
            # Acts as each route says.
            {"name": PROBES, "typed_config": {"@type": _MUTATION, "mutations": {}}},
            # Buffers the whole body before the router sees it, so that it can be repeated on
            # another worker, and 413 is possible.
            {
                "name": "buffer",
                "typed_config": {
                    "@type": TYPE + "extensions.filters.http.buffer.v3.Buffer",
                    "max_request_bytes": max_body_bytes,
                },
            },
            {
                "name": "router",
                "typed_config": {
                    "@type": TYPE + "extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            },
        ],
    }
    listener = {
        "name": "gate",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        # By default a second Envoy could share the port and take half of the requests.
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return json.dumps(
        {
            "node": {"id": "gate", "cluster": "gate"},
            "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
            "static_resources": {"listeners": [listener]},
            "dynamic_resources": {"cds_config": _source(CLUSTERS)},
            "stats_config": {
                "histogram_bucket_settings": [
                    {"match": {"suffix": "upstream_rq_time"}, "buckets": BUCKETS}
                ]
            },
        },
        indent=1,
    )


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


def _resources(resources: Sequence[Mapping[str, Any]]) -> str:
    text = json.dumps(list(resources))
    return json.dumps(
        {
            "version_info": hashlib.sha256(text.encode()).hexdigest()[:16],
            "resources": list(resources),
        }
    )


def _endpoint_file(deployment: str, version: str) -> str:
    return f"eds-{cluster_name(deployment, version)}.json"


def _source(name: str) -> dict[str, Any]:
    # Envoy watches the folder, because a rename replaces the file that it would otherwise watch.
    return {
        "path_config_source": {"path": name, "watched_directory": {"path": "."}},
        "resource_api_version": "V3",
    }


def _cluster(name: str) -> dict[str, Any]:
    limits = {
        "priority": "DEFAULT",
        "max_connections": 4096,
        "max_pending_requests": 4096,
        "max_requests": 4096,
    }
    options = {
        "@type": TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": f"{UPSTREAM_IDLE_SECONDS}s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    return {
        "@type": TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "connect_timeout": "0.5s",
        # With least requests, a worker that has just died would look like the least busy of all.
        "lb_policy": "ROUND_ROBIN",
        "eds_cluster_config": {"eds_config": _source(f"eds-{name}.json")},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
        },
        "health_checks": [
            {
                "timeout": "2s",
                "interval": "1s",
                "interval_jitter": "0.1s",
                # By default 60 s: a version that waits would stay unknown for that long.
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/health/ping"},
            }
        ],
        "outlier_detection": {
            "consecutive_5xx": 5,
            "consecutive_gateway_failure": 1,
            "base_ejection_time": "1s",
            "interval": "0.5s",
            "max_ejection_percent": 100,
        },
        # Otherwise a worker that was removed from the file keeps its traffic while its health check
        # passes.
        "ignore_health_on_host_removal": True,
        # By default three retries at a time, then 503.
        "circuit_breakers": {"thresholds": [{**limits, "max_retries": 1024}]},
        "common_lb_config": {
            # Never send requests to workers that are known to be down.
            "healthy_panic_threshold": {"value": 0},
            # By default results of health checks reach the routing threads up to a second later.
            "update_merge_window": "0s",
        },
    }


def _endpoints(deployment: str, version: VersionPlan) -> dict[str, Any]:
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


def _routes(plans: Sequence[DeploymentPlan], port: int, keys: Keys) -> dict[str, Any]:
    # Only names of this machine: a web page whose name was pointed at 127.0.0.1 (DNS rebinding)
    # gets 404.
    hosts = [name + end for name in ("127.0.0.1", "localhost", "[::1]") for end in ("", f":{port}")]
    return {
        "@type": TYPE + "config.route.v3.RouteConfiguration",
        "name": "gate",
        "virtual_hosts": [
            {
                "name": "gate",
                "domains": hosts,
                "routes": [route for plan in plans for route in _guarded(plan, keys)],
            }
        ],
        "request_headers_to_add": [
            {
                "header": {"key": REQUEST_HEADER, "value": "%UNIQUE_ID%"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
        # Seldon's wrapper lets every origin read its answers; on a desktop that would be any page
        # in the browser.
        "response_headers_to_remove": [
            "access-control-allow-origin",
            "access-control-allow-credentials",
            "access-control-allow-methods",
            "access-control-allow-headers",
        ],
    }


def _deployment_routes(plan: DeploymentPlan) -> list[dict[str, Any]]:
    begin = prefix(plan.namespace, plan.name)
    routes: list[dict[str, Any]] = []
    routed = [version for version in plan.versions if version.routed]
    # Feedback counts, so it is repeated only if it certainly did not arrive. A prediction can
    # always be repeated.
    for part, again in (
        ("api/v1.0/feedback", "connect-failure,refused-stream"),
        ("api/v1.0/", _AGAIN),
        ("health/", _AGAIN),
    ):
        for version in routed:
            match = {
                "prefix": begin + part,
                "headers": [{"name": VERSION_HEADER, "string_match": {"exact": version.version}}],
            }
            routes.append(
                {
                    "match": match,
                    "route": {
                        **_action(part, again),
                        "cluster": cluster_name(plan.name, version.version),
                    },
                }
            )
    known = ", ".join(version.version for version in routed) or "none"
    unknown = _error(
        404,
        f"Deployment {plan.name} has no such version.",
        f"The request's {VERSION_HEADER} names none of: {known}.",
        "Leave the header out.",
    )
    routes.append(
        {
            "match": {
                "prefix": begin,
                "headers": [{"name": VERSION_HEADER, "present_match": True}],
            },
            **_direct(unknown, 404),
        }
    )
    weights = [
        {"name": cluster_name(plan.name, item.version), "weight": plan.traffic[item.version]}
        for item in routed
        if plan.traffic.get(item.version)
    ]
    if weights:
        for part, again in (
            ("api/v1.0/feedback", "connect-failure,refused-stream"),
            ("api/v1.0/", _AGAIN),
            ("health/", _AGAIN),
        ):
            routes.append(
                {
                    "match": {"prefix": begin + part},
                    "route": {**_action(part, again), "weighted_clusters": {"clusters": weights}},
                }
            )
    else:
        why = (
            "Its processes are being started or stopped."
            if any(plan.traffic.values())
            else "No version has passed its tests yet."
        )
        idle = _error(
            503,
            f"Deployment {plan.name} answers nobody now.",
            why,
            f"mlinfra deployments show {plan.name}",
        )
        routes.append({"match": {"prefix": begin}, **_direct(idle, 503)})
    return routes


def _guarded(plan: DeploymentPlan, keys: Keys) -> list[dict[str, Any]]:
    """The routes of a deployment for callers that may use it; workers learn neither secret."""
    secret = [PROBE_HEADER, *(["authorization"] if keys.token else [])]
    routes = []
    for route in _deployment_routes(plan):
        guarded = (
            _with_header(route, "authorization", f"Bearer {keys.token}") if keys.token else route
        )
        if "route" in route:
            routes.append(_of_probes(guarded, keys))
        routes.append({**guarded, "request_headers_to_remove": secret})
    if keys.token:
        fix = (
            "Send the header in the project's file .mlinfra/deployments/authorization: curl"
            " -H @FILE …"
        )
        refused = _error(
            401,
            "The request has no valid token.",
            "This gateway only answers requests with the project's token.",
            fix,
        )
        routes.append(
            {"match": {"prefix": prefix(plan.namespace, plan.name)}, **_direct(refused, 401)}
        )
    return routes


def _with_header(route: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    headers = [*route["match"].get("headers", []), {"name": name, "string_match": {"exact": value}}]
    return {**route, "match": {**route["match"], "headers": headers}}


def _of_probes(route: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """The same route for our own tests and measurements, which Envoy also counts separately. It
    takes this header from no caller.
    """
    header = {
        "header": {"key": "x-envoy-upstream-alt-stat-name", "value": PROBES},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    told = {
        "@type": _MUTATION + "PerRoute",
        "mutations": {"request_mutations": [{"append": header}]},
    }
    marked = {
        "header": {"key": PROBE_HEADER, "value": "1"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {
        **_with_header(route, PROBE_HEADER, keys.probe),
        "typed_per_filter_config": {PROBES: told},
        "request_headers_to_add": [marked],
        "request_headers_to_remove": ["authorization"] if keys.token else [],
    }


_AGAIN = "reset,connect-failure,refused-stream,gateway-error"


def _action(part: str, retry_on: str) -> dict[str, Any]:
    hosts = TYPE + "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    tiers = TYPE + "extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
    return {
        "prefix_rewrite": "/" + part,
        "timeout": f"{REQUEST_SECONDS}s",
        "retry_policy": {
            "retry_on": retry_on,
            "num_retries": 4,
            "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"},
            # The second try goes to another worker of the same version, the third to a version that
            # stands in.
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {"@type": hosts},
                }
            ],
            "host_selection_retry_max_attempts": 10,
            "retry_priority": {
                "name": "envoy.retry_priorities.previous_priorities",
                "typed_config": {"@type": tiers, "update_frequency": 2},
            },
        },
    }


def _direct(body: Mapping[str, Any], status: int) -> dict[str, Any]:
    kind = {
        "header": {"key": "content-type", "value": "application/json"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {
        "direct_response": {"status": status, "body": {"inline_string": json.dumps(body)}},
        "response_headers_to_add": [kind],
    }


def _error(code: int, what: str, why: str, fix: str) -> dict[str, Any]:
    """Seldon's error body with what, why and fix added; the same form as the workers'."""
    info = " ".join(part for part in (what, why, fix) if part)
    return {
        "status": {"status": 1, "info": info, "code": code, "reason": "GATEWAY"},
        "what": what,
        "why": why,
        "fix": fix,
    }


def _local_replies(max_body_bytes: int) -> dict[str, Any]:
    largest = f"The gateway takes at most {max_body_bytes / (1 << 20):g} MiB."
    known = {
        404: (
            "There is no such path.",
            "A path is /seldon/NAMESPACE/DEPLOYMENT/api/v1.0/predictions.",
            "mlinfra deployments list shows the URLs.",
        ),
        408: ("The request did not arrive in time.", "Its body came too slowly.", "Send it again."),
        413: (
            "The request is too large.",
            largest,
            "Send fewer rows a request, or raise [deployments] max_body_mib.",
        ),
        502: (
            "The model broke the connection.",
            "%RESPONSE_CODE_DETAILS%",
            "Send it again; mlinfra deployments show says how its workers are.",
        ),
        503: (
            "No worker can answer.",
            "%RESPONSE_CODE_DETAILS%",
            "Wait a few seconds; mlinfra deployments show says how its workers are.",
        ),
        504: (
            "The model took too long.",
            f"It did not answer within {REQUEST_SECONDS} s.",
            "Send fewer rows a request.",
        ),
    }
    mappers = [
        {"filter": _failed_with(code), "body_format_override": _json(_error(code, *texts))}
        for code, texts in known.items()
    ]
    said = {
        "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        "content_type": "application/json",
    }
    mappers += [{"filter": _status_is(code), "body_format_override": said} for code in _OWN_WORDS]
    other = _error(
        0, "The gateway refused the request.", "%LOCAL_REPLY_BODY%", "See the path and the headers."
    )
    other["status"]["code"] = "%RESPONSE_CODE%"
    return {"mappers": mappers, "body_format": _json(other)}


_OWN_WORDS = {401: [], 404: ["NR"], 503: []}
"""Statuses that routes also answer with, in their own words and without an Envoy flag; Envoy sets a
flag when it fails itself (NR: no route).
"""


def _failed_with(code: int) -> dict[str, Any]:
    if code not in _OWN_WORDS:
        return _status_is(code)
    flagged = {"response_flag_filter": {"flags": _OWN_WORDS[code]}}  # none named: any
    return {"and_filter": {"filters": [_status_is(code), flagged]}}


def _status_is(code: int) -> dict[str, Any]:
    comparison = {"op": "EQ", "value": {"default_value": code, "runtime_key": f"unused.{code}"}}
    return {"status_code_filter": {"comparison": comparison}}


def _json(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"json_format": body, "content_type": "application/json"}
