"""Envoy's routes: which requests reach which version, and who may send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...gateway import (
    PROBE_HEADER,
    REQUEST_HEADER,
    REQUEST_SECONDS,
    SHADOW_HEADER,
    VERSION_HEADER,
    DeploymentPlan,
    Keys,
    VersionPlan,
    cluster_name,
    open_inference_prefix,
    prefix,
)
from ...runtime.grpc_calls import SERVER
from ...runtime.guard import DECLINED, ROUTED
from . import access, grpc, health
from .names import PROBES, TYPE
from .replies import direct_response, error_body

MUTATION = TYPE + "extensions.filters.http.header_mutation.v3.HeaderMutation"

_MIRRORS = "request_mirror_policies"
_ANY_FAILURE = "reset,connect-failure,refused-stream,gateway-error,retriable-status-codes"
_NOT_DELIVERED = "connect-failure,refused-stream"
_RETRY_ON = {
    # Feedback counts, so it is repeated only if it certainly did not arrive. A prediction can
    # always be repeated.
    "api/v1.0/feedback": _NOT_DELIVERED,
    "api/v1.0/": _ANY_FAILURE,
    "health/": _ANY_FAILURE,
}
"""The paths of Seldon's protocol, most special first, and the failures after which a request is
repeated.
"""

_MICROSERVICE = {"/predict": "api/v1.0/predictions", "/send-feedback": "api/v1.0/feedback"}
"""The paths of a single microservice, which Seldon's own tester asks: of the only deployment."""


@dataclass(frozen=True, slots=True)
class _Path:
    """One path of a deployment. match: Envoy's. rewrite: what the worker sees instead of the
    matched prefix; empty: the same. retry_on: failures after which a request is repeated.
    """

    match: Mapping[str, Any]
    rewrite: str
    retry_on: str


def _paths(plan: DeploymentPlan) -> list[_Path]:
    seldon = prefix(plan.namespace, plan.name)
    v2 = open_inference_prefix(plan.name)
    return [
        *(
            _Path({"prefix": seldon + path}, f"/{path}", retry_on)
            for path, retry_on in _RETRY_ON.items()
        ),
        _Path({"prefix": f"{v2}/"}, "", _ANY_FAILURE),
        _Path({"path": v2}, "", _ANY_FAILURE),
        *(_Path(match, "", _NOT_DELIVERED) for match in grpc.feedback_matches(plan)),
        *(_Path(match, "", _ANY_FAILURE) for match in grpc.matches(plan)),
        *(
            _Path({"path": path}, f"/{rewrite}", _RETRY_ON.get(rewrite, _ANY_FAILURE))
            for path, rewrite in _MICROSERVICE.items()
            if plan.alone
        ),
    ]


