"""Deployments of every shape that we write, and manifests with one planted fault each."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlinfra.deployments.kubernetes.plan import (
    ManifestKind,
    ManifestOptions,
    Plan,
    plan_of,
)
from jupyter_mlinfra.deployments.kubernetes.render import manifests

ONE, TWO, THREE = {"v1": 100}, {"v1": 90, "v2": 10}, {"v1": 60, "v2": 30, "v3": 10}
MODELS = {f"v{number}": f"flights/{number}" for number in range(1, 5)}
BUNDLES = {f"v{number}": f"{number:016x}" for number in range(1, 5)}
IMAGE, URI = "registry.example.com:5000/team/flights", "s3://models/flights/{version}"


def plan(traffic: Mapping[str, int], name: str = "flights", **options: Any) -> Plan:
    """A plan of the deployment `flights`."""
    given = ManifestOptions(**options)
    return plan_of(name, "prod", traffic, MODELS, given, bundles=BUNDLES, grpc=["v1"])


_COMMON: Mapping[str, tuple[Mapping[str, int], dict[str, Any]]] = {
    "one": (ONE, {}),
    "canary": (TWO, {}),
    "three": (THREE, {}),
    "scaled": (TWO, {"replicas": 2, "max_replicas": 8, "cpu": "500m", "memory": "1.5Gi"}),
}
PLANS: Mapping[str, tuple[ManifestKind, Plan]] = {
    **{
        f"{kind} {source} {shape}": (kind, plan(traffic, **{option: value}, **options))  # type: ignore[misc]
        for kind, sources in (
            ("seldon-v1", ("image", "model_uri")),
            ("core2", ("model_uri",)),
            ("kserve", ("image", "model_uri")),
        )
        for source in sources
        for option, value in [(source, IMAGE if source == "image" else URI)]
        for shape, (traffic, options) in _COMMON.items()
    },
    **{
        f"{kind} {written}": (kind, plan(ONE, model_uri=URI, model_format=written))  # type: ignore[misc]
        for kind, formats in (
            ("seldon-v1", ("xgboost", "sklearn")),
            ("core2", ("xgboost", "sklearn", "lightgbm")),
            ("kserve", ("xgboost", "sklearn", "lightgbm")),
        )
        for written in formats
    },
    "seldon-v1 shadow": ("seldon-v1", plan(TWO, image=IMAGE, shadow="v3")),
    "seldon-v1 everything": (
        "seldon-v1",
        plan(
            TWO,
            image=IMAGE,
            shadow="v3",
            max_replicas=4,
            logger_url="http://logger.team.svc:8080",
            service_account="reader",
            pull_secret="registry",
        ),
    ),
    "seldon-v1 secret": ("seldon-v1", plan(TWO, model_uri=URI, secret="s3-reader")),
    "seldon-v1 volume": ("seldon-v1", plan(ONE, model_uri="pvc://models/flights")),
    "core2 shadow": ("core2", plan(TWO, model_uri=URI, shadow="v3")),
    "core2 server": (
        "core2",
        plan(TWO, model_uri=URI, image="seldonio/mlserver:1.7.1", secret="s3", pull_secret="r"),
    ),
    "kserve everything": (
        "kserve",
        plan(
            THREE,
            image=IMAGE,
            max_replicas=4,
            logger_url="http://logger.team.svc:8080",
            service_account="reader",
            pull_secret="registry",
        ),
    ),
}


def documents(name: str) -> list[dict[str, Any]]:
    """The manifests of a plan."""
    kind, chosen = PLANS[name]
    return [manifest.document() for manifest in manifests(chosen, kind)]


GONE = object()
"""Stands for a field that is taken away."""


@dataclass(frozen=True)
class Fault:
    """One planted fault. place: of the field, separated by slashes. schema: whether the schemas of
    the controllers refuse it too; the other faults they miss.
    """

    base: str
    kind: str
    place: str
    value: Any
    schema: bool = True

    def __str__(self) -> str:
        what = "gone" if self.value is GONE else repr(self.value)[:40]
        return f"{self.kind} {self.place}={what}"

    def planted(self) -> dict[str, Any]:
        """The manifest with the fault."""
        document = copy.deepcopy(
            next(item for item in documents(self.base) if item["kind"] == self.kind)
        )
        *way, last = (int(part) if part.isdecimal() else part for part in self.place.split("/"))
        part: Any = document
        for step in way:
            part = part[step]
        if self.value is GONE:
            del part[last]
        elif isinstance(part, list) and last == len(part):
            part.append(self.value)
        else:
            part[last] = self.value
        return document


def _faults() -> Iterator[Fault]:
    v1, base = "SeldonDeployment", "seldon-v1 everything"
    predictor = "spec/predictors/0"
    container = f"{predictor}/componentSpecs/0/spec/containers/0"
    for place, value in (
        ("spec/predictors", GONE),
        ("spec/protocol", 2),
        ("spec/replica", 2),
        (f"{predictor}/trafic", 90),
        (f"{predictor}/traffic", "90"),
        (f"{predictor}/shadow", "yes"),
        (f"{predictor}/replicas", "two"),
        (f"{predictor}/graph", GONE),
        (f"{predictor}/graph/name", GONE),
        (f"{predictor}/graph/modelURI", "s3://models/1"),
        (f"{predictor}/graph/logger/mode", 1),
        (f"{predictor}/graph/logger/address", "http://x"),
        (f"{predictor}/graph/serviceAccountName", 7),
        (f"{predictor}/labels/version", 1),
        (f"{predictor}/componentSpecs/0/hpaSpec/maxReplicas", GONE),
        (f"{predictor}/componentSpecs/0/hpaSpec/metrics/0/resource/targetAverageUtilization", "70"),
        (f"{predictor}/componentSpecs/0/spec/imagePullSecrets/0/nam", "registry"),
        (f"{predictor}/componentSpecs/0/spec/terminationGracePeriodSeconds", "30s"),
        (f"{container}/name", GONE),
        (f"{container}/imagePullpolicy", "Always"),
        (f"{container}/image", 1),
        (f"{container}/env", [{"name": "A", "value": 1}]),
        (f"{container}/env", [{"value": "1"}]),
        (f"{container}/ports/0/containerPort", "http"),
        (f"{container}/ports/0/containerPort", GONE),
        (f"{container}/ports/1", {"containerPort": 9000, "protocol": "TCP"}),
        (f"{container}/readinessProbe/httpGet/port", GONE),
        (f"{container}/readinessProbe/periodSeconds", "5"),
        (f"{container}/livenessProbe/htttpGet", {}),
        (f"{container}/resources/requests/cpu", "lots"),
        (f"{container}/resources/limit", {}),
        (f"{container}/securityContext/runAsNonRoot", "true"),
        (f"{container}/securityContext/capabilities/drop", "ALL"),
    ):
        yield Fault(base, v1, place, value)
    for place, value in (
        (f"{predictor}/traffic", 80),
        (f"{predictor}/traffic", -10),
        ("spec/predictors/1/traffic", GONE),
        ("spec/predictors/1/name", "v1"),
        ("spec/predictors/1/shadow", True),
        ("spec/predictors/1/name", "v.2"),
        (f"{predictor}/replicas", 3),
        (f"{predictor}/graph/name", "other"),
        (f"{predictor}/graph/type", "MODELL"),
        (f"{predictor}/graph/implementation", "MLFLOW_SERVER"),
        (f"{predictor}/graph/children", [{"name": "model"}]),
        (f"{predictor}/graph/logger/url", "logger"),
        (f"{predictor}/componentSpecs/0/hpaSpec/minReplicas", 9),
        (f"{container}/image", "registry.example.com/flights"),
        (f"{container}/image", "registry.example.com/flights:latest"),
        (f"{container}/image", "Registry/Flights:v1"),
        (f"{container}/image", GONE),
        (f"{container}/env", [{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]),
        (f"{container}/env", [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
        (f"{container}/readinessProbe/httpGet/port", "admin"),
        (f"{container}/resources/requests/cpu", GONE),
        (f"{container}/resources/requests/memory", "2Gi"),
        (f"{container}/securityContext/runAsNonRoot", False),
        ("metadata/name", "x" * 53),
        ("metadata/name", "Flights"),
        ("metadata/namespace", "prod.team"),
        ("metadata/labels", {"a b": "c"}),
        ("spec/protocol", "grpc"),
    ):
        yield Fault(base, v1, place, value, schema=False)
    for place, value in (
        ("spec/protocol", "seldon"),
        (f"{predictor}/graph/modelUri", GONE),
        (f"{predictor}/graph/modelUri", "s3://key:secret@models/1"),
        (f"{predictor}/graph/modelUri", "https://b.s3.com/m?X-Amz-Signature=abc"),
        (f"{predictor}/graph/modelUri", "ftp://models/1"),
        (f"{predictor}/graph/implementation", "LIGHTGBM_SERVER"),
    ):
        yield Fault("seldon-v1 secret", v1, place, value, schema=False)
    yield from _core2_faults()
    yield from _kserve_faults()


def _core2_faults() -> Iterator[Fault]:
    for place, value in (
        ("spec/storageUri", GONE),
        ("spec/storageURI", "s3://x/1"),
        ("spec/memory", "lots"),
        ("spec/replicas", "1"),
        ("spec/requirements", "mlflow"),
        ("spec/logger", {"percent": "all"}),
        ("spec/secretName", 1),
    ):
        yield Fault("core2 server", "Model", place, value)
    for place, value in (
        ("spec/storageUri", "pvc://models/1"),
        ("spec/requirements", []),
        ("spec/replicas", 0),
        ("spec/minReplicas", 3),
        ("spec/logger", {"percent": 101}),
        ("metadata/name", "flights_v1"),
    ):
        yield Fault("core2 server", "Model", place, value, schema=False)
    for place, value in (
        ("spec/candidates", GONE),
        ("spec/candidates/0/weight", "ten"),
        ("spec/candidates/0/weight", GONE),
        ("spec/candidates/0/name", GONE),
        ("spec/mirrorr", {"name": "x", "percent": 1}),
        ("spec/mirror/percent", GONE),
    ):
        yield Fault("core2 shadow", "Experiment", place, value)
    for place, value in (
        ("spec/candidates", []),
        ("spec/candidates/0/weight", 80),
        ("spec/candidates/1/weight", 0),
        ("spec/candidates/1/name", "flights-v1"),
        ("spec/mirror/name", "flights-v1"),
        ("spec/mirror/percent", 0),
        ("spec/default", "flights-v3"),
    ):
        yield Fault("core2 shadow", "Experiment", place, value, schema=False)
    for place, value in (
        ("spec/serverConfig", GONE),
        ("spec/replicas", "1"),
        ("spec/extraCapabilities", "flights"),
        ("spec/podSpec/containers/0/name", GONE),
        ("spec/podSpec/containers/0/imag", "x:1"),
        ("spec/podSpec/container", []),
    ):
        yield Fault("core2 server", "Server", place, value)
    for place, value in (
        ("spec/podSpec/containers/0/name", "model"),
        ("spec/podSpec/containers/0/image", "seldonio/mlserver"),
        ("metadata/name", "s" * 53),
        ("spec/maxReplicas", 0),
    ):
        yield Fault("core2 server", "Server", place, value, schema=False)


def _kserve_faults() -> Iterator[Fault]:
    kind, base = "InferenceService", "kserve everything"
    for place, value in (
        ("spec/predictor", GONE),
        ("spec/predictors", []),
        ("spec/predictor/minReplicas", "1"),
        ("spec/predictor/scaleMetric", "latency"),
        ("spec/predictor/logger/mode", "everything"),
        ("spec/predictor/serviceAccountName", 1),
        ("spec/predictor/containers/0/image", 1),
        ("spec/predictor/containers/0/resources/requests/cpu", "lots"),
        ("spec/predictor/containers/0/startupProbe/failureThreshold", "60"),
        ("spec/predictor/containers/0/securityContext/runAsNonroot", True),
        ("spec/canary/0/trafficPercent", 101),
        ("spec/canary/0/trafficPercent", GONE),
        ("spec/canary/0/predictor", GONE),
        ("spec/canary/0/weight", 10),
    ):
        yield Fault(base, kind, place, value)
    for place, value in (
        ("spec/predictor/model/modelFormat/name", GONE),
        ("spec/predictor/model/storageURI", "s3://x/1"),
        ("spec/predictor/model/protocolVersion", 2),
        ("spec/canary/0/predictor/model/name", GONE),
    ):
        yield Fault("kserve model_uri canary", kind, place, value)
    for place, value in (
        ("spec/predictor/model/name", "kserve-container"),
        ("spec/predictor/model/storageUri", "azureblob://x/1"),
        ("spec/predictor/model/modelFormat/name", "tensorflow1"),
        ("spec/predictor/containers", [{"name": "kserve-container", "image": "a:1"}]),
        ("spec/predictor/model", GONE),
    ):
        yield Fault("kserve model_uri canary", kind, place, value, schema=False)
    for place, value in (
        ("spec/canary/0/trafficPercent", 95),
        ("spec/canary/0/predictor/name", GONE),
        ("spec/canary/0/predictor/name", "v1"),
        ("spec/canary/0/predictor/maxReplicas", 3),
        ("spec/predictor/canaryTrafficPercent", 10),
        ("spec/predictor/minReplicas", 9),
        ("spec/predictor/scaleTarget", 500),
        ("spec/predictor/scaleMetric", "rps"),
        ("spec/predictor/scaleTarget", GONE),
        ("spec/predictor/containers/0/name", "model"),
        ("spec/predictor/containers/0/image", "registry.example.com/flights"),
        ("spec/predictor/containers/0/resources/requests/cpu", GONE),
        ("metadata/annotations", {}),
        ("metadata/name", "1flights"),
        ("metadata/name", "f" * 50),
    ):
        yield Fault(base, kind, place, value, schema=False)


FAULTS = tuple(_faults())
