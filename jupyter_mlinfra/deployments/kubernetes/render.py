"""From a plan to the manifests of one kind. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import ValidationError

from ...core.errors import BadRequest, Unprocessable
from . import core2, kserve
from . import seldon_v1 as v1
from .fields import Strict
from .plan import ManifestKind, Plan, Served
from .pods import (
    Container,
    ContainerPort,
    HttpGet,
    Metadata,
    PodSpec,
    Probe,
    PullSecret,
    Resources,
    SecurityContext,
)

PORT = 9000
"""Where the serving process in our image listens: Seldon's own default."""
GRPC_PORT = 9500
"""Where it answers Seldon's protocol by gRPC, if it does: where Seldon's operator would have it."""
NODE = "model"
"""Name of the only node of each graph, and of its container."""
MANAGER = "jupyter-mlinfra"
_IMPLEMENTATIONS: Mapping[str, v1.Implementation] = {
    "mlflow": "MLFLOW_SERVER",
    "xgboost": "XGBOOST_SERVER",
    "sklearn": "SKLEARN_SERVER",
}


def manifests(plan: Plan, kind: ManifestKind) -> Sequence[Strict]:
    """The manifests of a deployment, in the order in which they are applied.

    Raises BadRequest for options that the kind does not have, Unprocessable with the first fault
    if a cluster would refuse a manifest.
    """
    if kind not in _WRITERS:
        raise BadRequest(
            f"There is no kind {kind!r} of manifest.", f"There are {', '.join(_WRITERS)}.", "--kind"
        )
    try:
        return _WRITERS[kind](plan)
    except ValidationError as error:
        raise Unprocessable(
            f"A cluster would refuse the manifest of {plan.name}.",
            f"{fault(error)}.",
            "Correct that option, or take another kind.",
        ) from error
    except ValueError as error:
        raise Unprocessable(
            f"The manifests of {plan.name} do not fit together.", f"{error}."
        ) from error


