"""`mlinfra experiments …`, `mlinfra runs …`, `mlinfra models …`"""

from __future__ import annotations

import click

from .session import Session, paging, session

_VERSIONS = {"version": "version", "aliases": "aliases", "metrics": "metrics", "created": "created_at", "run": "run", "notebook": "notebook"}


@click.group
def experiments() -> None:
    """Experiments (MLflow)."""


@experiments.command("list")
@paging
@session
def list_experiments(here: Session, limit: int, cursor: str | None) -> None:
    """Experiments, newest first."""
    here.emit(here.workbench.experiments.experiments(limit=limit, cursor=cursor), columns={"experiment": "name", "runs": "runs", "updated": "updated_at"})


@click.group
def runs() -> None:
    """Tracked runs."""


@runs.command("list")
@click.argument("experiment", required=False)
@click.option("--where", default="", help="For example: metrics.auc > 0.9 and params.depth = '6'")
@click.option("--sort", default="-started", show_default=True, help="started, metrics.NAME, params.NAME; - before it is descending.")
@paging
@session
def list_runs(here: Session, experiment: str | None, where: str, sort: str, limit: int, cursor: str | None) -> None:
    """Runs of an experiment, or of all."""
    columns = {"run": "id", "name": "name", "status": "status", "started": "started_at", "seconds": "duration_seconds", "metrics": "metrics"}
    here.emit(here.workbench.experiments.runs(experiment, where=where, sort=sort, limit=limit, cursor=cursor), columns=columns)


@runs.command("show")
@click.argument("run")
@session
def show_run(here: Session, run: str) -> None:
    """Metrics, parameters and origin of a run."""
    here.emit(here.workbench.experiments.show(run))


@runs.command
@click.argument("ids", nargs=-1, required=True, metavar="RUN RUN…")
@click.option("--only-different", is_flag=True, help="Leave out what is the same in all.")
@session
def compare(here: Session, ids: tuple[str, ...], only_different: bool) -> None:
    """What differs between runs."""
    found = here.workbench.experiments.compare(ids, curves=here.as_json)
    if here.as_json:
        here.emit(found)
        return
    names = [run.name or run.id[:8] for run in found.runs]
    rows = [
        {"kind": row.kind, "key": row.key, **{f"{index} {name}": value for index, (name, value) in enumerate(zip(names, row.values, strict=True))}}
        for row in found.rows
        if not (only_different and row.same)
    ]
    here.emit(rows)


@click.group
def models() -> None:
    """Registered models."""


@models.command("list")
@paging
@session
def list_models(here: Session, limit: int, cursor: str | None) -> None:
    """Models by name."""
    here.emit(here.workbench.experiments.models(limit=limit, cursor=cursor), columns={"model": "name", "versions": "versions", "aliases": "aliases"})


@models.command("show")
@click.argument("name")
@session
def show_model(here: Session, name: str) -> None:
    """Versions of a model, newest first."""
    found = here.workbench.experiments.model(name)
    page = {"items": found.versions, "shown": len(found.versions), "total": len(found.versions)}
    here.emit(found if here.as_json else page, columns=_VERSIONS)


@models.command
@click.argument("run")
@click.option("--model", required=True, help="Name of the model; made if there is none.")
@session
def register(here: Session, run: str, model: str) -> None:
    """Make a version of the model that a run logged."""
    here.emit(here.workbench.experiments.register(run, model=model))


@models.command
@click.argument("version", metavar="MODEL/VERSION")
@click.option("--alias", required=True, help="champion, candidate, or one of your own.")
@session
def promote(here: Session, version: str, alias: str) -> None:
    """Move an alias to a version; what was champion before is `rollback` from then on."""
    here.emit(here.workbench.experiments.promote(version, alias=alias))
