"""Names that Envoy's files share: types of its API, files, and how one file refers to another."""

from __future__ import annotations

from typing import Any

from ...gateway import cluster_name
from ...runtime import grpc_calls

TYPE = "type.googleapis.com/envoy."
ADMIN_SOCKETS = ("admin.0.sock", "admin.1.sock")
"""One per Envoy. Two listen on the same port, so that a connection is accepted while one of them is
started again.
"""

BOOTSTRAPS = ("envoy.0.json", "envoy.1.json")
ROUTES = "rds.json"
PUBLIC_ROUTES = "rds-public.json"
CLUSTERS = "cds.json"
LISTENERS = "lds.json"
CERTIFICATE = "sds.json"

ACCESS, RATE, HEALTH = "access", "rate", "health"
"""Filters, and where they find what concerns them."""

PROBES = "probe"
"""What Envoy counts for requests with `PROBE_HEADER` is also in `cluster.NAME.probe.…`, so that it
can be subtracted from the total.
"""

LOCAL = (
    ("x-mlinfra-inner", grpc_calls.CONTENT_TYPE),
    ("x-mlinfra-outer", "application/grpc"),
)
"""Headers of an answer to a call that Envoy gives itself: the content types that the bridge and the
caller want to see.
"""


def endpoint_file(deployment: str, version: str) -> str:
    """The file with the workers of a version."""
    return f"eds-{cluster_name(deployment, version)}.json"


def watched(name: str) -> dict[str, Any]:
    """A reference to a file that Envoy reads again after each rename."""
    # Envoy watches the folder, because a rename replaces the file that it would otherwise watch.
    return {
        "path_config_source": {"path": name, "watched_directory": {"path": "."}},
        "resource_api_version": "V3",
    }
