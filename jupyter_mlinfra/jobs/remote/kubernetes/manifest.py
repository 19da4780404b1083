"""The manifest of a batch of jobs. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....core import secrets
from ....core.errors import BadRequest
from ...attempt.files import UNCLAIMED
from ...remote.kubernetes.settings import KubernetesSettings
from ...spec import JobSpec
from .. import Batch
from ..guard import NODE
from ..sending import index_of
from .pod import GPUS

PREFIX = "jupyter-mlinfra"
PROJECT, BATCH, ATTEMPT, JOB, ARRAY = (
    f"{PREFIX}/{word}" for word in ("project", "batch", "attempt", "job", "array")
)
INDEX, OWNER = "batch.kubernetes.io/job-completion-index", "batch.kubernetes.io/job-name"
"""How Kubernetes marks a pod with its element and its Job."""
QUEUE, PRIORITY_CLASS = "kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class"
CONTAINER = "job"
MARGIN_SECONDS = 5
"""What the guard gets beyond a job's own time to save, so that it can store its exit code."""
PULL_SECONDS = 900
"""How much later a pod's own deadline is than the job's: it counts from before the image was
pulled.
"""
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_VARIABLE = re.compile(r"[ -<>-~]+")
_POD = "jupyter_mlinfra.jobs.remote.kubernetes.pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The project as pods see it. project: label of its jobs. user, group: who owns the files.
    grace_seconds: of a cancelled job.
    """

    project: str
    root: str
    home: str
    user: int
    group: int
    grace_seconds: float


def check(spec: JobSpec, settings: KubernetesSettings) -> None:
    """Raise BadRequest if no cluster would take such a job with these settings."""
    if not settings.image:
        raise BadRequest(
            "Kubernetes needs an image to run jobs in.",
            "[jobs.kubernetes] image is empty.",
            "Name one that has this package.",
        )
    if bool(settings.claim) == bool(settings.host_path):
        why = "Neither or both of [jobs.kubernetes] claim and host_path are set."
        raise BadRequest(
            "Pods would not see the project's folder.",
            why,
            "Set claim to the volume claim with the folder, or host_path if every node has it.",
        )
    gpu_resource(spec, settings)
    for name, label in (("queue", spec.queue or ""), ("type of GPU", gpu_type(spec, settings))):
        if not _LABEL.fullmatch(label):
            raise BadRequest(
                f"{label!r} cannot be a {name} in Kubernetes.",
                "It cannot be a label's value.",
                "Use at most 63 letters, digits, dots and dashes.",
            )
    for name in references(spec):
        if not _VARIABLE.fullmatch(name):
            raise BadRequest(
                f"{name!r} cannot be a variable in Kubernetes.",
                "Only printable ASCII characters without = can.",
                "Rename it.",
            )
    for value in secrets.references([spec.environment, spec.parameters, *spec.array]):
        if value.startswith("keyring:"):
            fix = "Put it into the Secret of [jobs.kubernetes] secret, and refer to env:NAME."
            raise BadRequest(
                f"Secret {value} cannot reach a pod.", "The keyring is on this machine.", fix
            )
    if references(spec) and not settings.secret:
        raise BadRequest(
            f"Secret env:{references(spec)[0]} cannot reach a pod.",
            "[jobs.kubernetes] secret is empty.",
            "Name the Kubernetes Secret that has this key.",
        )


def gpu_resource(spec: JobSpec, settings: KubernetesSettings) -> dict[str, str]:
    """What a job asks for GPUs. Raises BadRequest for a part that the cluster does not have."""
    if not spec.gpus:
        return {}
    if spec.gpus >= 1:
        return {settings.gpu_resource: f"{spec.gpus:.0f}"}
    part = next(
        (name for size, name in settings.gpu_parts.items() if math.isclose(float(size), spec.gpus)),
        None,
    )
    if part is None:
        fix = (
            f'Ask for 1, or name a MIG resource: [jobs.kubernetes.gpu_parts] "{spec.gpus:g}" ='
            ' "nvidia.com/mig-3g.20gb".'
        )
        raise BadRequest(
            f"The job asks for {spec.gpus:g} of a GPU.",
            "Kubernetes gives whole ones, and has no part of this size.",
            fix,
        )
    return {part: "1"}


def gpu_type(spec: JobSpec, settings: KubernetesSettings) -> str:
    """Label of the nodes with this type of GPU."""
    return settings.gpu_types.get(spec.gpu_type or "", spec.gpu_type or "")


def references(spec: JobSpec) -> list[str]:
    """Names of the secrets that a job refers to."""
    values = secrets.references([spec.environment, spec.parameters, *spec.array])
    return sorted({value.removeprefix("env:") for value in values if value.startswith("env:")})


def name_of(batch: Batch) -> str:
    """A DNS label that begins with the job's name and is the same for the same batch, so that the
    server refuses to create it a second time.
    """
    job = batch.parcels[0].entry.job
    shown = job.name.rpartition("/")[0] if job.part_of else job.name
    stem = re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9]+", "-", shown.lower()))[:24].strip("-")
    return f"{stem or 'job'}-{batch.name}-{batch.attempt}"


def manifest(batch: Batch, site: Site, settings: KubernetesSettings) -> dict[str, Any]:
    """A Job with an index for each element; a single job is an array of one.

    Our follower retries failures, so no index is tried twice; a preempted pod is replaced, which
    does not count as a failure.
    """
    first, size = batch.parcels[0].entry, max(index_of(parcel.key) for parcel in batch.parcels) + 1
    spec = first.spec
    labels_of_job = {ARRAY: first.job.part_of} if first.job.part_of else {JOB: first.job.id}
    labels = {
        PROJECT: site.project,
        BATCH: batch.name,
        ATTEMPT: str(batch.attempt),
        **labels_of_job,
    }
    queue = spec.queue or settings.queue
    meta = {
        "name": name_of(batch),
        "namespace": settings.namespace,
        "labels": {**labels, **_kueue(first.job.priority, queue, settings)},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": {
            "completionMode": "Indexed",
            "completions": size,
            "parallelism": size,  # no more elements are sent than may run at a time
            "backoffLimitPerIndex": 0,
            "podReplacementPolicy": "Failed",  # no second copy before the first is proven dead
            "podFailurePolicy": {"rules": _rules(size)},
            "ttlSecondsAfterFinished": math.ceil(settings.keep_minutes * 60),
            "suspend": bool(queue),  # Kueue releases it
            "template": {"metadata": {"labels": labels}, "spec": _pod(batch, site, settings)},
        },
    }


def _rules(size: int) -> list[dict[str, Any]]:
    """A preempted pod is replaced; one whose attempt was taken or called off never is."""
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailJob" if size == 1 else "FailIndex",
            "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [UNCLAIMED]},
        },
    ]


def _kueue(priority: int, queue: str, settings: KubernetesSettings) -> dict[str, str]:
    if not queue:
        return {}
    fitting = [lowest for lowest in settings.priority_classes if lowest <= priority]
    return {
        QUEUE: queue,
        **({PRIORITY_CLASS: settings.priority_classes[max(fitting)]} if fitting else {}),
    }


def _pod(batch: Batch, site: Site, settings: KubernetesSettings) -> dict[str, Any]:
    spec, minutes = batch.parcels[0].entry.spec, batch.parcels[0].entry.spec.time_limit_minutes
    notice = math.ceil(max(settings.notice_seconds, site.grace_seconds)) + MARGIN_SECONDS
    source = (
        {"persistentVolumeClaim": {"claimName": settings.claim}}
        if settings.claim
        else {"hostPath": {"path": settings.host_path, "type": "Directory"}}
    )
    selector = {
        **settings.node_selector,
        **({settings.gpu_type_label: gpu_type(spec, settings)} if spec.gpu_type else {}),
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": notice,
        # A namespace with many services would fill the job's environment.
        "enableServiceLinks": False,
        "automountServiceAccountToken": bool(settings.service_account),
        # The files of an attempt belong to its owner.
        "securityContext": {"runAsUser": site.user, "runAsGroup": site.group},
        "volumes": [
            {"name": "project", **source},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
        ],
        "containers": [_container(batch, site, settings)],
    }
    if minutes is not None:
        # Of the pod, not of the Job, whose deadline also runs while it waits for a node.
        pod["activeDeadlineSeconds"] = min(
            2**31 - 1, math.ceil(minutes * 60) + notice + PULL_SECONDS
        )
    if settings.service_account:
        pod["serviceAccountName"] = settings.service_account
    if selector:
        pod["nodeSelector"] = selector
    if settings.tolerations:
        pod["tolerations"] = [dict(toleration) for toleration in settings.tolerations]
    return pod


def _container(batch: Batch, site: Site, settings: KubernetesSettings) -> dict[str, Any]:
    spec = batch.parcels[0].entry.spec
    mounted = {
        "name": "project",
        "mountPath": settings.mount_path or site.root,
        **({"subPath": settings.sub_path} if settings.sub_path else {}),
    }
    # The job ids are in a file: every pod of an array is listed at every look.
    arguments = [f"{site.home}/jobs", f"{batch.name}.{batch.attempt}"]
    return {
        "name": CONTAINER,
        "image": settings.image,
        "command": [settings.python, "-P", "-m", _POD],
        "args": [plain(argument) for argument in arguments],
        "env": _environment(batch, settings),
        "resources": resources(spec, settings),
        # An image without this package reports so where we look.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {"allowPrivilegeEscalation": False},
        # Loaders of training data pass batches in shared memory, of which a container has 64 MiB by
        # default.
        "volumeMounts": [mounted, {"name": "memory", "mountPath": "/dev/shm"}],  # noqa: S108
    }


def resources(spec: JobSpec, settings: KubernetesSettings) -> dict[str, dict[str, str]]:
    """Memory and GPUs are limits too; CPUs are not, so that idle ones are used."""
    firm = gpu_resource(spec, settings)
    if spec.memory_gib:
        firm["memory"] = f"{math.ceil(spec.memory_gib * 1024)}Mi"
    requests = {"cpu": str(spec.cpus) if spec.cpus else "10m", **firm}
    return {"requests": requests, **({"limits": firm} if firm else {})}


def _environment(batch: Batch, settings: KubernetesSettings) -> list[dict[str, Any]]:
    """The variables that a job names itself. The submitter's are not sent: they belong to another
    machine, and may hold secrets.

    Elements of an array find their own values in their orders; the secrets behind those come from
    here.
    """
    specs = [parcel.entry.spec for parcel in batch.parcels]
    own = specs[0].environment if len(specs) == 1 else {}
    home = {} if "HOME" in own else {"HOME": "/tmp"}  # noqa: S108 - the user may have none in the image
    plain_ones = {name: value for name, value in own.items() if not value.startswith("env:")} | home
    secret = {name: name for name in _union(references(spec) for spec in specs)}
    secret |= {
        name: value.removeprefix("env:") for name, value in own.items() if value.startswith("env:")
    }
    return [
        {"name": NODE, "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": GPUS, "value": str(math.ceil(specs[0].gpus))},
        *(
            {"name": name, "value": plain(value)}
            for name, value in sorted(plain_ones.items())
            if name not in secret
        ),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": settings.secret, "key": key}}}
            for name, key in sorted(secret.items())
        ),
    ]


def _union(groups: Iterable[Sequence[str]]) -> list[str]:
    return sorted({name for group in groups for name in group})


def plain(text: str) -> str:
    """A text in which Kubernetes expands no `$(NAME)`."""
    return text.replace("$", "$$")


def key_of(labels: Mapping[str, str], index: int) -> str:
    """The key of an element, from the labels of its job or pod."""
    return f"{labels.get(BATCH, '')}.{labels.get(ATTEMPT, '')}.{index}"
