"""`mlinfra experiments …`, `mlinfra runs …`, `mlinfra models …`"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from ...faces.cli import Noun, paged
from ...faces.session import Session

experiments = Noun("experiments", "Experiments: runs that belong together.")
runs = Noun("runs", "Runs: training attempts with their settings and results.")
models = Noun("models", "Models: what runs logged and was registered, version by version.")


@experiments.verb("list")
@paged
def _experiments(session: Session, **options: Any) -> Any:
    """Experiments, the most recently used first."""
    return session.bench.experiments.experiments(**options)


@runs.verb("list")
@click.argument("experiment", required=False)
@click.option(
    "--where",
    default="",
    metavar="FILTER",
    help="For example: metrics.auc > 0.9 and params.depth = '6'.",
)
@click.option(
    "--sort",
    default="-started",
    show_default=True,
    metavar="KEY",
    help="For example -metrics.auc; `-` is descending.",
)
@paged
def _runs(session: Session, experiment: str | None, **options: Any) -> Any:
    """Runs of an experiment, or of all."""
    return session.bench.experiments.runs(experiment, **options)


@runs.verb("show")
@click.argument("run")
def _show(session: Session, run: str) -> Any:
    """One run; a unique beginning of its id is enough."""
    return session.bench.experiments.show(run)


@runs.verb("compare")
@click.argument("ids", nargs=-1, required=True, metavar="RUN RUN…")
@click.option("--only-different", is_flag=True, help="Leave out what is the same in all.")
@click.option("--curves", is_flag=True, help="With the curves of metrics.")
def _compare(session: Session, ids: tuple[str, ...], only_different: bool, curves: bool) -> Any:
    """Runs side by side, differences first."""
    comparison = session.bench.experiments.compare(ids, curves=curves)
    return (
        replace(comparison, rows=[row for row in comparison.rows if not row.same])
        if only_different
        else comparison
    )


@runs.verb("import")
@click.argument("store", required=False)
def _import(session: Session, store: str | None) -> Any:
    """Import the runs of another MLflow store: its address, or a path of an mlflow.db or mlruns;
    default: all in the project.
    """
    session.say("importing the runs; those that are already here are skipped")
    imported = session.bench.experiments.bring_in(store)
    if session.json:
        return imported
    return [
        {
            "store": item.store,
            "brought in": len(item.runs),
            "models": item.models,
            "here before": item.already,
            "still running": item.running,
        }
        for item in imported
    ] or {"stores": "plain MLflow has left none in the project's folders"}


@models.verb("list")
@paged
def _models(session: Session, **options: Any) -> Any:
    """Models by name."""
    return session.bench.experiments.models(**options)


@models.verb("show")
@click.argument("ref", metavar="MODEL[/VERSION|@ALIAS]")
def _model(session: Session, ref: str) -> Any:
    """A model and its versions, or one version."""
    return (
        session.bench.experiments.version(ref)
        if "/" in ref or "@" in ref
        else session.bench.experiments.model(ref)
    )


@models.verb("register")
@click.argument("run")
@click.option("--model", required=True, metavar="NAME", help="The model that gets a version.")
@click.option(
    "--artifact", default="model", show_default=True, help="The name under which the run logged it."
)
def _register(session: Session, run: str, **options: Any) -> Any:
    """Make the model that a run logged the next version."""
    return session.bench.experiments.register(run, **options)


@models.verb("promote")
@click.argument("ref", metavar="MODEL/VERSION")
@click.option(
    "--alias",
    default="champion",
    show_default=True,
    help="The alias that points at it from now on.",
)
def _promote(session: Session, ref: str, alias: str) -> Any:
    """Point an alias at a version. Moves no traffic: that is `deployments promote`."""
    session.say(f"pointing {alias} at {ref}")
    return session.bench.experiments.promote(ref, alias=alias)


@models.verb("delete")
@click.argument("ref", metavar="MODEL/VERSION")
@click.option("--reason", default="", help="For the audit log: mlinfra deployments audit")
def _delete(session: Session, ref: str, reason: str) -> Any:
    """Take a version out of the registry. Refused while an alias points at it, or a deployment
    keeps it.
    """
    return session.bench.experiments.delete_version(ref, reason=reason)
