"""Model, Experiment and Server, the custom resources of Seldon Core 2 (`mlops.seldon.io/v1alpha1`).

Fields as in the CRDs of Seldon Core 2.6.0, the last release under the Apache licence. The rules
that a schema cannot express are those of its scheduler (`scheduler/pkg/store/experiment`), and one
of our own: no candidate of weight 0.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from .fields import (
    AtLeastOne,
    Label,
    Percent,
    Quantity,
    Strict,
    Subdomain,
    Uri,
    derived_name,
    service_name,
)
from .pods import Metadata, PodSpec, unique

API: Final = "mlops.seldon.io/v1alpha1"
SCHEMES = ("s3", "gs", "azureblob", "http", "https")
"""What the agent's rclone reads."""
STATEFUL_SET_LENGTH = 52
"""Kubernetes appends a hash of 10 characters and a hyphen to a StatefulSet's name in a label."""

Capability = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class ModelLogger(Strict):
    """How much of the traffic is written to Kafka."""

    percent: Percent


class Parameter(Strict):
    """A setting of a model."""

    name: str = Field(min_length=1)
    value: str


class ModelSpec(Strict):
    """A model that a server loads. requirements: capabilities that the server must have."""

    storage_uri: Uri
    secret_name: Subdomain | None = None
    requirements: tuple[Capability, ...] = Field(min_length=1)
    memory: Quantity | None = None
    replicas: AtLeastOne | None = None
    min_replicas: AtLeastOne | None = None
    max_replicas: AtLeastOne | None = None
    server: Subdomain | None = None
    logger: ModelLogger | None = None
    parameters: tuple[Parameter, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        scheme = self.storage_uri.partition("://")[0]
        if scheme not in SCHEMES:
            raise ValueError(f"the agent reads {', '.join(SCHEMES)}, not {self.storage_uri}")
        low, high = self.min_replicas or 1, self.max_replicas
        if high is not None and low > high:
            raise ValueError(f"minReplicas {low} is above maxReplicas {high}")
        if self.replicas is not None and not low <= self.replicas <= (high or self.replicas):
            raise ValueError(f"replicas {self.replicas} is not between {low} and {high}")
        return self


class Model(Strict):
    """One version of a model."""

    api_version: Literal["mlops.seldon.io/v1alpha1"] = API
    kind: Literal["Model"] = "Model"
    metadata: Metadata
    spec: ModelSpec


class Candidate(Strict):
    """A model and its weight among the candidates."""

    name: Label
    weight: AtLeastOne


class Mirror(Strict):
    """A model that gets copies; its answers are dropped."""

    name: Label
    percent: Annotated[int, Field(ge=1, le=100)]


class ExperimentSpec(Strict):
    """How the requests to the experiment are shared."""

    default: Label | None = None
    candidates: tuple[Candidate, ...] = Field(min_length=1)
    mirror: Mirror | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [candidate.name for candidate in self.candidates]
        unique(*names, *((self.mirror.name,) if self.mirror else ()), what="model")
        if self.default is not None and self.default not in names:
            raise ValueError(f"the default {self.default} is not among the candidates")
        total = sum(candidate.weight for candidate in self.candidates)
        if total != 100:
            raise ValueError(f"the weights of the candidates add up to {total}, not 100")
        return self


class Experiment(Strict):
    """The address of a deployment: shares requests between its versions."""

    api_version: Literal["mlops.seldon.io/v1alpha1"] = API
    kind: Literal["Experiment"] = "Experiment"
    metadata: Metadata
    spec: ExperimentSpec


class ServerSpec(Strict):
    """Servers that load models. server_config: the ServerConfig of the cluster that it extends."""

    server_config: Subdomain
    extra_capabilities: tuple[Capability, ...] | None = None
    replicas: AtLeastOne | None = None
    min_replicas: AtLeastOne | None = None
    max_replicas: AtLeastOne | None = None
    pod_spec: PodSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.min_replicas or 1, self.max_replicas
        if high is not None and low > high:
            raise ValueError(f"minReplicas {low} is above maxReplicas {high}")
        if self.pod_spec is not None and all(
            container.name != self.server_config for container in self.pod_spec.containers
        ):
            raise ValueError(
                f"no container is named {self.server_config}: it would run beside the server"
                " instead of replacing its image"
            )
        return self


class Server(Strict):
    """A server with an image of its own."""

    api_version: Literal["mlops.seldon.io/v1alpha1"] = API
    kind: Literal["Server"] = "Server"
    metadata: Metadata
    spec: ServerSpec

    @model_validator(mode="after")
    def _name_fits(self) -> Self:
        service_name(self.metadata.name)
        derived_name(self.metadata.name, of="the StatefulSet", longest=STATEFUL_SET_LENGTH)
        return self


def check_together(
    models: tuple[Model, ...], experiment: Experiment, servers: tuple[Server, ...] = ()
) -> None:
    """Raise ValueError if the experiment names a model that is not there, or a model needs a
    capability of ours that no server has.
    """
    names = {model.metadata.name for model in models}
    used = {candidate.name for candidate in experiment.spec.candidates}
    if experiment.spec.mirror:
        used.add(experiment.spec.mirror.name)
    if used - names:
        raise ValueError(f"experiment {experiment.metadata.name}: no model {min(used - names)}")
    offered = {name for server in servers for name in server.spec.extra_capabilities or ()}
    needed = {name for model in models for name in model.spec.requirements}
    if servers and not offered <= needed:
        raise ValueError(f"no model needs {min(offered - needed)}: it would not choose the server")
