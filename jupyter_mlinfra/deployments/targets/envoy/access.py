"""Who may send requests, and how many: Envoy's part of the keys, of the rate limit and of the
address for other machines.

Envoy has a filter for keys (`api_key_auth`), but it keeps them as they are. This one is a script of
Envoy's own Lua (`access.lua`), which knows only their SHA-256: no request leaves Envoy for it, and
nobody who reads the files learns a key.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...gateway import DeploymentPlan, Keys, PublicAddress
from .names import ACCESS, CERTIFICATE, RATE, TYPE, watched
from .replies import error_body

LUA = TYPE + "extensions.filters.http.lua.v3.Lua"
LIMIT = TYPE + "extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_TLS = "extensions.transport_sockets.tls.v3."

_ENABLED = {"@type": TYPE + "config.route.v3.FilterConfig", "config": {}}

REFUSED = error_body(
    401,
    "The request has no valid key.",
    "A deployment answers requests with one of its own keys that is neither revoked nor expired.",
    "Send the header Authorization: Bearer KEY; mlinfra deployments keys NAME create makes one. On"
    " the project's own machine leave it out; with require_token or listen: curl -H"
    " @.mlinfra/deployments/authorization …",
)


def filters(*, public: bool) -> list[dict[str, Any]]:
    """The filters before all others. public: on the address for other machines, where every route
    needs a key that does not say otherwise; on this machine only where it is switched on.
    """
    return [
        {
            "name": ACCESS,
            "disabled": not public,
            "typed_config": {
                "@type": LUA,
                "default_source_code": {"inline_string": script()},
            },
        },
        {"name": RATE, "typed_config": {"@type": LIMIT, "stat_prefix": RATE}},
    ]


def script() -> str:
    """The filter's program."""
    first = list(itertools.islice(_primes(), 64))
    values = {
        "@CONSTANTS@": ",".join(str(_fraction(number, 3)) for number in first),
        "@START@": ",".join(str(_fraction(number, 2)) for number in first[:8]),
        "@BODY@": f"[==[{json.dumps(REFUSED)}]==]",
        "@TEXT@": f"[==[{REFUSED['error']}]==]",
    }
    text = Path(__file__).with_suffix(".lua").read_text()
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _primes() -> Any:
    for number in itertools.count(2):
        if all(number % divisor for divisor in range(2, math.isqrt(number) + 1)):
            yield number


def _fraction(number: int, root: int) -> int:
    """The first 32 bits after the point of a root, as FIPS 180-4 asks: of a square or a cube."""
    scaled, found = number << (32 * root), 0
    for bit in reversed(range(40)):
        if (found | 1 << bit) ** root <= scaled:
            found |= 1 << bit
    return found & 0xFFFF_FFFF


def _known(plan: DeploymentPlan, keys: Keys, *, public: bool) -> str:
    """The keys that a deployment takes: a line for each. The project's own token is valid on this
    machine alone.
    """
    known = [f"{id} {key.digest} {key.ends_ms}" for id, key in sorted(plan.keys.items())]
    if keys.token and not public:
        known.append(f"owner {hashlib.sha256(keys.token.encode()).hexdigest()} 0")
    return "\n".join(["", *known, ""])


def of_host(plans: Sequence[DeploymentPlan], keys: Keys) -> dict[str, Any]:
    """What holds for all routes of a virtual host: the limits, and with a token of the project the
    need of a key.
    """
    return _limits(plans) | ({ACCESS: _ENABLED} if keys.token else {})


def _limits(plans: Sequence[DeploymentPlan]) -> dict[str, Any]:
    """One bucket a deployment, whatever the path."""
    buckets = [
        {
            "entries": [{"key": "generic_key", "value": plan.name}],
            "token_bucket": _bucket(plan.rate),
        }
        for plan in plans
        if plan.rate
    ]
    if not buckets:
        return {}
    every = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    longest = max(math.ceil(1 / plan.rate) for plan in plans if plan.rate)
    config = {
        "@type": LIMIT,
        "stat_prefix": RATE,
        "filter_enabled": every,
        "filter_enforced": every,
        "descriptors": buckets,
        "token_bucket": {
            "max_tokens": 1_000_000,
            "tokens_per_fill": 1_000_000,
            "fill_interval": "0.05s",
        },
        "always_consume_default_token_bucket": False,
        "rate_limited_as_resource_exhausted": True,
        "response_headers_to_add": [{"header": {"key": "retry-after", "value": str(longest)}}],
    }
    return {RATE: config}