def fault(error: ValidationError) -> str:
    """The first fault of a part of a manifest: where it is, and what."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in (error.title, *first["loc"]))
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _seldon_v1(plan: Plan) -> Sequence[Strict]:
    _one_source(plan)
    predictors = [_predictor(plan, item) for item in plan.versions]
    return [
        v1.SeldonDeployment(
            metadata=_metadata(plan, plan.name),
            spec=v1.SeldonDeploymentSpec(
                # Our image runs Seldon's microservice; the prepackaged servers are MLServer.
                protocol="seldon" if plan.options.image else "v2",
                predictors=tuple(predictors),
            ),
        )
    ]


def _predictor(plan: Plan, item: Served) -> v1.Predictor:
    options = plan.options
    container = _serving_container(plan, item, NODE) if item.image else _prepackaged(plan)
    return v1.Predictor(
        name=item.version,
        traffic=item.traffic,
        shadow=True if item.shadow else None,
        replicas=None if options.scales else options.replicas,
        graph=v1.Node(
            name=NODE,
            type="MODEL",
            implementation=None if item.image else _implementation(plan),
            model_uri=item.model_uri or None,
            env_secret_ref_name=options.secret or None,
            service_account_name=options.service_account or None,
            logger=_v1_logger(options.logger_url),
        ),
        component_specs=(
            v1.Component(
                spec=PodSpec(
                    containers=(container,),
                    image_pull_secrets=_pull_secrets(plan),
                    termination_grace_period_seconds=30,
                ),
                hpa_spec=_autoscaler(plan),
            ),
        ),
        labels={"version": item.version},
        annotations={f"{MANAGER}/model": item.model},
    )


def _autoscaler(plan: Plan) -> v1.Autoscaler | None:
    options = plan.options
    if not options.scales:
        return None
    use = v1.ResourceMetric(name="cpu", target_average_utilization=options.cpu_percent)
    return v1.Autoscaler(
        min_replicas=options.replicas,
        max_replicas=options.max_replicas,
        metrics=(v1.Metric(resource=use),),
    )


def _v1_logger(url: str) -> v1.Logger | None:
    return v1.Logger(mode="all", url=url) if url else None


def _implementation(plan: Plan) -> v1.Implementation:
    found = _IMPLEMENTATIONS.get(plan.options.model_format)
    if found is None:
        raise BadRequest(
            f"Seldon Core 1 has no server for {plan.options.model_format}.",
            f"It has one for each of {', '.join(_IMPLEMENTATIONS)}.",
            "Store the model as MLflow does (--format mlflow), or build an image (--image …).",
        )
    return found


def _core2(plan: Plan) -> Sequence[Strict]:
    options = plan.options
    if not options.model_uri:
        raise BadRequest(
            "Seldon Core 2 loads models from an object store into servers that are already there.",
            "An image alone is not enough.",
            "--model-uri s3://models/flights/{version}; --image replaces the image of the server.",
        )
    _refuse(
        plan,
        "Seldon Core 2 writes requests and answers to Kafka, not to an address."
        * bool(options.logger_url),
        "Core 2 names a Secret, not an account." * bool(options.service_account),
    )
    models = [_model(plan, item) for item in plan.versions]
    shadow = plan.shadow
    experiment = core2.Experiment(
        metadata=_metadata(plan, plan.name),
        spec=core2.ExperimentSpec(
            candidates=tuple(
                core2.Candidate(name=_model_name(plan, item), weight=item.traffic)
                for item in plan.live
            ),
            mirror=core2.Mirror(name=_model_name(plan, shadow), percent=100) if shadow else None,
        ),
    )
    servers = [_server(plan)] if options.image else []
    core2.check_together(tuple(models), experiment, tuple(servers))
    return [*servers, *models, experiment]


def _model_name(plan: Plan, item: Served) -> str:
    return f"{plan.name}-{item.version}"


def _server_name(plan: Plan) -> str:
    return f"{plan.name}-server"


def _model(plan: Plan, item: Served) -> core2.Model:
    options = plan.options
    return core2.Model(
        metadata=_metadata(plan, _model_name(plan, item), item),
        spec=core2.ModelSpec(
            storage_uri=item.model_uri,
            secret_name=options.secret or None,
            requirements=(options.model_format, *((_server_name(plan),) if options.image else ())),
            memory=options.memory,
            replicas=None if options.scales else options.replicas,
            min_replicas=options.replicas if options.scales else None,
            max_replicas=options.max_replicas if options.scales else None,
        ),
    )


def _server(plan: Plan) -> core2.Server:
    """Its image must be MLServer's, or made from it: the agent asks it to load and unload."""
    images = sorted({item.image for item in plan.versions})
    if len(images) > 1:
        raise BadRequest(
            "A server of Seldon Core 2 has one image for all versions.",
            f"These are {len(images)}: {', '.join(images)}.",
            "--image with a tag, of an image that is made from seldonio/mlserver.",
        )
    options = plan.options
    container = Container(name="mlserver", image=images[0], resources=_resources(plan))
    return core2.Server(
        metadata=_metadata(plan, _server_name(plan)),
        spec=core2.ServerSpec(
            server_config="mlserver",
            extra_capabilities=(_server_name(plan),),
            replicas=None if options.scales else options.replicas,
            min_replicas=options.replicas if options.scales else None,
            max_replicas=options.max_replicas if options.scales else None,
            pod_spec=PodSpec(containers=(container,), image_pull_secrets=_pull_secrets(plan)),
        ),
    )


def _kserve(plan: Plan) -> Sequence[Strict]:
    _one_source(plan)
    _refuse(
        plan,
        "KServe has no shadow (kserve#2978)." * (plan.shadow is not None),
        "KServe finds the secrets of a service account." * bool(plan.options.secret),
    )
    stable, *others = plan.live
    canaries = [
        kserve.Canary(traffic_percent=item.traffic, predictor=_kserve_predictor(plan, item))
        for item in others
    ]
    return [
        kserve.InferenceService(
            metadata=_metadata(plan, plan.name, annotations={kserve.MODE: kserve.STANDARD[0]}),
            spec=kserve.InferenceServiceSpec(
                predictor=_kserve_predictor(plan, stable, stable=True),
                canary=tuple(canaries) or None,
            ),
        )
    ]


