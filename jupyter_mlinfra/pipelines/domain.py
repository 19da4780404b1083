"""What pipelines declare for the interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Domain, Group, Kind, Magic, State

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Pipelines


def _open(bench: Workbench) -> Pipelines:
    from . import Pipelines

    return Pipelines(
        bench.project,
        bench.jobs,
        fingerprints=bench.fingerprints(),
        tracked=bench.runs_of_steps,
        opener=bench.opener,
    )


DOMAIN = Domain(
    name="pipelines",
    open=_open,
    kinds=(
        Kind("pipeline", code="jupyter_mlinfra.pipelines.snippets:pipelines"),
        Kind("step", join="/", code="jupyter_mlinfra.pipelines.snippets:steps"),
    ),
    topics=("step",),
    states=(
        State("waiting", "quiet"),
        State("running", "busy"),
        State("succeeded", "good"),
        State("cached", "good"),
        State("failed", "bad"),
        State("skipped", "quiet"),
        State("cancelled", "quiet"),
    ),
    records={
        "jupyter_mlinfra.pipelines.spec": (
            "Backfill",
            "BackfillDate",
            "Explanation",
            "Exported",
            "Pipeline",
            "PipelineDetail",
            "PipelineRun",
            "Proposal",
            "Step",
            "StepRun",
        )
    },
    shown=("jupyter_mlinfra.pipelines.faces.rows", "jupyter_mlinfra.pipelines.faces.cards"),
    routes="jupyter_mlinfra.pipelines.faces.routes:ROUTES",
    groups=(
        Group(
            name="pipelines",
            help="Notebooks in order, with a cache.",
            commands="jupyter_mlinfra.pipelines.faces.cli:pipelines",
            begin="mlinfra pipelines propose NOTEBOOKS",
        ),
    ),
    magics=(
        Magic(
            name="pipeline",
            group="pipelines",
            verbs=(
                "list",
                "show",
                "run",
                "check",
                "runs",
                "resume",
                "cancel",
                "repair",
                "explain",
                "backfill",
                "export",
                "propose",
                "status",
            ),
            rewrite="jupyter_mlinfra.pipelines.faces.magics:parameters",
        ),
    ),
    counts={"pipelines": "jupyter_mlinfra.pipelines.faces.status:count_pipelines"},
    settings={
        "pipelines": "jupyter_mlinfra.pipelines.settings:PipelineSettings",
    },
    clone="jupyter_mlinfra.pipelines.clones:detached",
)
