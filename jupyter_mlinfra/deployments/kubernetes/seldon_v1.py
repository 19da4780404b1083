"""SeldonDeployment, the custom resource of Seldon Core 1 (`machinelearning.seldon.io/v1`).

Fields as in the CRD of Seldon Core 1.17.1. The rules that a schema cannot express are those of
Seldon's admission webhook (`seldondeployment_webhook.go`) and of the names that its operator makes
(`seldondeployment_types.go`), and two of our own: no predictor without a share beside others
(seldon-core#4067: 100/0 was served as 50/50), and no name so long that the operator would replace
it by a hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from .fields import (
    AtLeastOne,
    Count,
    Key,
    Label,
    LabelValue,
    Percent,
    Strict,
    Subdomain,
    Uri,
    Url,
    service_name,
)
from .fields import derived_name as _derived_name
from .pods import Container, Metadata, PodSpec, Resources, unique

Protocol = Literal["seldon", "v2"]
Implementation = Literal["SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER"]

SCHEMES = ("s3", "gs", "azureblob", "pvc", "http", "https")
"""What the storage initializer reads (rclone, and volumes of the cluster)."""


class Logger(Strict):
    """Where requests and answers are sent as CloudEvents."""

    mode: Literal["all", "request", "response"]
    url: Url | None = None


class Parameter(Strict):
    """A parameter of a server."""

    name: str = Field(min_length=1)
    type: Literal["INT", "FLOAT", "DOUBLE", "STRING", "BOOL"]
    value: str


class Node(Strict):
    """A node of the graph: a container of ours, or a prepackaged server."""

    name: Label
    type: Literal["MODEL", "ROUTER", "COMBINER", "TRANSFORMER", "OUTPUT_TRANSFORMER"] | None = None
    implementation: Implementation | None = None
    model_uri: Uri | None = None
    env_secret_ref_name: Subdomain | None = None
    service_account_name: Subdomain | None = None
    parameters: tuple[Parameter, ...] | None = None
    logger: Logger | None = None
    children: tuple[Node, ...] | None = None

    def nodes(self) -> Iterator[Node]:
        """This node and those below it."""
        yield self
        for child in self.children or ():
            yield from child.nodes()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.implementation and not self.model_uri:
            raise ValueError(f"node {self.name}: {self.implementation} needs a modelUri")
        if self.model_uri and not self.implementation:
            raise ValueError(f"node {self.name}: a modelUri without a server that reads it")
        scheme = (self.model_uri or "").partition("://")[0]
        if scheme and scheme not in SCHEMES:
            raise ValueError(
                f"node {self.name}: the storage initializer reads {', '.join(SCHEMES)}, not"
                f" {self.model_uri}"
            )
        return self


class ResourceMetric(Strict):
    """Use of a resource in percent of what was requested."""

    name: Literal["cpu", "memory"]
    target_average_utilization: AtLeastOne


class Metric(Strict):
    """What the autoscaler looks at."""

    type: Literal["Resource"] = "Resource"
    resource: ResourceMetric


class Autoscaler(Strict):
    """A HorizontalPodAutoscaler."""

    min_replicas: AtLeastOne
    max_replicas: AtLeastOne
    metrics: tuple[Metric, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"minReplicas {self.min_replicas} is above {self.max_replicas}")
        return self


class ComponentMetadata(Strict):
    """Labels of the pods."""

    labels: dict[Key, LabelValue] | None = None
    annotations: dict[Key, str] | None = None


class Component(Strict):
    """The pods of a predictor."""

    metadata: ComponentMetadata | None = None
    spec: PodSpec
    hpa_spec: Autoscaler | None = None

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        for metric in self.hpa_spec.metrics if self.hpa_spec else ():
            for container in self.spec.containers:
                resources = container.resources or Resources()
                if not resources.requested(metric.resource.name):
                    raise ValueError(
                        f"the autoscaler cannot compute the use of {metric.resource.name}:"
                        f" container {container.name} requests none"
                    )
        return self


class Predictor(Strict):
    """A version of the model. traffic: percent of the requests; of a shadow, of their copies."""

    name: Label
    traffic: Percent | None = None
    shadow: bool | None = None
    replicas: Count | None = None
    graph: Node
    component_specs: tuple[Component, ...] | None = None
    labels: dict[Key, LabelValue] | None = None
    annotations: dict[Key, str] | None = None

    @property
    def containers(self) -> dict[str, Container]:
        """All of its containers by name."""
        return {
            container.name: container
            for component in self.component_specs or ()
            for container in component.spec.containers
        }

    @model_validator(mode="after")
    def _graph_matches_containers(self) -> Self:
        nodes = [*self.graph.nodes()]
        unique(*(node.name for node in nodes), what="node")
        containers = self.containers
        for node in nodes:
            container = containers.get(node.name)
            if node.implementation is None and container is None:
                raise ValueError(f"node {node.name} has no container of that name")
            if node.implementation is None and container and container.image is None:
                raise ValueError(f"container {node.name} has no image")
        idle = containers.keys() - {node.name for node in nodes}
        if idle:
            raise ValueError(f"container {min(idle)} is no node of the graph")
        scaled = any(component.hpa_spec for component in self.component_specs or ())
        if scaled and self.replicas is not None:
            raise ValueError("replicas and an autoscaler would fight over the number of pods")
        return self


class SeldonDeploymentSpec(Strict):
    """What a SeldonDeployment serves."""

    protocol: Protocol
    transport: Literal["rest", "grpc"] | None = None
    annotations: dict[Key, str] | None = None
    predictors: tuple[Predictor, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _shares(self) -> Self:
        unique(*(predictor.name for predictor in self.predictors), what="predictor")
        live = [predictor for predictor in self.predictors if not predictor.shadow]
        if len(self.predictors) - len(live) > 1:
            raise ValueError("only one predictor can be a shadow")
        if not live:
            raise ValueError("the only predictor is a shadow: nothing would answer")
        total = sum(predictor.traffic or 0 for predictor in live)
        if len(live) == 1 and live[0].traffic is None:
            return self
        if total != 100:
            raise ValueError(f"the traffic of the predictors is {total} %, not 100")
        idle = [predictor.name for predictor in live if not predictor.traffic]
        if idle:
            raise ValueError(
                f"predictor {idle[0]} has no traffic: Seldon may send it half of the requests, so"
                " it must be left out"
            )
        return self

    @model_validator(mode="after")
    def _servers_speak_the_protocol(self) -> Self:
        for predictor in self.predictors:
            for node in predictor.graph.nodes():
                if node.implementation and self.protocol != "v2":
                    raise ValueError(
                        f"node {node.name}: with protocol {self.protocol} Seldon takes the old"
                        " servers, which are no longer maintained; MLServer needs protocol v2"
                    )
        return self


class SeldonDeployment(Strict):
    """The custom resource."""

    api_version: Literal["machinelearning.seldon.io/v1"] = "machinelearning.seldon.io/v1"
    kind: Literal["SeldonDeployment"] = "SeldonDeployment"
    metadata: Metadata
    spec: SeldonDeploymentSpec

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        name = self.metadata.name
        service_name(name)
        for predictor in self.spec.predictors:
            _derived_name(name, predictor.name, "svc-orch", of="the orchestrator")
            pods = predictor.component_specs or ()
            for index, component in enumerate(pods):
                containers = (container.name for container in component.spec.containers)
                _derived_name(name, predictor.name, str(index), *containers, of="the Deployment")
            if not pods:
                _derived_name(name, predictor.name, "0", predictor.graph.name, of="the Deployment")
        return self
