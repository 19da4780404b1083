"""What deployments declare for the interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Checks, Domain, Group, Kind, Magic, State
from ..core.late import late

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Batches, Deployments


def _open(bench: Workbench) -> Deployments:
    from . import Deployments
    from .delivery.alarm import PlanAlarm

    return Deployments(
        bench.project,
        late(lambda: bench.experiments),  # a change of traffic does without it
        batches=lambda: _batches(bench),
        labelled=lambda name, since, until: bench.monitoring.labels_known(
            name, since=since, until=until
        ),
        features=lambda: bench.features,
        alarm=PlanAlarm(opener=bench.opener, rouse=lambda: bench.jobs.heed_alarms(start=True)),
        outcomes=lambda *asked: bench.monitoring.outcomes(*asked),
        kept=lambda job: bench.jobs.files(job),
    )


def _batches(bench: Workbench) -> Batches:
    """Loaded by the first batch, with what it scores with."""
    from . import Batches

    return Batches(
        bench.project,
        bench.experiments,
        bench.catalog,
        bench.jobs,
        features=lambda: bench.features,
        opener=bench.opener,
    )


DOMAIN = Domain(
    name="deployments",
    open=_open,
    kinds=(
        Kind(
            "deployment",
            fingerprint="fingerprint",
            code="jupyter_mlinfra.deployments.snippets:deployments",
        ),
    ),
    topics=("deployment",),
    states=(
        State("healthy", "good"),
        State("degraded", "bad"),
        State("down", "bad"),
        State("building", "busy"),
        State("starting", "busy"),
        State("testing", "busy"),
        State("ready", "good"),
        State("failed", "bad"),
        State("draining", "busy"),
        State("stopped", "quiet"),
        State("running", "busy"),
        State("paused", "quiet"),
        State("succeeded", "good"),
        State("rolled_back", "bad"),
    ),
    records={
        "jupyter_mlinfra.deployments.spec": (
            "BatchSubmission",
            "Change",
            "DeployedVersion",
            "Deployment",
            "DeploymentDetail",
            "ExplainedAnswers",
            "KnownRow",
            "Prediction",
        ),
        "jupyter_mlinfra.deployments.comparing": ("AnswerComparison",),
        "jupyter_mlinfra.deployments.live_changes": ("LiveComparison",),
        "jupyter_mlinfra.deployments.version_verdicts": ("ArmOutcomes", "VersionVerdict"),
        "jupyter_mlinfra.deployments.latencies": ("LatencySeries", "VersionLatency"),
        "jupyter_mlinfra.deployments.requests": ("LoggedRequest", "LoggedRequestDetail"),
        "jupyter_mlinfra.deployments.delivery.spec": ("StepCheck", "DeliveryPlan"),
        "jupyter_mlinfra.deployments.access.records": (
            "AccessKey",
            "AuditEntry",
            "NewKey",
        ),
        "jupyter_mlinfra.deployments.kubernetes.records": (
            "ImageContext",
            "Manifests",
            "RegionState",
        ),
    },
    shown=("jupyter_mlinfra.deployments.faces.rows", "jupyter_mlinfra.deployments.faces.cards"),
    routes="jupyter_mlinfra.deployments.faces.routes:ROUTES",
    groups=(
        Group(
            name="deployments",
            help="Versions that answer requests: deploy, traffic, roll back.",
            commands="jupyter_mlinfra.deployments.faces.cli:deployments",
            begin="mlinfra deployments deploy MODEL/VERSION",
        ),
    ),
    magics=(
        Magic(
            name="deploy",
            group="deployments",
            other="deploy",
            verbs=(
                "list",
                "deploy",
                "batch",
                "traffic",
                "promote",
                "rollback",
                "remove",
                "predict",
                "explain",
                "history",
                "up",
                "down",
                "delete",
                *("compare", "shadow", "replay", "plan", "pause", "resume", "undo"),
                *("manifest", "image", "apply", "revert", "regions"),
                *("keys", "audit"),
                *("requests", "request", "latency", "verdict"),
            ),
            aliases={"status": "show", "show": "show"},
        ),
    ),
    calls={
        "deployments-batch": "jupyter_mlinfra.deployments.snippets:batch",
        "deployments-deploy": "jupyter_mlinfra.deployments.snippets:deploy",
        "deployments-traffic": "jupyter_mlinfra.deployments.snippets:traffic",
        "deployments-predict": "jupyter_mlinfra.deployments.snippets:predict",
    },
    counts={"deployments": "jupyter_mlinfra.deployments.faces.status:count_deployments"},
    checks=Checks(name="live deployment", measure="jupyter_mlinfra.deployments.faces.status:check"),
    settings={
        "deployments": "jupyter_mlinfra.deployments.settings:DeploymentSettings",
        "deployments.kubernetes": "jupyter_mlinfra.deployments.kubernetes.settings:ClusterSettings",
    },
    plugins="mlinfra.deployment_targets",
)
