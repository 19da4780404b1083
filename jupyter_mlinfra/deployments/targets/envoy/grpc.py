"""Calls by gRPC at the gateway: which deployment is meant, and how a worker that speaks HTTP/1
answers them.

Envoy's bridge (`grpc_http1_reverse_bridge`) makes a POST of a unary call, and trailers of the
answer's status. What repeats, hedges, weighs and counts requests comes after it, so it holds for
calls too. A call names its deployment

- by the metadata `seldon` (and `namespace`), as behind Seldon's ingress;
- by the model's name in its message (Open Inference Protocol): a script of Envoy's own Lua reads
  that name, and the model's version, which become the same headers;
- not at all, as Seldon's tester of a single microservice: if there is only one, that one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...gateway import VERSION_HEADER, DeploymentPlan
from ...runtime import grpc_calls
from ...runtime.grpc_calls import SERVER
from . import health
from .names import LOCAL, TYPE
from .replies import direct_response, error_body

DEPLOYMENT, NAMESPACE = "seldon", "namespace"
"""Metadata that Seldon's clients send."""

_NAMING, _BODY = "grpc-name", "grpc-body"
_GIVE_FEEDBACK = ("Seldon", "Model", "Generic")
_FILTERS = TYPE + "extensions.filters.http."
_UNNAMED = {"name": DEPLOYMENT, "present_match": False}
_YES = "\x08\x01"
"""A message of which the first field is true."""

_OF_SERVER = {
    "Live": _YES,
    "Ready": _YES,
    "Metadata": "".join(
        f"{chr(number << 3 | 2)}{chr(len(text))}{text}"
        for number, texts in enumerate(
            ([SERVER["name"]], [SERVER["version"]], SERVER["extensions"]), 1
        )
        for text in texts
    ),
}
"""What the Open Inference Protocol asks of a server, whatever it serves, and the answer."""

_STATUSES = {404: "5", 501: "12"}
"""NOT_FOUND and UNIMPLEMENTED, by the status of HTTP."""


def naming_filters(max_body_bytes: int) -> list[dict[str, Any]]:
    """The first filters of all, because they choose the route, which says who may send the call.
    They act on calls of the Open Inference Protocol and about health, without metadata, alone.
    """
    script = Path(__file__).with_suffix(".lua").read_text().replace("@VERSION@", VERSION_HEADER)
    return [
        {
            "name": _BODY,
            "disabled": True,
            "typed_config": {
                "@type": _FILTERS + "buffer.v3.Buffer",
                "max_request_bytes": max_body_bytes,
            },
        },
        {
            "name": _NAMING,
            "disabled": True,
            "typed_config": {
                "@type": _FILTERS + "lua.v3.Lua",
                "default_source_code": {"inline_string": script},
            },
        },
    ]


def bridge_filters() -> list[dict[str, Any]]:
    """The last filters before the router: the bridge, and what it needs on both of its sides.

    It knows only the statuses that it makes of those of HTTP; a worker's own, with its message,
    replaces them. And it takes what Envoy answers itself for an answer of the wrong type.
    """
    (inner, _), (outer, _) = LOCAL
    statuses = [
        _set("grpc-status", grpc_calls.STATUS),
        _set("grpc-message", grpc_calls.MESSAGE),
    ]
    content_type = "content-type"
    return [
        _mutation(
            "grpc-status",
            response_mutations=[_set(content_type, outer), {"remove": outer}],
            response_trailers_mutations=statuses,
        ),
        {
            "name": "grpc",
            "typed_config": {
                "@type": _FILTERS + "grpc_http1_reverse_bridge.v3.FilterConfig",
                "content_type": grpc_calls.CONTENT_TYPE,
            },
        },
        _mutation("grpc-local", response_mutations=[_set(content_type, inner), {"remove": inner}]),
    ]