def _kserve_predictor(plan: Plan, item: Served, *, stable: bool = False) -> kserve.Predictor:
    options = plan.options
    scales = options.scales and stable
    return kserve.Predictor(
        # With its name, a canary becomes the stable one without a restart.
        name=item.version,
        min_replicas=options.replicas,
        max_replicas=options.max_replicas if scales else None,
        scale_metric="cpu" if scales else None,
        scale_target=options.cpu_percent if scales else None,
        logger=kserve.Logger(mode="all", url=options.logger_url) if options.logger_url else None,
        service_account_name=options.service_account or None,
        image_pull_secrets=_pull_secrets(plan),
        labels={"version": item.version},
        annotations={f"{MANAGER}/model": item.model},
        model=None
        if item.image
        else kserve.ModelServer(
            name=None if stable else kserve.CONTAINER,
            model_format=kserve.ModelFormat(name=options.model_format),
            protocol_version="v2",
            storage_uri=item.model_uri,
            resources=_resources(plan),
        ),
        containers=(_serving_container(plan, item, kserve.CONTAINER),) if item.image else None,
    )


def _serving_container(plan: Plan, item: Served, name: str) -> Container:
    """Our image. It is ready when it answers; it is restarted when it has not for half a minute."""
    ping = HttpGet(path="/health/ping", port="http")
    grpc = (ContainerPort(name="grpc", container_port=GRPC_PORT),) if item.grpc else ()
    return Container(
        name=name,
        image=item.image,
        image_pull_policy="IfNotPresent",
        ports=(ContainerPort(name="http", container_port=PORT), *grpc),
        startup_probe=Probe(http_get=ping, period_seconds=2, failure_threshold=60),
        readiness_probe=Probe(http_get=ping, period_seconds=5, timeout_seconds=2),
        liveness_probe=Probe(
            http_get=ping, period_seconds=10, timeout_seconds=5, failure_threshold=3
        ),
        resources=_resources(plan),
        security_context=SecurityContext(),
    )


def _prepackaged(plan: Plan) -> Container:
    """The server's container, to which Seldon adds image and probes."""
    return Container(name=NODE, resources=_resources(plan))


def _resources(plan: Plan) -> Resources:
    """CPU is not limited: a limit would throttle a process that has other CPUs to take."""
    options = plan.options
    return Resources(
        requests={"cpu": options.cpu, "memory": options.memory}, limits={"memory": options.memory}
    )


def _pull_secrets(plan: Plan) -> tuple[PullSecret, ...] | None:
    return (PullSecret(name=plan.options.pull_secret),) if plan.options.pull_secret else None


def _metadata(
    plan: Plan,
    name: str,
    item: Served | None = None,
    *,
    annotations: Mapping[str, str] | None = None,
) -> Metadata:
    labels = {"app.kubernetes.io/managed-by": MANAGER, "app.kubernetes.io/part-of": plan.name}
    if item is not None:
        labels["app.kubernetes.io/version"] = item.version
    models = [item] if item else plan.versions
    listed = {f"{MANAGER}/models": ",".join(version.model for version in models)}
    return Metadata(
        name=name,
        namespace=plan.namespace,
        labels=labels,
        annotations=dict(sorted({**listed, **(annotations or {})}.items())),
    )


def _one_source(plan: Plan) -> None:
    if plan.options.image and plan.options.model_uri:
        raise BadRequest(
            "The manifest has two sources of the model.",
            "The image already holds it.",
            "Give --image or --model-uri.",
        )
    images = [item.image for item in plan.versions if item.image]
    if len({*images}) < len(images):
        raise BadRequest(
            f"One image cannot hold {len(images)} versions.",
            f"{images[0]} has a tag, and {len(images)} versions are served.",
            "Leave the tag out, or write {version} into it.",
        )


def _refuse(plan: Plan, *reasons: str) -> None:
    found = [reason for reason in reasons if reason]
    if found:
        raise BadRequest(
            f"The manifest of {plan.name} cannot be written with these options.",
            " ".join(found),
            "Leave the option out, or take another kind.",
        )


_WRITERS: Mapping[ManifestKind, Callable[[Plan], Sequence[Strict]]] = {
    "seldon-v1": _seldon_v1,
    "core2": _core2,
    "kserve": _kserve,
}
