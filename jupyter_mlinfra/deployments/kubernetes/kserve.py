"""InferenceService, the custom resource of KServe (`serving.kserve.io/v1beta1`): the road without
a business licence.

Fields as in KServe's CRD of August 2026 (0.20 and later have `spec.canary`). The rules that a
schema cannot express are those of its admission webhook (`inference_service_validation.go`,
`component.go`) and of its canaries (kserve#5672).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

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
from .pods import Container, Metadata, PullSecret, Resources, unique

MODE = "serving.kserve.io/deploymentMode"
"""Annotation; the mode of an InferenceService cannot be changed later."""
STANDARD = ("Standard", "RawDeployment")
"""Its values for plain Deployments, the second one before KServe 0.16."""
CONTAINER: Final = "kserve-container"
"""The container that gets the requests."""
SCHEMES = ("s3", "gs", "pvc", "hdfs", "webhdfs", "http", "https", "oci", "hf")


class ModelFormat(Strict):
    """What wrote the model."""

    name: Literal["mlflow", "xgboost", "sklearn", "lightgbm", "onnx"]
    version: str | None = None


class ModelServer(Strict):
    """A model that a serving runtime of the cluster loads. runtime: by its name; None: one that
    supports format and protocol. name: of the container; the CRD demands it of a canary, and the
    webhook refuses it elsewhere.
    """

    name: Literal["kserve-container"] | None = None
    model_format: ModelFormat
    protocol_version: Literal["v1", "v2"]
    storage_uri: Uri
    runtime: Subdomain | None = None
    resources: Resources | None = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        scheme = self.storage_uri.partition("://")[0]
        if scheme not in SCHEMES:
            raise ValueError(f"the storage initializer reads {', '.join(SCHEMES)}, not {scheme}")
        return self


class Logger(Strict):
    """Where requests and answers are sent as CloudEvents."""

    mode: Literal["all", "request", "response"]
    url: Url


class Predictor(Strict):
    """What answers: a model in a serving runtime, or a container of ours."""

    name: Label | None = None
    min_replicas: Count | None = None
    max_replicas: AtLeastOne | None = None
    scale_metric: Literal["cpu", "memory", "concurrency", "rps"] | None = None
    scale_target: AtLeastOne | None = None
    canary_traffic_percent: Percent | None = None
    logger: Logger | None = None
    service_account_name: Subdomain | None = None
    image_pull_secrets: tuple[PullSecret, ...] | None = None
    labels: dict[Key, LabelValue] | None = None
    annotations: dict[Key, str] | None = None
    model: ModelServer | None = None
    containers: tuple[Container, ...] | None = None

    @property
    def scales(self) -> bool:
        """Whether it has fields of an autoscaler."""
        return any(
            value is not None for value in (self.max_replicas, self.scale_metric, self.scale_target)
        )

    @model_validator(mode="after")
    def _one_implementation(self) -> Self:
        if (self.model is None) == (not self.containers):
            raise ValueError("a predictor has a model or containers, exactly one of them")
        if self.containers:
            unique(*(container.name for container in self.containers), what="container")
            if self.containers[0].name != CONTAINER:
                raise ValueError(f"the first container must be named {CONTAINER}")
            if self.containers[0].image is None:
                raise ValueError(f"container {CONTAINER} has no image")
        return self

    @model_validator(mode="after")
    def _scaling(self) -> Self:
        low, high = self.min_replicas, self.max_replicas
        if low is not None and high is not None and low > high:
            raise ValueError(f"minReplicas {low} is above maxReplicas {high}")
        if (self.scale_metric is None) != (self.scale_target is None):
            raise ValueError("scaleMetric and scaleTarget need each other")
        if self.scale_metric in ("cpu", "memory") and (self.scale_target or 0) > 100:
            raise ValueError(f"scaleTarget {self.scale_target} is above 100 %")
        if self.scale_metric in ("cpu", "memory"):
            asked = self.model.resources if self.model else (self.containers or ())[0].resources
            if not (asked or Resources()).requested(self.scale_metric):
                raise ValueError(
                    f"the autoscaler cannot compute the use of {self.scale_metric}: the predictor"
                    " requests none"
                )
        return self


class Canary(Strict):
    """Another version beside the stable one. traffic_percent: of the requests; 0: only warm."""

    traffic_percent: Percent
    predictor: Predictor

    @model_validator(mode="after")
    def _plain(self) -> Self:
        if self.predictor.name is None:
            raise ValueError("the predictor of a canary needs a name")
        if self.predictor.model is not None and self.predictor.model.name is None:
            raise ValueError(f"canary {self.predictor.name}: its model needs the name {CONTAINER}")
        if self.predictor.scales or self.predictor.canary_traffic_percent is not None:
            raise ValueError(
                f"canary {self.predictor.name}: a canary has neither an autoscaler nor a canary of"
                " its own"
            )
        return self


class InferenceServiceSpec(Strict):
    """What an InferenceService serves."""

    predictor: Predictor
    canary: Annotated[tuple[Canary, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _shares(self) -> Self:
        canaries = self.canary or ()
        total = sum(canary.traffic_percent for canary in canaries)
        if total > 100:
            raise ValueError(f"the canaries get {total} % of the traffic")
        if canaries and self.predictor.canary_traffic_percent is not None:
            raise ValueError("canaryTrafficPercent is the older way of spec.canary: use one")
        if self.predictor.model is not None and self.predictor.model.name is not None:
            raise ValueError("the model of the stable predictor must not have a name")
        names = [canary.predictor.name or "" for canary in canaries]
        unique(*names, *((self.predictor.name,) if self.predictor.name else ()), what="predictor")
        return self


class InferenceService(Strict):
    """The custom resource."""

    api_version: Literal["serving.kserve.io/v1beta1"] = "serving.kserve.io/v1beta1"
    kind: Literal["InferenceService"] = "InferenceService"
    metadata: Metadata
    spec: InferenceServiceSpec

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        name, namespace = self.metadata.name, self.metadata.namespace
        service_name(name)
        _derived_name(name, "predictor", namespace, of="the first part of its address")
        for canary in self.spec.canary or ():
            _derived_name(name, canary.predictor.name or "", "predictor", of="a Service")
        if self.spec.predictor.name:
            _derived_name(name, self.spec.predictor.name, "predictor", of="a Service")
        return self

    @model_validator(mode="after")
    def _mode_has_canaries(self) -> Self:
        mode = (self.metadata.annotations or {}).get(MODE)
        if self.spec.canary and mode not in STANDARD:
            raise ValueError(f"spec.canary needs the annotation {MODE}: Standard")
        if self.spec.predictor.canary_traffic_percent is not None and mode in STANDARD:
            raise ValueError(f"canaryTrafficPercent needs Knative, not {mode}: use spec.canary")
        if self.spec.predictor.scale_metric in ("concurrency", "rps") and mode in STANDARD:
            raise ValueError(f"{mode} cannot scale by {self.spec.predictor.scale_metric}")
        return self
