"""What a job asks Ray for. No I/O."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

from ....core import secrets
from ....core.errors import BadRequest
from ...remote.ray.settings import RaySettings
from ...spec import JobSpec
from .. import Parcel
from .nodes import ACCELERATOR, CPU, GPU, MEMORY

PROJECT, KEY, JOB = "mlinfra_project", "mlinfra_key", "mlinfra_job"
DRIVER = "jupyter_mlinfra.jobs.remote.ray.driver"
MARGIN_SECONDS = 5
"""What the guard gets beyond a job's own grace period, to end what is left and store its
exit code.
"""
TYPE_SHARE = 0.001
"""How much of a node's resource for its type of GPU a job takes: as little as Ray's own
`accelerator_type=`.
"""


def check(spec: JobSpec) -> None:
    """Raise BadRequest if no Ray cluster could run such a job."""
    if spec.queue:
        raise BadRequest(
            f"There is no queue {spec.queue!r}.",
            "Ray has no queues.",
            "Leave it out; [jobs.ray] resources says which nodes take jobs.",
        )
    if spec.gpu_type and not spec.gpus:
        raise BadRequest(
            f"A type of GPU ({spec.gpu_type}) is asked for, but no GPU.", fix="Ask for gpus too."
        )
    for value in secrets.references([spec.environment, spec.parameters, *spec.array]):
        if value.startswith("keyring:"):
            fix = "Set it as a variable where Ray's nodes are started, and refer to env:NAME."
            raise BadRequest(
                f"Secret {value} cannot reach a node of Ray.",
                "The keyring is on this machine.",
                fix,
            )


def needs(spec: JobSpec, settings: RaySettings) -> dict[str, float]:
    """What a node must have for a job, under Ray's names."""
    memory = {MEMORY: float(math.ceil(spec.memory_gib * 2**30))} if spec.memory_gib else {}
    gpus = {GPU: float(spec.gpus)} if spec.gpus else {}
    return {CPU: float(spec.cpus), **gpus, **memory, **_resources(spec, settings)}


def _resources(spec: JobSpec, settings: RaySettings) -> dict[str, float]:
    kind = settings.gpu_types.get(spec.gpu_type or "", spec.gpu_type or "")
    return {**settings.resources, **({f"{ACCELERATOR}{kind}": TYPE_SHARE} if kind else {})}


def name_of(parcel: Parcel) -> str:
    """Its id in Ray: the same for the same key, which is never used again, so that Ray itself
    refuses a second submit.
    """
    batch = parcel.key.partition(".")[0]
    return f"mlinfra-{parcel.entry.job.id.replace('/', '-')}-{parcel.attempt}-{batch}"


def body(
    parcel: Parcel, *, project: str, home: Path, grace_seconds: float, settings: RaySettings
) -> dict[str, Any]:
    """What is posted to /api/jobs/. Everybody who can view the cluster sees it, so no variable of
    the job is in it.
    """
    spec, job = parcel.entry.spec, parcel.entry.job
    python = settings.python or parcel.entry.launch.python
    command = [
        python,
        "-P",
        "-m",
        DRIVER,
        str(home / "jobs"),
        job.id,
        parcel.key,
        str(settings.notice_seconds),
    ]
    found = {
        "entrypoint": f"exec {shlex.join(command)}",
        "submission_id": name_of(parcel),
        "metadata": {"job_name": job.name, PROJECT: project, KEY: parcel.key, JOB: job.id},
        # Ray kills what it was told to stop after 3 s, including the guard.
        "runtime_env": {
            "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(math.ceil(grace_seconds) + MARGIN_SECONDS)}
        },
        "entrypoint_num_cpus": spec.cpus,
        "entrypoint_num_gpus": spec.gpus,
        "entrypoint_resources": _resources(spec, settings),
    }
    return found | (
        {"entrypoint_memory": math.ceil(spec.memory_gib * 2**30)} if spec.memory_gib else {}
    )
