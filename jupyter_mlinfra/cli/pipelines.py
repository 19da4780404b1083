"""`mlinfra pipelines …`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .session import Session, assignments, paging, session

if TYPE_CHECKING:
    from ..pipelines.spec import StepRun

_RUNS = {"run": "run", "pipeline": "pipeline", "state": "state", "started": "started_at", "ended": "ended_at", "user": "user", "reason": "reason"}


@click.group
def pipelines() -> None:
    """Notebooks in order, with a cache."""


@pipelines.command("list")
@paging
@session
def list_(here: Session, limit: int, cursor: str | None) -> None:
    """Pipelines of the project."""
    here.emit(
        here.workbench.pipelines.list(limit=limit, cursor=cursor),
        columns={"pipeline": "name", "steps": "steps", "last": "last", "file": "path", "problem": "problem"},
    )


@pipelines.command
@click.argument("name")
@session
def show(here: Session, name: str) -> None:
    """Steps and newest runs of a pipeline."""
    here.emit(here.workbench.pipelines.show(name))


@pipelines.command
@click.argument("path")
@session
def check(here: Session, path: str) -> None:
    """Read a pipeline file and say what is wrong with it, with the line."""
    here.emit(here.workbench.pipelines.check(path))


@pipelines.command
@click.argument("name")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE")
@click.option("--force", is_flag=True, help="Run every step, whatever the cache says.")
@click.option("--no-wait", is_flag=True, help="Answer at once; the run goes on by itself.")
@session
def run(here: Session, name: str, parameters: tuple[str, ...], force: bool, no_wait: bool) -> None:
    """Run a pipeline by name or file; exit code 1 if it did not succeed."""

    def say(step: StepRun) -> None:
        here.say(f"{step.state:10s} {step.name}  {step.reason}".rstrip())

    found = here.workbench.pipelines.run(name, parameters=assignments(parameters), force=force, wait=not no_wait, on_step=say)
    here.emit(found)
    click.get_current_context().exit(int(found.state in ("failed", "cancelled")))


@pipelines.command
@click.argument("run_id", metavar="RUN")
@session
def resume(here: Session, run_id: str) -> None:
    """Go on with a run whose driver was killed; what it has done is not done again."""
    here.emit(here.workbench.pipelines.resume(run_id))


@pipelines.command
@click.argument("name", required=False)
@paging
@session
def runs(here: Session, name: str | None, limit: int, cursor: str | None) -> None:
    """Runs of a pipeline or of all, newest first."""
    here.emit(here.workbench.pipelines.runs(name, limit=limit, cursor=cursor), columns=_RUNS)


@pipelines.command
@click.argument("run_id", metavar="RUN")
@session
def cancel(here: Session, run_id: str) -> None:
    """Stop a run and its jobs."""
    here.emit(here.workbench.pipelines.cancel(run_id))
