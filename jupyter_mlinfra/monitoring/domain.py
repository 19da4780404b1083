"""What monitoring declares for the interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Domain, Group, Kind, Magic, State

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Monitoring


def _open(bench: Workbench) -> Monitoring:
    from . import Monitoring

    return Monitoring(
        bench.project,
        bench.deployments,
        bench.experiments,
        alarm_set=lambda: bench.jobs.heed_alarms(start=True),
    )


DOMAIN = Domain(
    name="monitoring",
    open=_open,
    kinds=(
        Kind(
            "monitor",
            fingerprint="fingerprint",
            code="jupyter_mlinfra.monitoring.snippets:monitors",
        ),
        Kind("alert", join="/", code="jupyter_mlinfra.monitoring.snippets:alerts"),
    ),
    topics=("monitor", "alert"),
    states=(
        State("ok", "good"),
        State("pending", "busy"),
        State("firing", "bad"),
        State("no_data", "quiet"),
    ),
    records={
        "jupyter_mlinfra.monitoring.spec": (
            "Alert",
            "TableComparison",
            "FeatureDrift",
            "Monitor",
            "MonitorStatus",
        ),
        "jupyter_mlinfra.monitoring.figures": (
            "HoursRecorded",
            "MonitorFigures",
            "ReferenceReport",
        ),
        "jupyter_mlinfra.monitoring.labels": ("LabelReport",),
        "jupyter_mlinfra.monitoring.series": ("Point",),
    },
    shown=(
        "jupyter_mlinfra.monitoring.faces.rows",
        "jupyter_mlinfra.monitoring.faces.cards",
        "jupyter_mlinfra.monitoring.faces.figures",
    ),
    routes="jupyter_mlinfra.monitoring.faces.routes:ROUTES",
    groups=(
        Group(
            name="monitors",
            help="Live requests against the training data.",
            commands="jupyter_mlinfra.monitoring.faces.cli:monitors",
            begin="mlinfra monitors watch DEPLOYMENT",
        ),
        Group(
            name="alerts",
            help="What the rules of monitors say.",
            commands="jupyter_mlinfra.monitoring.faces.cli:alerts",
            begin="",
        ),
    ),
    magics=(
        Magic(
            name="monitor",
            group="monitors",
            other="status",
            verbs=(
                *("list", "status", "evaluate", "watch", "compare"),
                *("series", "labels", "backfill", "reference"),
            ),
        ),
        Magic(name="alerts", group="alerts", other="list", verbs=("list",)),
    ),
    counts={"monitoring": "jupyter_mlinfra.monitoring.faces.status:count_monitoring"},
    tables="jupyter_mlinfra.monitoring.datasets:rows",
    settings={
        "monitoring": "jupyter_mlinfra.monitoring.settings:MonitoringSettings",
    },
)
