"""Settings of the deployments."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ..core.settings import Section


class DeploymentSettings(Section):
    """`[deployments]`"""

    TABLE: ClassVar[str] = "deployments"

    target: str = "local"
    """Entry point of group `mlinfra.deployment_targets` that serves."""

    port: int = Field(default=0, ge=0, le=65535)
    """Port of the local gateway on 127.0.0.1; 0 = a free one, chosen once and kept."""

    require_token: bool = False
    """Whether the gateway answers only who sends the project's token: for a machine on which others
    work too.
    """

    workers: int = Field(default=2, ge=1, le=64)
    """Serving processes a version."""

    runtime: Literal["seldon"] = "seldon"
    """Serving runtime of new versions."""

    environments: str = ""
    """Folder of serving environments, shared between projects. Default: the user's cache folder."""

    max_body_mib: float = Field(default=8.0, gt=0)
    """Largest request body that the gateway lets through."""

    retain_versions: int = Field(default=2, ge=0)
    """Versions without traffic that stay warm for an instant rollback."""

    payload_days: float = Field(default=90.0, gt=0)
    """Days that the payload log is kept."""

    contexts: tuple[str, ...] = ()
    """Contexts of the kubeconfig to which `deployments apply` rolls out, in this order; empty = the
    current one.
    """

    kubeconfig: str = ""
    """File that says how clusters are reached; empty = the usual one."""

    payload_gib: float = Field(default=10.0, gt=0)
    """Largest payload log of a deployment; beyond it the oldest files go."""
