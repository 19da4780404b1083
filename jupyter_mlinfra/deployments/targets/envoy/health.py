"""`grpc.health.v1.Health` at the gateway, which Kubernetes, Envoy and the libraries of gRPC ask.

The gateway answers it itself (`health.lua`), whatever runtime is behind it: it asks one worker of
each version that has traffic, as its own health checks do. Such a question counts in no figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...gateway import DeploymentPlan, cluster_name
from ...runtime import grpc_calls
from .names import HEALTH, PROBES, TYPE
from .replies import error_body

SERVICE = "/grpc.health.v1.Health/"
CHECK, WATCH = SERVICE + "Check", SERVICE + "Watch"
SERVICES = ("inference.GRPCInferenceService", "seldon.protos.Seldon", "seldon.protos.Model")
"""What a caller may name instead of the empty text: all of it is answered as a whole."""

NO_WATCH = error_body(
    501,
    "Health is not watched here.",
    "Streams are not carried.",
    "Call grpc.health.v1.Health/Check.",
)
_ENABLED = {"@type": TYPE + "config.route.v3.FilterConfig", "config": {}}
_LUA = TYPE + "extensions.filters.http.lua.v3.Lua"


def health_filter() -> dict[str, Any]:
    """The filter that answers; it is inside of the bridge, which makes a call of its answer."""
    text = Path(__file__).with_suffix(".lua").read_text()
    values = {"@NAME@": HEALTH, "@PROBES@": PROBES, "@STATUS@": grpc_calls.STATUS}
    for name, value in values.items():
        text = text.replace(name, value)
    config = {"@type": _LUA, "default_source_code": {"inline_string": text}}
    return {"name": HEALTH, "disabled": True, "typed_config": config}


def answering(plan: DeploymentPlan) -> list[str]:
    """The clusters that share the requests of a deployment."""
    return [
        cluster_name(plan.name, version.version)
        for version in plan.versions
        if version.routed and plan.weights.get(version.version)
    ]


def check(match: Mapping[str, Any], clusters: Sequence[str]) -> dict[str, Any]:
    """A route for calls that ask whether all these clusters answer; none do not."""
    return _answering(match, {"clusters": list(clusters)})


def says(match: Mapping[str, Any], message: str) -> dict[str, Any]:
    """A route for calls that are answered with this message, of at most 255 ASCII characters."""
    return _answering(match, {"message": message})


def _answering(match: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "match": dict(match),
        "direct_response": {"status": 200},
        "metadata": {"filter_metadata": {HEALTH: dict(facts)}},
        "typed_per_filter_config": {HEALTH: _ENABLED},
    }


def is_check(route: Mapping[str, Any]) -> bool:
    """Whether it is one that `check` made."""
    return "clusters" in route.get("metadata", {}).get("filter_metadata", {}).get(HEALTH, {})
