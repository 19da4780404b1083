"""Object storage: the endpoint and the keys with which the files of a source are reached.

Options of a source: `endpoint` is Feast's `s3_endpoint_override`; the tags of Feast's
`ConnectionRef` say where the keys are. Without them the keys of the environment are used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...core.errors import Unavailable
from .spec import SourceSpec

ENDPOINT = "endpoint"
CONNECTION = "feast.connection-ref."
_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)


def is_remote(path: str) -> bool:
    """Whether the path is an address in object storage."""
    return "://" in path and not path.startswith("file://")


def credentials_of(source: SourceSpec) -> Mapping[str, str]:
    """What the source's ConnectionRef leads to, by Feast's names (`AWS_ACCESS_KEY_ID`, …); empty
    without one. Raises Unavailable, without a value in the text, if it cannot be resolved.
    """
    tags = {key: value for key, value in source.options.items() if key.startswith(CONNECTION)}
    if not tags:
        return {}
    from ..repo import load_feast

    load_feast()
    from feast.credentials import ConnectionRef, CredentialResolutionError, resolve_credentials

    try:
        found = resolve_credentials(ConnectionRef.from_tags(tags))
    except CredentialResolutionError as error:
        raise Unavailable(
            f"The keys for {source.name} cannot be had.",
            f"{error}",
            "Correct `connection_ref` in the definition, or provide what it names.",
        ) from error
    return {key: value for key, value in found.items() if key in _KEYS}


def region() -> str:
    """That of an endpoint of one's own. Without one, libraries would ask AWS."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def options_of(source: SourceSpec) -> dict[str, str] | None:
    """What Polars and deltalake need to reach the files of the source; None for the environment
    alone.
    """
    if not is_remote(source.name):
        return None
    options = {key.lower(): value for key, value in credentials_of(source).items()}
    if endpoint := source.options.get(ENDPOINT):
        options |= {"aws_endpoint_url": endpoint, "aws_region": options.get("aws_region", region())}
        if endpoint.startswith("http://"):
            options["aws_allow_http"] = "true"
    return options or None