def _bucket(rate: float) -> dict[str, Any]:
    """So many requests a second, and as many at once as in one second."""
    tokens, seconds = (round(rate), 1.0) if rate >= 20 else (1, 1 / rate)
    return {
        "max_tokens": max(1, math.ceil(rate)),
        "tokens_per_fill": tokens,
        "fill_interval": f"{seconds:.6f}s",
    }


def guarded(
    route: Mapping[str, Any], plan: DeploymentPlan, keys: Keys, *, public: bool
) -> dict[str, Any]:
    """A route of a deployment for its callers. On this machine a key is needed if the project's
    token is; one that is sent is checked in any case.
    """
    facts = {
        "required": bool(keys.token) or public,
        "keys": _known(plan, keys, public=public),
    }
    guard = _told(route, facts)
    if not public and plan.keys:
        guard["typed_per_filter_config"] = {
            **route.get("typed_per_filter_config", {}),
            ACCESS: _ENABLED,
        }
    if plan.rate and "route" in route:
        actions = [{"actions": [{"generic_key": {"descriptor_value": plan.name}}]}]
        guard["route"] = {**route["route"], "rate_limits": actions}
    return guard


def _told(route: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """A route of which the filter knows these facts."""
    others = route.get("metadata", {}).get("filter_metadata", {})
    return {**route, "metadata": {"filter_metadata": {**others, ACCESS: facts}}}


def checked(route: Mapping[str, Any]) -> dict[str, Any]:
    """A route whose requests may end on a guarded one."""
    filters = {**route.get("typed_per_filter_config", {}), ACCESS: _ENABLED}
    return {**route, "typed_per_filter_config": filters}


def of_any(route: Mapping[str, Any], plans: Sequence[DeploymentPlan], keys: Keys) -> dict[str, Any]:
    """A route on the address for other machines that takes a key of any deployment."""
    known = "".join(_known(plan, keys, public=True) for plan in plans)
    return _told(route, {"required": True, "keys": known})


def opened(route: Mapping[str, Any]) -> dict[str, Any]:
    """A route that needs no key."""
    return _told(route, {"open": True})


def public_listener(public: PublicAddress, manager: Mapping[str, Any]) -> dict[str, Any]:
    """The listener for other machines. manager: how it treats requests."""
    chain: dict[str, Any] = {
        "filters": [
            {
                "name": "connections",
                "typed_config": {
                    "@type": TYPE
                    + "extensions.filters.network.connection_limit.v3.ConnectionLimit",
                    "stat_prefix": "public",
                    "max_connections": public.max_connections,
                },
            },
            {"name": "http", "typed_config": dict(manager)},
        ],
        "transport_socket_connect_timeout": "10s",
    }
    if public.certificate:
        chain["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": TYPE + _TLS + "DownstreamTlsContext",
                "common_tls_context": {
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_certificate_sds_secret_configs": [
                        {"name": "server", "sds_config": watched(CERTIFICATE)}
                    ],
                },
            },
        }
    return {
        "@type": TYPE + "config.listener.v3.Listener",
        "name": "public",
        "address": {"socket_address": {"address": public.host, "port_value": public.port}},
        "enable_reuse_port": True,
        "per_connection_buffer_limit_bytes": 1 << 16,
        "filter_chains": [chain],
    }


def certificate(public: PublicAddress) -> dict[str, Any]:
    """The certificate and its key as Envoy is told of them: by their names in its folder."""
    return {
        "@type": TYPE + _TLS + "Secret",
        "name": "server",
        "tls_certificate": {
            "certificate_chain": {"filename": f"./{public.certificate}"},
            "private_key": {"filename": f"./{public.key}"},
        },
    }


def opened_with_tls(listeners: str, secrets: str) -> PublicAddress | None:
    """The address for other machines in the files that open it with TLS; None if they do not.
    Raises ValueError or LookupError for files that are none.
    """
    found = json.loads(listeners)["resources"]
    if not found or "transport_socket" not in found[0]["filter_chains"][0]:
        return None
    where = found[0]["address"]["socket_address"]
    files = json.loads(secrets)["resources"][0]["tls_certificate"]
    return PublicAddress(
        host=where["address"],
        port=where["port_value"],
        certificate=files["certificate_chain"]["filename"].removeprefix("./"),
        key=files["private_key"]["filename"].removeprefix("./"),
    )
