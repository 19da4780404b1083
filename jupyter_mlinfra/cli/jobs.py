"""`mlinfra jobs …`"""

from __future__ import annotations

import time
from typing import Any

import click

from ..core.errors import BadRequest, MLInfraError, Unavailable
from ..core.records import page_of
from .domain import Domain, paged
from .parse import pair, parameters
from .session import Ended, Failed, Session

jobs = Domain("jobs", "Notebooks and commands that run away from the kernel and outlive it.")

_SPOKEN = {"waiting": "queued"}
"""What tables call a state, to its name in records."""
FINAL = ("succeeded", "failed", "cancelled", "lost")
_FOLLOW_SECONDS = 0.3


class _Submit(click.Command):
    """`jobs submit OPTIONS -- COMMAND ARGUMENTS…`: what stands after `--` is the command, whatever it looks like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["command"] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


@jobs.verb("submit", cls=_Submit)
@click.argument("notebook", required=False)
@click.option("-p", "--parameter", "typed", multiple=True, metavar="NAME=VALUE", help="A parameter of the notebook; may be repeated.")
@click.option("-r", "--raw", multiple=True, metavar="NAME=TEXT", help="A parameter that stays text, whatever it looks like.")
@click.option("--name", default="", help="How lists call it.")
@click.option("--output", metavar="PATH", help="Where the executed notebook goes, below the project.")
@click.option("--cwd", metavar="FOLDER", help="Folder of the project that it runs in.")
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="Added to the environment; a secret as env:NAME or keyring:SERVICE/NAME.")
@click.option("--cpus", type=click.IntRange(0), default=1, show_default=True, help="Slots; 0 for a job that mostly waits.")
@click.option("--gpus", type=click.IntRange(0), default=0, show_default=True)
@click.option("--memory-gib", type=float, metavar="GIB")
@click.option("--time-limit", "time_limit_minutes", type=float, metavar="MINUTES")
@click.option("--priority", type=click.IntRange(0, 100), default=50, show_default=True, help="100 is first.")
@click.option("--retries", type=click.IntRange(0, 1000), default=0, show_default=True)
@click.option("--key", help="A second submit with the same key is the first job.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--wait", is_flag=True, help="Wait for its end; exit 1 unless it succeeded.")
def _submit(session: Session, typed: Any, raw: Any, environment: Any, labels: Any, wait: bool, **options: Any) -> Any:
    """Submit a notebook, or a command: `jobs submit train.ipynb -p depth=6`, `jobs submit -- python train.py`."""
    from ..jobs import JobSpec

    command = click.get_current_context().meta.get("command", ())
    notebook = options["notebook"]
    if notebook and not notebook.endswith(".ipynb") and not command:
        fix = f"A command stands after two dashes: mlinfra jobs submit -- {'python ' if notebook.endswith('.py') else ''}{notebook}"
        raise BadRequest(f"{notebook} is no notebook.", "The name of a notebook ends with .ipynb.", fix)
    spec = JobSpec(command=command, parameters=parameters(typed, raw), environment=dict(map(pair, environment)), labels=dict(map(pair, labels)), **options)
    job = session.bench.jobs.submit(spec)
    if not wait:
        return job
    session.say(f"job {job.id} is {job.state}")
    (job,) = session.bench.jobs.wait([job.id])
    return Ended(job, error=_failure([job]))


@jobs.verb("list")
@click.option("--state", metavar="STATE", help="Only in this state.")
@click.option("--label", metavar="NAME=VALUE", help="Only with this label.")
@paged
def _list(session: Session, label: str | None, state: str | None, **options: Any) -> Any:
    """Jobs, newest first."""
    return session.bench.jobs.list(label=pair(label) if label else None, state=_SPOKEN.get(state or "", state), **options)


@jobs.verb("show")
@click.argument("id")
def _show(session: Session, id: str) -> Any:
    """What is known of a job; a unique beginning of its id is enough."""
    return session.bench.jobs.show(id)


@jobs.verb("logs")
@click.argument("id")
@click.option("-f", "--follow", is_flag=True, help="Go on until it ends.")
@click.option("--tail", type=click.IntRange(1), metavar="LINES", help="Only the last lines.")
def _logs(session: Session, id: str, follow: bool, tail: int | None) -> Any:
    """What a job wrote."""
    service = session.bench.jobs
    chunk = service.logs(id, tail=tail)
    text = [chunk.text]
    _write(session, chunk.text)
    more = chunk.next < chunk.size
    while more or (follow and not chunk.ended):
        if not more:
            time.sleep(_FOLLOW_SECONDS)
        start = chunk.next
        chunk = service.logs(id, offset=start)
        more = start < chunk.next < chunk.size  # the beginning of a letter is kept back until all of it is written
        text.append(chunk.text)
        _write(session, chunk.text)
    if chunk.note:
        click.echo(chunk.note, err=True)
    return Ended({"id": id, "text": "".join(text), "next": chunk.next, "size": chunk.size, "ended": chunk.ended, "note": chunk.note}, silent=True)


@jobs.verb("cancel")
@click.argument("id")
def _cancel(session: Session, id: str) -> Any:
    """Stop a job and everything that it started."""
    return session.bench.jobs.cancel(id)


@jobs.verb("wait")
@click.argument("ids", nargs=-1, required=True)
@click.option("--timeout", type=float, metavar="SECONDS")
def _wait(session: Session, ids: tuple[str, ...], timeout: float | None) -> Any:
    """Wait for jobs to end; exit 1 unless all succeeded."""
    found = session.bench.jobs.wait(ids, timeout=timeout)
    return Ended(page_of(found, limit=500), error=_failure(found))


@jobs.verb("compute")
def _compute(session: Session) -> Any:
    """What the backend has, and who holds it."""
    return session.bench.jobs.compute()


@jobs.verb("parameters")
@click.argument("notebook")
def _parameters(session: Session, notebook: str) -> Any:
    """The parameters that a notebook takes."""
    return list(session.bench.jobs.parameters(notebook))


@jobs.verb("supervisor")
@click.argument("action", required=False, type=click.Choice(["start", "stop"]))
def _supervisor(session: Session, action: str | None) -> Any:
    """The process that watches over local jobs; a submit starts it by itself."""
    service = session.bench.jobs
    if action == "stop":
        return service.stop()
    return service.start() if action == "start" else service.supervisor()


def _write(session: Session, text: str) -> None:
    if not session.json:
        print(text, end="", flush=True)


def _failure(found: Any) -> MLInfraError | None:
    """Why a wait for these jobs is no success; None when all succeeded."""
    running = [job.id for job in found if job.state not in FINAL]
    if running:
        return Unavailable(f"{len(running)} of {len(found)} jobs have not ended.", f"{', '.join(running)}.", "Wait longer: jobs wait ID --timeout SECONDS")
    failed = [job for job in found if job.state != "succeeded"]
    if not failed:
        return None
    why = "; ".join(f"{job.id} {job.state}: {job.reason.rstrip('.')}" if job.reason else f"{job.id} {job.state}" for job in failed)
    return Failed(f"{len(failed)} of {len(found)} jobs did not succeed.", f"{why}.", f"mlinfra jobs logs {failed[0].id}")
