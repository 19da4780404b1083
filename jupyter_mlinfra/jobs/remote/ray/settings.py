"""Settings of the backend ray."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ....core.secrets import is_named_like_secret, is_reference
from ....core.settings import Section


class RaySettings(Section):
    """`[jobs.ray]`"""

    TABLE: ClassVar[str] = "jobs.ray"

    address: str = "http://127.0.0.1:8265"
    """Where the head's dashboard answers, which takes the jobs."""

    token: str = ""
    """Reference to the token of a cluster that asks for one (`env:RAY_AUTH_TOKEN`); sent as
    `Authorization: Bearer`.
    """

    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers of each request, for what stands before the dashboard; values may be secret
    references.
    """

    python: str = ""
    """Interpreter on the nodes that has this package; empty = the one that submits, at the same
    path.
    """

    resources: dict[str, float] = Field(default_factory=dict)
    """Custom resources that every job asks for, such as a mark of the nodes that have the project's
    folder: `shared = 0.001`.
    """

    gpu_types: dict[str, str] = Field(default_factory=dict)
    """Ray's names of types of GPUs by others, such as `a100 = "A100"`; another type is taken as it
    is written.
    """

    autoscaled: bool = False
    """Whether nodes come when they are asked for: then nothing is refused because no present node
    is large enough.
    """

    notice_seconds: int = Field(default=60, ge=1)
    """Seconds that a job has to save its work when Ray loses its place: a node or the head is
    stopped.
    """

    keep_minutes: float = Field(default=60.0, ge=1)
    """Minutes that ended jobs stay in Ray's list."""

    poll_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks while jobs are there; each lists them all at once."""

    @field_validator("address")
    @classmethod
    def _is_http(cls, address: str) -> str:
        if not address.startswith(("http://", "https://")):
            rule = (
                "Jobs are taken by the dashboard of the head: http://HOST:8265 (neither ray://… nor"
                " port 6379, which are of the cluster itself)"
            )
            raise PydanticCustomError("address", rule)
        if "@" in address.partition("://")[2].partition("/")[0]:
            rule = (
                "It holds a user or a password, which would be kept in a file; give them as a"
                ' reference: headers = { Authorization = "env:NAME" }'
            )
            raise PydanticCustomError("address", rule)
        return address

    @field_validator("token")
    @classmethod
    def _is_reference(cls, token: str) -> str:
        if token and not is_reference(token):
            raise PydanticCustomError(
                "token",
                "The token itself would be kept in a file; give a reference (env:NAME or"
                " keyring:SERVICE/NAME)",
            )
        return token

    @field_validator("headers")
    @classmethod
    def _hold_no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if (
                name.lower() in ("authorization", "proxy-authorization", "cookie")
                or is_named_like_secret(name)
            ) and not is_reference(value):
                rule = (
                    "The value of {name} would be kept in a file; give a reference to all of it"
                    " (env:NAME or keyring:SERVICE/NAME)"
                )
                raise PydanticCustomError("headers", rule, {"name": name})
        return headers

    @field_validator("resources")
    @classmethod
    def _are_custom(cls, resources: dict[str, float]) -> dict[str, float]:
        for name, amount in resources.items():
            if name in ("CPU", "GPU", "memory", "object_store_memory"):
                rule = (
                    "{name} is not a custom resource: each job says how much of it it needs (cpus,"
                    " gpus, memory_gib)"
                )
                raise PydanticCustomError("resources", rule, {"name": name})
            if not 0 < amount < math.inf:
                raise PydanticCustomError(
                    "resources", "The amount of {name} is not above 0", {"name": name}
                )
        return resources