def _mutation(name: str, **mutations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    config = {"@type": _FILTERS + "header_mutation.v3.HeaderMutation", "mutations": mutations}
    return {"name": name, "typed_config": config}


def _set(header: str, source: str) -> dict[str, Any]:
    """Give a header or trailer the value of a header of the answer, if that has one."""
    return {
        "append": {
            "header": {"key": header, "value": f"%RESP({source})%"},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    }


def matches(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """The calls that are meant for this deployment."""
    found = [
        {"prefix": path, "headers": headers}
        for path in (grpc_calls.SELDON, grpc_calls.V2)
        for headers in _naming_headers(plan)
    ]
    if plan.alone:
        found.append({"prefix": grpc_calls.SELDON, "headers": [_UNNAMED]})
    return found


def _naming_headers(plan: DeploymentPlan) -> list[list[dict[str, Any]]]:
    """The headers that name this deployment; without a namespace, its own is meant."""
    name = {"name": DEPLOYMENT, "string_match": {"exact": plan.name}}
    spaces: Sequence[dict[str, Any]] = [
        {"string_match": {"exact": plan.namespace}},
        {"present_match": False},
    ]
    return [[name, {"name": NAMESPACE, **space}] for space in spaces]


def feedback_matches(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """Those of `matches` that are feedback: such a call may not be repeated."""
    paths = [f"{grpc_calls.SELDON}{service}/SendFeedback" for service in _GIVE_FEEDBACK]
    return [
        {"path": path, "headers": match["headers"]}
        for match in matches(plan)
        if match["prefix"] == grpc_calls.SELDON
        for path in paths
    ]


def health_routes(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """The routes of calls that ask for the health of this deployment."""
    clusters = health.answering(plan)
    return [
        health.check({"path": health.CHECK, "headers": headers}, clusters)
        for headers in _naming_headers(plan)
    ]


def server_routes(clusters: Sequence[str]) -> list[dict[str, Any]]:
    """The routes after those of all deployments. clusters: of the versions that have traffic. What
    is asked of the server as such is answered like its paths of REST, and reaches no worker.
    """
    missing = error_body(
        404,
        "The call names no deployment that is here.",
        "",
        "Give its name as the model's name (Open Inference Protocol), as the service (health), or"
        " as the metadata seldon.",
    )
    unnamed = {"prefix": grpc_calls.V2, "headers": [_UNNAMED]}
    routes: list[dict[str, Any]] = [
        *(
            health.says({"path": f"{grpc_calls.V2}Server{what}"}, message)
            for what, message in _OF_SERVER.items()
        ),
        {"match": {"path": health.WATCH}, **direct_response(health.NO_WATCH, 501)},
        *_whole_health(clusters),
        _reads_name({"match": unnamed, **direct_response(missing, 404)}),
        *(
            {"match": {"prefix": path}, **direct_response(missing, 404)}
            for path in (grpc_calls.V2, grpc_calls.SELDON, health.SERVICE)
        ),
    ]
    return [spoken(route) for route in routes]


def _whole_health(clusters: Sequence[str]) -> list[dict[str, Any]]:
    """The routes of calls that ask for the health of all deployments."""
    named = [{"name": DEPLOYMENT, "string_match": {"exact": name}} for name in health.SERVICES]
    found = [
        health.check({"path": health.CHECK, "headers": [header]}, clusters)
        for header in (_UNNAMED, *named)
    ]
    return [_reads_name(found[0]), *found[1:]]


def _reads_name(route: Mapping[str, Any]) -> dict[str, Any]:
    """A route whose call is routed anew by the name in its message."""
    enabled = {"@type": TYPE + "config.route.v3.FilterConfig", "config": {}}
    filters = {**route.get("typed_per_filter_config", {}), _BODY: enabled, _NAMING: enabled}
    return {**route, "typed_per_filter_config": filters}


def spoken(route: Mapping[str, Any]) -> dict[str, Any]:
    """A route as it is; one that answers calls itself does so with a status of gRPC and a text."""
    path = str(route["match"].get("prefix") or route["match"].get("path"))
    calls = (grpc_calls.SELDON, grpc_calls.V2, health.SERVICE)
    answer = route.get("direct_response", {})
    if "body" not in answer or not path.startswith(calls):
        return dict(route)
    text = json.loads(answer["body"]["inline_string"])["error"]
    fields = [*route.get("response_headers_to_add", ())]
    if status := _STATUSES.get(answer["status"]):
        fields.append({"header": {"key": "grpc-status", "value": status}})
    return {
        **route,
        "direct_response": {"status": answer["status"], "body": {"inline_string": text}},
        "response_headers_to_add": fields,
    }
