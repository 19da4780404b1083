"""What jobs declare for the interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Domain, Group, Kind, Magic, State

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Jobs


def _open(bench: Workbench) -> Jobs:
    from . import Jobs

    return Jobs(
        bench.project,
        tracked=bench.run_of_job,
        around=bench.environment,
    )


_VERBS = (
    "list",
    "show",
    "submit",
    "logs",
    "attach",
    "cancel",
    "requeue",
    "restore",
    "hold",
    "release",
    "priority",
    "clone",
    "queue",
    "attempts",
    "resources",
    "wait",
    "compute",
    "backends",
    "parameters",
    "values",
    "preview",
    "code",
    "diff",
    "supervisor",
)
"""Of `%jobs` and `%job`."""

DOMAIN = Domain(
    name="jobs",
    open=_open,
    kinds=(Kind("job", code="jupyter_mlinfra.jobs.snippets:jobs", names="names"),),
    topics=("job",),
    states=(
        State("queued", "quiet"),
        State("starting", "busy"),
        State("running", "busy"),
        State("succeeded", "good"),
        State("failed", "bad"),
        State("cancelled", "quiet"),
        State("lost", "bad"),
    ),
    records={
        "jupyter_mlinfra.notebooks.spec": ("JobParameter", "Parameter"),
        "jupyter_mlinfra.jobs.spec": (
            "AttemptRecord",
            "Backend",
            "CodeDiff",
            "CodePreview",
            "CodeSnapshot",
            "Compute",
            "Device",
            "Estimate",
            "Job",
            "LeftOut",
            "LogHit",
            "LogChunk",
            "LogHits",
            "QueuedJob",
            "ResourcePoint",
            "Resources",
            "Supervisor",
        ),
    },
    shown=("jupyter_mlinfra.jobs.faces.rows", "jupyter_mlinfra.jobs.faces.cards"),
    routes="jupyter_mlinfra.jobs.faces.routes:ROUTES",
    groups=(
        Group(
            name="jobs",
            help="Notebooks and commands away from the kernel.",
            commands="jupyter_mlinfra.jobs.faces.cli:jobs",
            begin="mlinfra jobs submit NOTEBOOK",
        ),
    ),
    magics=(
        Magic(
            name="jobs",
            group="jobs",
            verbs=_VERBS,
            aliases={"log": "logs"},
        ),
        Magic(
            name="job",
            group="jobs",
            verbs=_VERBS,
            aliases={"log": "logs"},
        ),
    ),
    calls={
        "jobs-array": "jupyter_mlinfra.jobs.snippets:array",
        "jobs-submit": "jupyter_mlinfra.jobs.snippets:submit",
        "jobs-clone": "jupyter_mlinfra.jobs.snippets:clone",
    },
    counts={"jobs": "jupyter_mlinfra.jobs.faces.status:count_jobs"},
    settings={
        "jobs": "jupyter_mlinfra.jobs.settings:JobSettings",
        "jobs.kubernetes": "jupyter_mlinfra.jobs.remote.kubernetes.settings:KubernetesSettings",
        "jobs.ray": "jupyter_mlinfra.jobs.remote.ray.settings:RaySettings",
        "jobs.slurm": "jupyter_mlinfra.jobs.remote.slurm.settings:SlurmSettings",
    },
    plugins="mlinfra.job_backends",
)
