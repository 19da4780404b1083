"""What a deployment is on a cluster, before it is written for one of the kinds."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...core.errors import BadRequest

ManifestKind = Literal["seldon-v1", "core2", "kserve"]
Format = Literal["mlflow", "xgboost", "sklearn", "lightgbm"]
FORMATS: tuple[Format, ...] = ("mlflow", "xgboost", "sklearn", "lightgbm")

_FLAVORS: Mapping[str, str] = {"mlflow": "python_function"}
"""The flavor by which a server reads a format, where it has another name."""

VERSION = "{version}"
"""Stands for the version in an image and in an address."""
BUNDLE = "{bundle}"
"""Stands for the content of the version in an image."""
_LOCAL = ("file", "models", "runs", "mlflow-artifacts")
_TAGGED = re.compile(r":[^/:]+\Z|@sha256:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One version. traffic: percent of the requests. shadow: it gets copies, its answers are
    dropped. grpc: its image listens for gRPC too.
    """

    version: str
    model: str
    traffic: int
    shadow: bool = False
    image: str = ""
    model_uri: str = ""
    grpc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestOptions:
    """What the cluster has to know and the project does not.

    image: an address with `{version}` (and `{bundle}`), or one without a tag, which gets both as
    its tag. model_uri: the folder of the model, with `{version}` if several versions are served.
    model_format: of what is in that folder. cpu, memory: requested by each pod; memory is its limit
    too. max_replicas: above replicas, an autoscaler adds pods when they use cpu_percent of the CPU
    that they request. logger_url: where requests and answers are sent as CloudEvents. secret: name
    of the Secret that reads model_uri. shadow: version that gets copies.
    """

    namespace: str = ""
    image: str = ""
    model_uri: str = ""
    model_format: Format = "mlflow"
    cpu: str = "1"
    memory: str = "1Gi"
    replicas: int = 1
    max_replicas: int = 0
    cpu_percent: int = 70
    logger_url: str = ""
    secret: str = ""
    service_account: str = ""
    pull_secret: str = ""
    shadow: str = ""

    @property
    def scales(self) -> bool:
        """Whether an autoscaler chooses the number of pods."""
        return self.max_replicas > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A deployment for a cluster: its versions in the order of their traffic, and the options."""

    name: str
    namespace: str
    versions: Sequence[Served]
    options: ManifestOptions = field(default_factory=ManifestOptions)

    @property
    def live(self) -> Sequence[Served]:
        """The versions that answer, the one with most traffic first."""
        return [item for item in self.versions if not item.shadow]

    @property
    def shadow(self) -> Served | None:
        """The version that gets copies."""
        return next((item for item in self.versions if item.shadow), None)


def plan_of(
    name: str,
    namespace: str,
    traffic: Mapping[str, int],
    models: Mapping[str, str],
    options: ManifestOptions,
    *,
    bundles: Mapping[str, str] | None = None,
    grpc: Collection[str] = (),
) -> Plan:
    """The plan of a deployment. traffic: percent by version; versions without traffic are left
    out, because a cluster would start them. models: `flights/3` by version. bundles: the id of each
    version's content. grpc: the versions whose image listens for gRPC too.

    Raises BadRequest if the options do not fit the deployment.
    """
    check_source(options)
    shares = {version: share for version, share in traffic.items() if share > 0}
    if options.shadow and options.shadow in shares:
        raise BadRequest(
            f"{options.shadow} of {name} answers {shares[options.shadow]} % of the requests.",
            "A shadow gets copies, and its answers are dropped.",
            f"mlinfra deployments traffic {name} …",
        )
    if sum(shares.values()) != 100:
        raise BadRequest(
            f"No traffic of {name} can be written into a manifest.",
            f"Its versions get {sum(shares.values())} % of the requests.",
            f"mlinfra deployments traffic {name} VERSION=100",
        )
    chosen = sorted(shares, key=lambda version: (-shares[version], _number(version)))
    if options.shadow:
        chosen.append(options.shadow)
    versions = [
        Served(
            version=version,
            model=models[version],
            traffic=shares.get(version, 100),
            shadow=version not in shares,
            image=_image(options.image, version, (bundles or {}).get(version, "")),
            model_uri=_model_uri(options.model_uri, version, chosen),
            grpc=version in grpc,
        )
        for version in chosen
    ]
    return Plan(
        name=name, namespace=options.namespace or namespace, versions=versions, options=options
    )


def image_of(repository: str, version: str, bundle: str) -> str:
    """The image of a version: its tag names version and content, so that it is never
    overwritten.
    """
    return f"{repository}:{version}-{bundle}" if bundle else f"{repository}:{version}"


def _image(image: str, version: str, bundle: str) -> str:
    if not image:
        return ""
    if VERSION in image or BUNDLE in image:
        return image.replace(VERSION, version).replace(BUNDLE, bundle)
    if not _TAGGED.search(image):
        return image_of(image, version, bundle)
    return image


def _model_uri(uri: str, version: str, chosen: Sequence[str]) -> str:
    if uri and VERSION not in uri and len(chosen) > 1:
        raise BadRequest(
            f"One address cannot hold {len(chosen)} versions.",
            f"{', '.join(chosen)} are served, and {uri} does not say where each of them is.",
            "For example s3://models/flights/{version}.",
        )
    return uri.replace(VERSION, version)


def _number(version: str) -> int:
    digits = version.lstrip("v")
    return int(digits) if digits.isdecimal() else 0


def check_format(version: str, flavors: Collection[str], options: ManifestOptions) -> None:
    """Raise BadRequest if a server would be given a model of a version in a format that it was not
    logged in. flavors: those of its MLmodel.
    """
    if not options.model_uri:
        return
    known = [name for name in FORMATS if _FLAVORS.get(name, name) in flavors]
    if options.model_format in known:
        return
    raise BadRequest(
        f"{version} cannot be read as {options.model_format}.",
        f"It was logged with {', '.join(sorted(flavors))}.",
        f"--format {' or '.join(known)}, with the model stored so." if known else "--image …",
    )


def check_source(options: ManifestOptions) -> None:
    """Raise BadRequest if a pod could not get the model."""
    if options.model_format not in FORMATS:
        raise BadRequest(
            f"There is no format {options.model_format!r} of models.",
            f"There are {', '.join(FORMATS)}.",
            "--format",
        )
    scheme, found, _ = options.model_uri.partition("://")
    if options.model_uri and (not found or scheme in _LOCAL):
        raise BadRequest(
            f"A cluster cannot read {options.model_uri}.",
            "Its pods reach neither this machine nor its registry.",
            "Copy the model's folder to an object store, for example s3://models/flights/{version}.",
        )
    if not options.image and not options.model_uri:
        raise BadRequest(
            "The manifest does not know where the model is.",
            "A pod needs an image that holds it, or an address from which a server reads it.",
            "--image registry.example.com/team/flights, --model-uri s3://models/flights/{version},"
            " or one of both in [deployments.kubernetes].",
        )
