"""What Envoy answers itself, instead of a worker: bodies with what, why and fix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...gateway import REQUEST_SECONDS
from .names import LOCAL

_ROUTE_STATUSES = {200: [], 401: [], 404: ["NR"], 503: []}
"""Statuses that routes also answer with, in their own words and without an Envoy flag; Envoy sets a
flag when it fails itself (NR: no route).
"""

_CALL_STATUS = {404: "5", 408: "4", 413: "8", 504: "4"}
"""NOT_FOUND, DEADLINE_EXCEEDED and RESOURCE_EXHAUSTED of gRPC."""


def error_body(code: int, what: str, why: str, fix: str) -> dict[str, Any]:
    """The error body of both protocols with what, why and fix added; the same form as the
    workers'.
    """
    info = " ".join(part for part in (what, why, fix) if part)
    return {
        "status": {"status": 1, "info": info, "code": code, "reason": "GATEWAY"},
        "error": info,
        "what": what,
        "why": why,
        "fix": fix,
    }


def direct_response(body: Mapping[str, Any], status: int) -> dict[str, Any]:
    """The part of a route that answers with `body` at once."""
    content_type = {
        "header": {"key": "content-type", "value": "application/json"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {
        "direct_response": {"status": status, "body": {"inline_string": json.dumps(body)}},
        "response_headers_to_add": [content_type],
    }


def local_replies(max_body_bytes: int) -> dict[str, Any]:
    """The answers to requests that Envoy refuses or cannot deliver."""
    largest = f"The gateway takes at most {max_body_bytes / (1 << 20):g} MiB."
    texts_of = {
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
        429: (
            "Too many requests were sent to this deployment.",
            "It takes a limited number a second.",
            "Send it again after the seconds in Retry-After; [deployments] rate_limit sets the"
            " number.",
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
    mappers: list[dict[str, Any]] = [
        {"filter": _failed_with(code), "body_format_override": _json(error_body(code, *texts))}
        for code, texts in texts_of.items()
    ]
    mappers[:0] = [*_to_calls(texts_of), _QUEUE_FULL]
    unchanged = {
        "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        "content_type": "application/json",
    }
    mappers += [
        {"filter": _status_is(code), "body_format_override": unchanged} for code in _ROUTE_STATUSES
    ]
    fallback = error_body(
        0, "The gateway refused the request.", "%LOCAL_REPLY_BODY%", "See the path and the headers."
    )
    fallback["status"]["code"] = "%RESPONSE_CODE%"
    return {"mappers": mappers, "body_format": _json(fallback)}


def _to_calls(texts: Mapping[int, tuple[str, str, str]]) -> list[dict[str, Any]]:
    """The same words as the message of a call's status. texts: what, why and fix by status."""
    regex = "/(inference|seldon\\.protos|grpc\\.health\\.v1)\\..*"
    header = {"name": ":path", "string_match": {"safe_regex": {"regex": regex}}}
    call: dict[str, Any] = {"header_filter": {"header": header}}
    words = [
        (_and(_QUEUE_FULL["filter"], call), _QUEUE_TEXTS, 503),
        *((_and(_failed_with(code), call), parts, code) for code, parts in texts.items()),
        (call, ("%LOCAL_REPLY_BODY%",), 0),
    ]
    return [
        {
            "filter": condition,
            "headers_to_add": _marks(code),
            "body_format_override": {
                "text_format_source": {"inline_string": " ".join(filter(None, parts))}
            },
        }
        for condition, parts, code in words
    ]


def _and(*filters: Mapping[str, Any]) -> dict[str, Any]:
    return {"and_filter": {"filters": list(filters)}}


def _marks(code: int) -> list[dict[str, Any]]:
    """Headers of an answer to a call. code: of HTTP; Envoy makes little of some of them."""
    headers = [*LOCAL, *([("grpc-status", _CALL_STATUS[code])] if code in _CALL_STATUS else [])]
    return [{"header": {"key": key, "value": text}} for key, text in headers]


def _failed_with(code: int) -> dict[str, Any]:
    if code not in _ROUTE_STATUSES:
        return _status_is(code)
    flagged = {"response_flag_filter": {"flags": _ROUTE_STATUSES[code]}}  # none named: any
    return {"and_filter": {"filters": [_status_is(code), flagged]}}


def _status_is(code: int) -> dict[str, Any]:
    comparison = {"op": "EQ", "value": {"default_value": code, "runtime_key": f"unused.{code}"}}
    return {"status_code_filter": {"comparison": comparison}}


def _json(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"json_format": body, "content_type": "application/json"}


_QUEUE_TEXTS = (
    "Too many requests wait for this version.",
    "Its workers are busy, and its queue is full.",
    "Send it again in a second; [deployments] workers and queue make room for more.",
)
_QUEUE_FULL: dict[str, Any] = {
    "filter": {
        "and_filter": {"filters": [_status_is(503), {"response_flag_filter": {"flags": ["UO"]}}]}
    },
    "headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}],
    "body_format_override": _json(error_body(503, *_QUEUE_TEXTS)),
}