def _prefixes(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """What only this deployment answers, whatever the path behind it."""
    v2 = open_inference_prefix(plan.name)
    return [
        {"prefix": prefix(plan.namespace, plan.name)},
        {"prefix": f"{v2}/"},
        {"path": v2},
        *grpc.matches(plan),
        *({"path": path} for path in _MICROSERVICE if plan.alone),
    ]


def route_configuration(
    plans: Sequence[DeploymentPlan], port: int, keys: Keys, *, public: bool = False
) -> dict[str, Any]:
    """All routes of the gateway. public: those for other machines."""
    plans = [replace(plan, alone=len(plans) == 1) for plan in plans]
    # Only names of this machine: a web page whose name was pointed at 127.0.0.1 (DNS rebinding)
    # gets 404. Where every request needs a key, any name will do.
    local = [
        name + suffix for name in ("127.0.0.1", "localhost", "[::1]") for suffix in ("", f":{port}")
    ]
    name = "public" if public else "gate"
    return {
        "@type": TYPE + "config.route.v3.RouteConfiguration",
        "name": name,
        "virtual_hosts": [
            {
                "name": name,
                "domains": ["*"] if public else local,
                # A worker treats a repetition with care (`runtime.guard`).
                "include_request_attempt_count": True,
                "routes": [
                    *(
                        grpc.spoken(route)
                        for plan in plans
                        for route in _guarded_routes(plan, keys, public)
                    ),
                    *(access.opened(route) for route in _server_routes()),
                    *_calls(plans, keys, public),
                ],
                "typed_per_filter_config": access.of_host(plans, keys),
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


def _server_routes() -> list[dict[str, Any]]:
    """What the Open Inference Protocol asks of a server, whatever it serves."""
    answers: dict[str, Mapping[str, Any]] = {
        "/v2": SERVER,
        "/v2/": SERVER,  # as the protocol's OpenAPI file spells it
        "/v2/health/live": {"live": True},
        "/v2/health/ready": {"ready": True},
    }
    return [
        {"match": {"path": path}, **direct_response(body, 200)} for path, body in answers.items()
    ]


def _calls(plans: Sequence[DeploymentPlan], keys: Keys, public: bool) -> list[dict[str, Any]]:
    """The routes of calls that name no deployment. Which filters run is settled by the first route
    of a request, so the one that is chosen anew, by the name in the message, has to be guarded here
    too; what it asks for is its own.

    What is asked of the server as such reaches no worker, and needs no key. Other machines need a
    key of any deployment for what asks a worker of each.
    """
    guarded = any(plan.keys for plan in plans)
    routes = []
    for route in grpc.server_routes([name for plan in plans for name in health.answering(plan)]):
        if guarded and "typed_per_filter_config" in route:
            route = access.checked(route)
        closed = public and health.is_check(route)
        routes.append(access.of_any(route, plans, keys) if closed else access.opened(route))
    return routes


def _deployment_routes(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """By version first, then by traffic; the first route that matches is taken."""
    routed = [version for version in plan.versions if version.routed]
    return [
        *grpc.health_routes(plan),
        *_version_routes(plan, routed),
        *_unknown_version(plan, routed),
        *(_traffic_routes(plan, routed) or _no_traffic(plan)),
    ]


def _version_routes(plan: DeploymentPlan, routed: Sequence[VersionPlan]) -> list[dict[str, Any]]:
    """Requests that name a version, by header or in the path, go to it, whatever the traffic."""
    routes: list[dict[str, Any]] = [
        {
            "match": _and(path.match, string_match={"exact": version.version}),
            "route": {**_action(plan, path), "cluster": cluster_name(plan.name, version.version)},
            "request_headers_to_add": [_routed(version)],
        }
        for path in _paths(plan)
        for version in routed
    ]
    v2 = open_inference_prefix(plan.name)
    for version in routed:
        named = f"{v2}/versions/{version.version}"
        for match in ({"prefix": f"{named}/"}, {"path": named}):
            cluster = cluster_name(plan.name, version.version)
            action = _action(plan, _Path(match, "", _ANY_FAILURE))
            route = {"match": match, "route": {**action, "cluster": cluster}}
            routes.append({**route, "request_headers_to_add": [_routed(version)]})
    return routes


def _unknown_version(plan: DeploymentPlan, routed: Sequence[VersionPlan]) -> list[dict[str, Any]]:
    names = ", ".join(version.version for version in routed) or "none"
    body = error_body(
        404,
        f"Deployment {plan.name} has no such version.",
        f"The request's {VERSION_HEADER}, or its path, names none of: {names}.",
        "Leave the version out.",
    )
    matches = [_and(match, present_match=True) for match in _prefixes(plan)]
    matches.append({"prefix": f"{open_inference_prefix(plan.name)}/versions/"})
    return [{"match": match, **direct_response(body, 404)} for match in matches]


def _and(match: Mapping[str, Any], **version: Any) -> dict[str, Any]:
    """A match of those requests alone whose header names a version like this."""
    header = {"name": VERSION_HEADER, **version}
    return {**match, "headers": [*match.get("headers", ()), header]}


def _routed(version: VersionPlan) -> dict[str, Any]:
    """Tells the worker which version was meant: one of another version may stand in for it."""
    return {
        "header": {"key": ROUTED, "value": version.version},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _traffic_routes(plan: DeploymentPlan, routed: Sequence[VersionPlan]) -> list[dict[str, Any]]:
    """All other requests, shared by weight; none while no routed version has any."""
    clusters = [
        {
            "name": cluster_name(plan.name, item.version),
            "weight": plan.weights[item.version],
            "request_headers_to_add": [_routed(item)],
        }
        for item in routed
        if plan.weights.get(item.version)
    ]
    if not clusters:
        return []
    shares: dict[str, Any] = {"weighted_clusters": {"clusters": clusters}}
    if plan.sticky_header:  # a request without it gets a version at random, as without this
        shares["weighted_clusters"]["use_hash_policy"] = True
        shares["hash_policy"] = [{"header": {"header_name": plan.sticky_header}}]
    return [
        {
            "match": dict(path.match),
            "route": {**_action(plan, path), **shares, **_copies(plan, routed, path)},
        }
        for path in _paths(plan)
    ]


def _copies(plan: DeploymentPlan, routed: Sequence[VersionPlan], path: _Path) -> dict[str, Any]:
    """Copies for shadows: Envoy sends them and forgets them, so that nobody waits for a shadow, and
    repeats none. Feedback is no question to a model.
    """
    if path.retry_on != _ANY_FAILURE:
        return {}
    policies = [
        {
            "cluster": cluster_name(plan.name, item.version),
            "runtime_fraction": {
                "default_value": {
                    "numerator": plan.shadows[item.version],
                    "denominator": "HUNDRED",
                }
            },
            "disable_shadow_host_suffix_append": True,
            "request_headers_mutations": [
                {"append": _routed(item)},
                {"append": {**_routed(item), "header": {"key": SHADOW_HEADER, "value": "1"}}},
            ],
        }
        for item in routed
        if plan.shadows.get(item.version)
    ]
    return {_MIRRORS: policies} if policies else {}


def _no_traffic(plan: DeploymentPlan) -> list[dict[str, Any]]:
    why = (
        "Its processes are being started or stopped."
        if any(plan.weights.values())
        else "No version has passed its tests yet."
    )
    body = error_body(
        503,
        f"Deployment {plan.name} answers nobody now.",
        why,
        f"mlinfra deployments show {plan.name}",
    )
    return [{"match": match, **direct_response(body, 503)} for match in _prefixes(plan)]


def _guarded_routes(plan: DeploymentPlan, keys: Keys, public: bool) -> list[dict[str, Any]]:
    """The routes of a deployment for callers that may use it; workers learn no secret. Our own
    tests come from this machine, and count for no limit.
    """
    routes, unlimited = [], replace(plan, rate=0.0)
    for route in _deployment_routes(plan):
        if "route" in route and not public:
            probes = access.guarded(route, unlimited, keys, public=public)
            routes.append(_for_probes(probes, keys))
        guarded = access.guarded(route, plan, keys, public=public)
        # A key that nobody checks, because none is valid, is no worker's business either.
        removed = [PROBE_HEADER, SHADOW_HEADER, "authorization"]
        routes.append({**guarded, "request_headers_to_remove": removed})
    return routes


def _with_header(route: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    headers = [*route["match"].get("headers", []), {"name": name, "string_match": {"exact": value}}]
    return {**route, "match": {**route["match"], "headers": headers}}


def _uncounted(route: Mapping[str, Any]) -> dict[str, Any]:
    """The same route, whose requests Envoy also counts separately, so that they are subtracted from
    those of clients. It takes this header from no caller.
    """
    header = {
        "header": {"key": "x-envoy-upstream-alt-stat-name", "value": PROBES},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    mutation = {
        "@type": MUTATION + "PerRoute",
        "mutations": {"request_mutations": [{"append": header}]},
    }
    filters = {**route.get("typed_per_filter_config", {}), PROBES: mutation}
    return {**route, "typed_per_filter_config": filters}


def _for_probes(route: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """The same route for our own tests and measurements."""
    probe_header = {
        "header": {"key": PROBE_HEADER, "value": "1"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    action = {key: value for key, value in route["route"].items() if key != _MIRRORS}
    return {
        **_uncounted(_with_header(route, PROBE_HEADER, keys.probe)),
        "route": action,
        "request_headers_to_add": [*route.get("request_headers_to_add", ()), probe_header],
        "request_headers_to_remove": [SHADOW_HEADER],
    }


def _action(plan: DeploymentPlan, path: _Path) -> dict[str, Any]:
    """Where a request goes, how long it may take, and when it is sent again.

    A worker that is suspended or stuck must not cost its requests 30 s, and a model that takes 20 s
    must be answered. So after `patience_seconds` a second worker is asked too, and the first one
    goes on (a hedged request); the first good answer counts. The second worker declines while the
    first one moves (`runtime.guard`), so a slow request is not worked on twice.
    """
    hosts = TYPE + "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    retry: dict[str, Any] = {
        "retry_on": path.retry_on,
        # One a second while all workers are stuck, until those take it that are started in their
        # place, after about 5 s. The workers decide how often one request is worked on.
        "num_retries": 12,
        "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"},
        # The second try goes to another worker of the same version; one that stands in is asked
        # only when all of its own are down.
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {"@type": hosts},
            }
        ],
        "host_selection_retry_max_attempts": 10,
    }
    action = {
        **({"prefix_rewrite": path.rewrite} if path.rewrite else {}),
        "timeout": f"{REQUEST_SECONDS}s",
        "retry_policy": retry,
    }
    if path.retry_on != _ANY_FAILURE:
        return action
    retry["retriable_status_codes"] = [DECLINED]
    retry["per_try_timeout"] = f"{plan.patience_seconds:g}s"
    return {**action, "hedge_policy": {"hedge_on_per_try_timeout": True}}
