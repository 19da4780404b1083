"""The parts of a pod that our manifests use, as Kubernetes' API (core/v1) has them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .fields import (
    AtLeastOne,
    Count,
    Image,
    Key,
    Label,
    LabelValue,
    Port,
    Quantity,
    Strict,
    Subdomain,
    Variable,
    quantity,
)

_SECRET = re.compile(r"PASSWORD|PASSWD|TOKEN|SECRET|CREDENTIAL|(ACCESS|API|PRIVATE)_?KEY", re.I)


class Metadata(Strict):
    """Name and labels of an object."""

    name: Subdomain
    namespace: Label
    labels: dict[Key, LabelValue] | None = None
    annotations: dict[Key, str] | None = None


class SecretKey(Strict):
    """A key of a Secret."""

    name: Subdomain
    key: str = Field(min_length=1)


class EnvironmentSource(Strict):
    """Where a variable comes from."""

    secret_key_ref: SecretKey


class Environment(Strict):
    """A variable: its value, or the Secret that has it."""

    name: Variable
    value: str | None = None
    value_from: EnvironmentSource | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.value_from is None):
            raise ValueError(f"variable {self.name} needs a value or a Secret, not both")
        if self.value and _SECRET.search(self.name):
            raise ValueError(
                f"variable {self.name} looks like a secret: take it from a Secret of the cluster"
            )
        return self


class ContainerPort(Strict):
    """A port that a container listens on."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,15}$")] | None = None
    container_port: Port
    protocol: Literal["TCP", "UDP"] = "TCP"


class HttpGet(Strict):
    """A request of a probe. port: a number, or a port's name."""

    path: str = Field(pattern=r"^/")
    port: Port | str
    scheme: Literal["HTTP", "HTTPS"] | None = None


class Probe(Strict):
    """How the kubelet looks at a container."""

    http_get: HttpGet
    initial_delay_seconds: Count | None = None
    period_seconds: AtLeastOne | None = None
    timeout_seconds: AtLeastOne | None = None
    failure_threshold: AtLeastOne | None = None


class Resources(Strict):
    """What a container asks for, and what it may use at most."""

    requests: dict[Key, Quantity] | None = None
    limits: dict[Key, Quantity] | None = None

    def requested(self, name: str) -> Decimal:
        """How much is asked for; 0 where nothing is."""
        return quantity((self.requests or {}).get(name, "0"))

    @model_validator(mode="after")
    def _requests_within_limits(self) -> Self:
        limits = self.limits or {}
        for name, request in (self.requests or {}).items():
            limit = limits.get(name)
            if limit is not None and quantity(request) > quantity(limit):
                raise ValueError(f"{name}: the request {request} is above the limit {limit}")
            if "/" in name and limit != request:
                raise ValueError(f"{name}: a device needs a limit that equals its request")
        return self


class Capabilities(Strict):
    """Rights of a process."""

    drop: tuple[str, ...]


class SeccompProfile(Strict):
    """Filter of system calls."""

    type: Literal["RuntimeDefault"] = "RuntimeDefault"


class SecurityContext(Strict):
    """What the process in a container may not do. Its fields meet the Pod Security Standard
    "restricted".
    """

    run_as_non_root: Literal[True] = True
    allow_privilege_escalation: Literal[False] = False
    capabilities: Capabilities = Capabilities(drop=("ALL",))
    seccomp_profile: SeccompProfile = SeccompProfile()


class Container(Strict):
    """A container. image: only a prepackaged server goes without one."""

    name: Label
    image: Image | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    env: tuple[Environment, ...] | None = None
    ports: tuple[ContainerPort, ...] | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    resources: Resources | None = None
    security_context: SecurityContext | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [item.name for item in self.env or ()]
        if len({*names}) < len(names):
            raise ValueError(f"container {self.name} has a variable twice")
        taken = [(port.container_port, port.protocol) for port in self.ports or ()]
        if len({*taken}) < len(taken):
            raise ValueError(f"container {self.name} has a port twice")
        ports = {port.name for port in self.ports or ()}
        for probe in (self.readiness_probe, self.liveness_probe, self.startup_probe):
            if probe and isinstance(probe.http_get.port, str) and probe.http_get.port not in ports:
                raise ValueError(
                    f"container {self.name}: a probe asks port {probe.http_get.port!r}, which it"
                    " does not have"
                )
        return self


class PullSecret(Strict):
    """The Secret of a private registry."""

    name: Subdomain


class PodSpec(Strict):
    """What a pod is made of."""

    containers: tuple[Container, ...] = Field(min_length=1)
    service_account_name: Subdomain | None = None
    image_pull_secrets: tuple[PullSecret, ...] | None = None
    termination_grace_period_seconds: Count | None = None

    @model_validator(mode="after")
    def _unique_names(self) -> Self:
        unique(*(container.name for container in self.containers), what="container")
        return self


def unique(*names: str, what: str) -> None:
    """Raise ValueError if a name occurs twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} {twice[0]!r} is there twice")
