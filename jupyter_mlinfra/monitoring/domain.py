"""What monitoring declares for the interfaces; alerts have a declaration of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Domain, Group, Kind, Magic, State
from ..core.late import late

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Monitoring


def _open(bench: Workbench) -> Monitoring:
    from . import Monitoring

    return Monitoring(
        bench.project,
        late(lambda: bench.deployments),
        late(lambda: bench.experiments),
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
    ),
    calls={
        "monitors-distribution": "jupyter_mlinfra.monitoring.snippets:distribution",
        "monitors-backtest": "jupyter_mlinfra.monitoring.snippets:backtest",
    },
    topics=("monitor",),
    states=(
        State("ok", "good"),
        State("pending", "busy"),
        State("firing", "bad"),
        State("silenced", "quiet"),
        State("no_data", "quiet"),
    ),
    records={
        "jupyter_mlinfra.monitoring.spec": (
            "TableComparison",
            "FeatureDrift",
            "Monitor",
            "MonitorStatus",
        ),
        "jupyter_mlinfra.monitoring.causes.spec": ("FeatureCause",),
        "jupyter_mlinfra.monitoring.figures": (
            "HoursRecorded",
            "MonitorFigures",
            "ReferenceReport",
        ),
        "jupyter_mlinfra.monitoring.labels.joining": ("LabelReport",),
        "jupyter_mlinfra.monitoring.hours.points": ("Point",),
    },
    shown=(
        "jupyter_mlinfra.monitoring.faces.rows",
        "jupyter_mlinfra.monitoring.faces.cards",
        "jupyter_mlinfra.monitoring.faces.causes",
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
    ),
    magics=(
        Magic(
            name="monitor",
            group="monitors",
            other="status",
            verbs=(
                *("list", "status", "evaluate", "watch", "compare", "backtest"),
                *("series", "cause", "labels", "backfill", "reference"),
            ),
        ),
    ),
    counts={"monitoring": "jupyter_mlinfra.monitoring.faces.status:count_monitoring"},
    tables="jupyter_mlinfra.monitoring.datasets:MonitorTables",
    settings={
        "monitoring": "jupyter_mlinfra.monitoring.settings:MonitoringSettings",
    },
)
