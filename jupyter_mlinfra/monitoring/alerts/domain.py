"""What the faces know of alerts and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.domain import Domain, Group, Kind, Magic, State
from ...core.late import late

if TYPE_CHECKING:
    from ...workbench import Workbench
    from .service import Alerts


def _open(bench: Workbench) -> Alerts:
    from .service import Alerts

    return Alerts(
        bench.project,
        late(lambda: bench.monitoring),
        late(lambda: bench.deployments),
        late(lambda: bench.experiments),
        lambda: bench.pipelines,
    )


DOMAIN = Domain(
    name="alerts",
    open=_open,
    resource="monitoring",
    searched=False,  # monitoring shows them with their monitors
    kinds=(Kind("alert", join="/", code="jupyter_mlinfra.monitoring.snippets:alerts"),),
    topics=("alert",),
    states=(
        State("ok", "good"),
        State("pending", "busy"),
        State("firing", "bad"),
        State("silenced", "quiet"),
        State("no_data", "quiet"),
    ),
    records={
        "jupyter_mlinfra.monitoring.spec": ("Alert", "AlertSilence"),
        "jupyter_mlinfra.monitoring.alerts.spec": (
            "AlertChange",
            "AlertDetail",
            "AlertNotebook",
            "AlertRule",
            "Backtest",
            "Delivery",
            "Episode",
            "RuleBacktest",
            "RuleCheck",
        ),
    },
    shown=(
        "jupyter_mlinfra.monitoring.alerts.faces.rows",
        "jupyter_mlinfra.monitoring.alerts.faces.cards",
    ),
    routes="jupyter_mlinfra.monitoring.alerts.faces.routes:ROUTES",
    groups=(
        Group(
            name="alerts",
            help="What the rules of monitors say, and what is done about it.",
            commands="jupyter_mlinfra.monitoring.alerts.faces.cli:alerts",
            begin="",
        ),
        Group(
            name="rules",
            help="Rules of monitors, built-in and in *.mlrules.yaml.",
            commands="jupyter_mlinfra.monitoring.alerts.faces.cli:rules",
            begin="",
        ),
    ),
    magics=(
        Magic(name="rules", group="rules", other="check", verbs=("list", "check", "export")),
        Magic(
            name="alerts",
            group="alerts",
            other="show",
            verbs=(
                *("list", "show", "ack", "silence", "silences", "unsilence", "history"),
                *("notebook", "retrain", "rollback", "deliveries"),
            ),
        ),
    ),
)
