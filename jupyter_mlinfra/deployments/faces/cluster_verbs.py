"""The verbs of `mlinfra deployments` that are about Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from ...core.records import page_of
from ...faces.parse import weights
from ...faces.session import Session
from .cli import deployments

_OPTIONS = (
    click.option(
        "--kind",
        "--target",
        "kind",
        type=click.Choice(["seldon-v1", "core2", "kserve", "seldon"]),
        help="Seldon Core 1 (also called seldon), Seldon Core 2, or KServe (without a business"
        " licence). Default: as settings say, as of all that is left out.",
    ),
    click.option(
        "--image", default="", help="Registry and name; the tag names version and content."
    ),
    click.option(
        "--model-uri",
        default="",
        metavar="URI",
        help="Where a server reads the model, for example s3://models/flights/{version}.",
    ),
    click.option(
        "--format",
        "model_format",
        type=click.Choice(["mlflow", "xgboost", "sklearn", "lightgbm"]),
        default="mlflow",
        show_default=True,
        help="Of the files at that address.",
    ),
    click.option("--namespace", default="", help="Default: the deployment's own."),
    click.option("--cpu", default="1", show_default=True, help="Requested by each pod."),
    click.option("--memory", default="1Gi", show_default=True, help="Requested, and the limit."),
    click.option("--replicas", type=click.IntRange(1), default=1, show_default=True),
    click.option(
        "--max-replicas",
        type=click.IntRange(0),
        default=0,
        help="Above --replicas: an autoscaler.",
    ),
    click.option(
        "--cpu-percent",
        type=click.IntRange(1, 100),
        default=70,
        show_default=True,
        help="Of the requested CPU, at which it adds pods.",
    ),
    click.option("--logger-url", default="", metavar="URL", help="Gets requests and answers."),
    click.option("--secret", default="", metavar="NAME", help="Secret that reads the address."),
    click.option("--service-account", default="", metavar="NAME", help="Account of the pods."),
    click.option("--pull-secret", default="", metavar="NAME", help="Secret of the registry."),
    click.option("--shadow", default="", metavar="VERSION", help="Gets copies of all requests."),
    click.option(
        "--traffic",
        "shares",
        multiple=True,
        metavar="VERSION=PERCENT",
        help="May be repeated. Default: the present traffic here.",
    ),
)


def _written(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Options of what becomes manifests."""
    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    """All options, with those of manifests in one value."""
    from ..kubernetes.plan import ManifestOptions

    names = [item.name for item in fields(ManifestOptions)]
    written = ManifestOptions(**{name: options.pop(name) for name in names})
    shares = options.pop("shares")
    if options["kind"] == "seldon":
        options["kind"] = "seldon-v1"
    return options | {"options": written, "traffic": weights(shares) if shares else None}


def _in_contexts(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Options of what happens in clusters."""
    seconds = click.option(
        "--timeout",
        "timeout_seconds",
        type=click.FloatRange(1),
        default=600.0,
        show_default=True,
        help="Seconds for each cluster to become ready.",
    )
    context = click.option(
        "--context",
        "contexts",
        multiple=True,
        metavar="NAME",
        help="Of the kubeconfig; may be repeated, in the order of the rollout.",
    )
    return seconds(context(verb))


@deployments.verb("manifest")
@click.argument("name")
@_written
@click.option("--crds", metavar="FOLDER", help="CRDs of a cluster, which must accept it too.")
@click.option("--output", metavar="FILE", help="Write it there instead of printing it.")
def _manifest(session: Session, name: str, **options: Any) -> Any:
    """A deployment as manifests for Kubernetes."""
    return session.bench.deployments.manifest(name, **_chosen(options))


@deployments.verb("apply")
@click.argument("name")
@_written
@_in_contexts
def _apply(session: Session, name: str, **options: Any) -> Any:
    """Roll a deployment out to Kubernetes, one cluster after the other."""
    found = session.bench.deployments.apply(name, on_progress=session.say, **_chosen(options))
    return page_of(found, limit=500)


@deployments.verb("revert")
@click.argument("name")
@_in_contexts
def _revert(session: Session, name: str, **options: Any) -> Any:
    """Give clusters the last ready state before their present one."""
    found = session.bench.deployments.revert(name, on_progress=session.say, **options)
    return page_of(found, limit=500)


@deployments.verb("regions")
@click.argument("name")
def _regions(session: Session, name: str) -> Any:
    """What was applied to each cluster last."""
    return page_of(session.bench.deployments.regions(name), limit=500)


@deployments.verb("image")
@click.argument("name")
@click.argument("version")
@click.option("--into", metavar="FOLDER", required=True, help="A new folder.")
def _image(session: Session, name: str, version: str, into: str) -> Any:
    """The build context of an image that serves one version."""
    return session.bench.deployments.image(name, version, into=into)
