"""What experiments declare for the interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Checks, Domain, Group, Kind, Magic, State

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Experiments


def _open(bench: Workbench) -> Experiments:
    from . import Experiments

    return Experiments(
        bench.project,
        unservable=bench.unservable,
        runs_code=bench.runs_code,
        uses=lambda: bench.deployments,
    )


DOMAIN = Domain(
    name="experiments",
    open=_open,
    kinds=(
        Kind(
            "experiment",
            fingerprint="experiment_fingerprint",
            code="jupyter_mlinfra.experiments.snippets:experiments",
        ),
        Kind("run", code="jupyter_mlinfra.experiments.snippets:runs", names="names"),
        Kind("compare", join=",", code="jupyter_mlinfra.experiments.snippets:comparisons"),
        Kind(
            "model", fingerprint="fingerprint", code="jupyter_mlinfra.experiments.snippets:models"
        ),
        Kind(
            "version",
            join="/",
            fingerprint="fingerprint",
            code="jupyter_mlinfra.experiments.snippets:models",
        ),
    ),
    topics=(
        "run",
        "model",
    ),
    states=(
        State("running", "busy"),
        State("scheduled", "quiet"),
        State("finished", "good"),
        State("failed", "bad"),
        State("killed", "bad"),
    ),
    records={
        "jupyter_mlinfra.experiments.cards": (),
        "jupyter_mlinfra.experiments.spec": (
            "Comparison",
            "Curve",
            "Difference",
            "Experiment",
            "Model",
            "ModelDetail",
            "Run",
            "Version",
        ),
    },
    shown=("jupyter_mlinfra.experiments.faces.rows", "jupyter_mlinfra.experiments.faces.cards"),
    routes="jupyter_mlinfra.experiments.faces.routes:ROUTES",
    groups=(
        Group(
            name="experiments",
            help="Experiments.",
            commands="jupyter_mlinfra.experiments.faces.cli:experiments",
            begin="%load_ext jupyter_mlinfra in a notebook, then plain mlflow, or ml.track(NAME)",
        ),
        Group(
            name="runs",
            help="Tracked runs: list, show, compare.",
            commands="jupyter_mlinfra.experiments.faces.cli:runs",
            begin="%load_ext jupyter_mlinfra in a notebook, then plain mlflow, or ml.track(NAME)",
        ),
        Group(
            name="models",
            help="Models and their versions: register, promote, delete.",
            commands="jupyter_mlinfra.experiments.faces.cli:models",
            begin="mlinfra models register RUN",
        ),
    ),
    magics=(
        Magic(name="runs", group="runs", other="list", verbs=("list", "show", "compare", "import")),
        Magic(
            name="models",
            group="models",
            verbs=("list", "show", "register", "promote", "delete"),
            rewrite="jupyter_mlinfra.experiments.faces.magics:alias",
        ),
    ),
    calls={
        "runs-list": "jupyter_mlinfra.experiments.snippets:run_list",
    },
    counts={
        "experiments": "jupyter_mlinfra.experiments.faces.status:count_experiments",
        "models": "jupyter_mlinfra.experiments.faces.status:count_models",
    },
    checks=Checks(name="champion", measure="jupyter_mlinfra.experiments.faces.status:check"),
    settings={
        "experiments": "jupyter_mlinfra.experiments.settings:ExperimentSettings",
    },
)
