"""`mlinfra jobs …`"""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from ..core.errors import BadRequest
from .session import Session, assignments, paging, session

_COLUMNS = {"job": "id", "state": "state", "name": "name", "gpus": "gpus", "elapsed s": "elapsed_seconds", "progress": "progress", "reason": "reason"}
_FOLLOW_SECONDS = 0.5


@click.group
def jobs() -> None:
    """Notebooks and commands away from the kernel."""


@jobs.command
@click.argument("notebook", required=False)
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Parameter of the notebook; may be repeated.")
@click.option("--name", default="", help="Default: that of the notebook or program.")
@click.option("--gpus", type=click.IntRange(0), default=0, show_default=True)
@click.option("--cpus", type=click.IntRange(1), default=1, show_default=True)
@click.option("--memory-gib", type=float)
@click.option("--time-limit", "time_limit_minutes", type=float, metavar="MINUTES")
@click.option("--priority", type=click.IntRange(0, 100), default=50, show_default=True)
@click.option("--retries", type=click.IntRange(0), default=0, show_default=True)
@click.option("--key", help="A second submit with the same key answers with the first job.")
@click.option("--output", help="Where the executed notebook goes.")
@session
def submit(here: Session, notebook: str | None, parameters: tuple[str, ...], **options: Any) -> None:
    """Submit NOTEBOOK, or a command: `mlinfra jobs submit [OPTIONS] -- COMMAND ARGUMENTS…`"""
    from ..jobs import JobSpec

    spec = JobSpec(notebook=notebook, command=list(here.tail), parameters=assignments(parameters), **options)
    here.emit(here.workbench.jobs.submit(spec))


@jobs.command("list")
@click.option("--state", help="Only jobs in this state.")
@paging
@session
def list_(here: Session, state: str | None, limit: int, cursor: str | None) -> None:
    """Jobs, newest first."""
    here.emit(here.workbench.jobs.list(state=state, limit=limit, cursor=cursor), columns=_COLUMNS)


@jobs.command
@click.argument("job")
@session
def show(here: Session, job: str) -> None:
    """What is known of a job."""
    here.emit(here.workbench.jobs.show(job))


@jobs.command
@click.argument("job")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@click.option("--tail", type=click.IntRange(1), help="Only the last lines.")
@session
def logs(here: Session, job: str, follow: bool, tail: int | None) -> None:
    """The log of a job."""
    if here.as_json and follow:
        raise BadRequest("--json and --follow do not go together.", "JSON is one value at the end.", "Leave one of them out.")
    chunk = here.workbench.jobs.logs(job, tail=tail)
    if here.as_json:
        here.emit(chunk)
        return
    click.echo(chunk.text, nl=False)
    while chunk.next < chunk.size or (follow and not chunk.ended):
        if chunk.next >= chunk.size:
            time.sleep(_FOLLOW_SECONDS)
        chunk = here.workbench.jobs.logs(job, offset=chunk.next)
        click.echo(chunk.text, nl=False)
        sys.stdout.flush()


@jobs.command
@click.argument("job")
@session
def cancel(here: Session, job: str) -> None:
    """Stop a job and everything that it started."""
    here.emit(here.workbench.jobs.cancel(job))


@jobs.command
@click.argument("ids", nargs=-1, required=True, metavar="JOB…")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS")
@session
def wait(here: Session, ids: tuple[str, ...], timeout: float | None) -> None:
    """Wait until all these jobs have ended; exit code 1 if one did not succeed."""
    found = here.workbench.jobs.wait(ids, timeout=timeout)
    here.emit({"items": found, "shown": len(found), "total": len(found)}, columns=_COLUMNS)
    click.get_current_context().exit(int(any(job.state != "succeeded" for job in found)))


@jobs.command
@session
def supervisor(here: Session) -> None:
    """The process that runs this project's jobs."""
    here.emit(here.workbench.jobs.supervisor())


@jobs.command
@session
def compute(here: Session) -> None:
    """GPUs, CPUs and memory, and who holds them."""
    here.emit(here.workbench.jobs.compute())


@jobs.command
@click.argument("notebook")
@session
def parameters(here: Session, notebook: str) -> None:
    """Names, types and defaults of a notebook's `parameters` cell."""
    found = here.workbench.jobs.parameters(notebook)
    here.emit({"items": found, "shown": len(found), "total": len(found)}, columns={"name": "name", "type": "type", "default": "default"})
