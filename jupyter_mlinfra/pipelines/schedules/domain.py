"""What the faces know of schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.domain import Domain, Group, Kind, Magic, State

if TYPE_CHECKING:
    from ...workbench import Workbench
    from .service import Schedules


def _open(bench: Workbench) -> Schedules:
    from .service import Schedules

    return Schedules(bench.project, bench.pipelines, bench.jobs, opener=bench.opener)


DOMAIN = Domain(
    name="schedules",
    open=_open,
    resource="pipelines",
    kinds=(Kind("schedule", code="jupyter_mlinfra.pipelines.schedules.snippets:schedules"),),
    topics=("schedule",),
    states=(
        State("active", "good"),
        State("paused", "quiet"),
        State("waiting", "quiet"),
        State("started", "good"),
        State("missed", "bad"),
        State("skipped", "quiet"),
        State("failed", "bad"),
    ),
    records={"jupyter_mlinfra.pipelines.schedules.spec": ("Due", "Firing", "Schedule")},
    shown=("jupyter_mlinfra.pipelines.schedules.faces.rows",),
    routes="jupyter_mlinfra.pipelines.schedules.faces.routes:ROUTES",
    calls={
        "schedules-form": "jupyter_mlinfra.pipelines.schedules.snippets:form",
    },
    groups=(
        Group(
            name="schedules",
            help="Pipelines and jobs that start on a schedule.",
            commands="jupyter_mlinfra.pipelines.schedules.faces.cli:schedules",
            begin='mlinfra schedules create NAME --pipeline PIPELINE --cron "0 6 * * *"',
        ),
    ),
    magics=(
        Magic(
            name="schedule",
            group="schedules",
            verbs=(
                "list",
                "show",
                "create",
                "update",
                "pause",
                "resume",
                "run-now",
                "delete",
                "history",
                "preview",
            ),
        ),
        Magic(
            name="schedules",
            group="schedules",
            verbs=(
                "list",
                "show",
                "create",
                "update",
                "pause",
                "resume",
                "run-now",
                "delete",
                "history",
                "preview",
            ),
        ),
    ),
)
