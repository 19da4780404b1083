"""What every gateway has in common: its plan, its headers, its addresses and its secrets.

`targets.envoy` makes the configuration of the local gateway from the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VERSION_HEADER = "x-mlinfra-version"
PROBE_HEADER = "x-mlinfra-probe"
REQUEST_HEADER = "x-mlinfra-request"
"""An id that is new for each request, whatever id the caller sends, and the same if the gateway
retries a request.
"""

SHADOW_HEADER = "x-mlinfra-shadow"
"""Set by the gateway alone, on the copies for a shadow."""

REQUEST_SECONDS = 30

PATIENCE_SECONDS = 1.0
MOST_PATIENCE_SECONDS = 15.0
QUEUE = 256
"""Defaults of `[deployments]` patience_seconds and queue, and the most that the first grows to."""


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
class KeyPlan:
    """What a gateway knows of a key. digest: its SHA-256 in hexadecimal. ends_ms: when it expires,
    in milliseconds since 1970; 0 = never.
    """

    digest: str
    ends_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddress:
    """Where other machines reach the gateway; every request there needs a key. certificate, key:
    paths of PEM files; empty: it speaks plain HTTP.
    """

    host: str
    port: int
    certificate: str = ""
    key: str = ""
    max_connections: int = 1024
    max_body_bytes: int = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPlan:
    """One deployment. weights: in which proportions its versions share the requests; none above 0
    while no version may answer them.

    patience_seconds: after which a request is also given to a second worker. queue: requests that
    a version may have in progress; further ones are refused. sticky_header: requests with an equal
    value of it go to the same version while the weights stay; empty = none. shadows: percent of the
    requests of which versions get a copy, whose answers nobody gets. keys: those that are valid, by
    id. rate: requests a second that its callers may send; 0 = any number. alone: whether there is
    no other deployment, so that requests which name none are meant for it.
    """

    name: str
    namespace: str
    versions: Sequence[VersionPlan]
    weights: Mapping[str, int]
    patience_seconds: float = PATIENCE_SECONDS
    queue: int = QUEUE
    sticky_header: str = ""
    shadows: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, KeyPlan] = field(default_factory=dict)
    rate: float = 0.0
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of one project. probe: the value of PROBE_HEADER in our own tests and measurements.
    token: required in every request; empty if none is.
    """

    probe: str
    token: str = ""


def patience(at_least: float, p95_ms: Sequence[float]) -> float:
    """Seconds after which a request is slow for this deployment: at least so many, and four times
    the slowest p95 of its versions, as a power of two times `at_least` so that it seldom changes.
    """
    usual, seconds = 4 * max(p95_ms, default=0.0) / 1000, at_least
    while seconds < usual and seconds < MOST_PATIENCE_SECONDS:
        seconds *= 2
    return min(seconds, MOST_PATIENCE_SECONDS)


def cluster_name(deployment: str, version: str) -> str:
    """Name of a version in the gateway; both parts are DNS labels, so the dot is unambiguous."""
    return f"{deployment}.{version}"


def prefix(namespace: str, deployment: str) -> str:
    """The same path as behind Seldon's ingress on a cluster."""
    return f"/seldon/{namespace}/{deployment}/"


def open_inference_prefix(deployment: str) -> str:
    """The path of a deployment in the Open Inference Protocol, without a trailing slash."""
    return f"/v2/models/{deployment}"
