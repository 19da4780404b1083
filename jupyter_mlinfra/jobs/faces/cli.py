"""`mlinfra jobs …`"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from ...core.errors import BadRequest, MLInfraError, NotFound, Unavailable
from ...core.records import PAGE_LIMIT, now, page_of, to_json
from ...faces.cli import Noun, paged
from ...faces.parse import pair, parameters
from ...faces.paths import check_files, in_project
from ...faces.session import Ended, Failed, Session
from .. import needs_of
from .foreground import open_shell, print_log
from .options import need_options
from .submit_command import SubmitCommand, check_notebook, read_array

jobs = Noun("jobs", "Notebooks and commands that run away from the kernel and outlive it.")

FINAL = ("succeeded", "failed", "cancelled", "lost")


@jobs.verb("submit", cls=SubmitCommand)
@click.argument("notebook", required=False)
@click.option(
    "-p",
    "--parameter",
    "typed",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the notebook; may be repeated.",
)
@click.option(
    "-r",
    "--raw",
    multiple=True,
    metavar="NAME=TEXT",
    help="A parameter that stays text, whatever it looks like.",
)
@click.option("--name", default="", help="Its name in lists.")
@click.option(
    "--output", metavar="PATH", help="Where the executed notebook goes, below the project."
)
@click.option("--cwd", metavar="FOLDER", help="Folder of the project that it runs in.")
@click.option(
    "--env",
    "environment",
    multiple=True,
    metavar="NAME=VALUE",
    help="Added to the environment; a secret as env:NAME or keyring:SERVICE/NAME.",
)
@need_options()
@click.option(
    "--after",
    multiple=True,
    metavar="ID",
    help="Start once this job has succeeded; may be repeated.",
)
@click.option(
    "--array",
    "array_file",
    type=click.Path(dir_okay=False),
    metavar="FILE.json",
    help="A list of mappings: one job each, with these parameters.",
)
@click.option(
    "--max-parallel", type=click.IntRange(1), metavar="K", help="Elements of the array at a time."
)
@click.option("--checkpoints", metavar="FOLDER", help="Folder of the project for its checkpoints.")
@click.option("--key", help="A second submit with the same key is the first job.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--wait", is_flag=True, help="Wait for its end; exit 1 unless it succeeded.")
def _submit(
    session: Session,
    typed: Any,
    raw: Any,
    environment: Any,
    labels: Any,
    array_file: str | None,
    wait: bool,
    **options: Any,
) -> Any:
    """Submit a notebook, or a command: `jobs submit train.ipynb -p depth=6`, `jobs submit -- python
    train.py`.
    """
    from .. import JobSpec

    array = read_array(array_file) if array_file else ()

    command = click.get_current_context().meta.get("command", ())
    notebook = options["notebook"]
    if notebook and not command:
        check_notebook([notebook])
    if command and options["cwd"] is None:
        check_files(session.bench.project.root, command)
    if notebook:
        options["notebook"] = in_project(session.bench.project.root, notebook)
    spec = JobSpec(
        command=command,
        parameters=parameters(typed, raw),
        environment=dict(map(pair, environment)),
        labels=dict(map(pair, labels)),
        array=array,
        **options,
    )
    job = session.bench.jobs.submit(spec)
    if not wait:
        return _with_elements(session, job)
    session.say(f"job {job.id} is {job.state}")
    ended = session.bench.jobs.wait([job.id])
    return Ended(
        session.bench.jobs.show(job.id) if job.array is not None else ended[0],
        error=_failure(ended),
    )


def _with_elements(session: Session, job: Any) -> Any:
    """For scripts, the answer to a submit names an array's elements beside its id."""
    return (
        {**to_json(job), "elements": list(job.array.elements) if job.array is not None else []}
        if session.json
        else job
    )


@jobs.verb("list")
@click.option("--array", metavar="ID", help="The elements of this array.")
@click.option("--state", metavar="STATE", help="Only in this state.")
@click.option("--label", metavar="NAME=VALUE", help="Only with this label.")
@paged
def _list(session: Session, label: str | None, state: str | None, **options: Any) -> Any:
    """Jobs, newest first."""
    return session.bench.jobs.list(label=pair(label) if label else None, state=state, **options)


@jobs.verb("show")
@click.argument("id")
def _show(session: Session, id: str) -> Any:
    """What is known about a job; a unique beginning of its id is enough."""
    return session.bench.jobs.show(id)


@jobs.verb("logs")
@click.argument("id")
@click.option("-f", "--follow", is_flag=True, help="Continue until it ends.")
@click.option("--tail", type=click.IntRange(1), metavar="LINES", help="Only the last lines.")
@click.option(
    "--search",
    metavar="TEXT",
    help="Only the lines that contain this, ignoring case, with their numbers.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, PAGE_LIMIT),
    default=50,
    show_default=True,
    help="Most lines to find.",
)
@click.option("--cursor", help="Continue from the `cursor` of the previous answer.")
def _logs(
    session: Session,
    id: str,
    follow: bool,
    tail: int | None,
    search: str | None,
    limit: int,
    cursor: str | None,
) -> Any:
    """What a job wrote."""
    service = session.bench.jobs
    if search is not None:
        if follow or tail is not None:
            raise BadRequest(
                "--search looks through the whole log.",
                "It cannot follow or start at the end.",
                "Leave --follow and --tail out.",
            )
        return service.search_logs(id, search, limit=limit, cursor=cursor)
    return print_log(session, id, follow=follow, tail=tail)


@jobs.verb("attach")
@click.argument("id")
def _attach(session: Session, id: str) -> Any:
    """A shell in the environment of a job: its code, its GPUs, its variables. With --json only how
    it would be started.
    """
    return open_shell(session, id)


@jobs.verb("code")
@click.argument("id")
def _code(session: Session, id: str) -> Any:
    """The code snapshot that a job runs from, with what was left out."""
    return _of_code(session.bench.jobs.code(id), id)


@jobs.verb("diff")
@click.argument("id")
@click.option(
    "--limit",
    type=click.IntRange(1, 4_000_000),
    default=200_000,
    show_default=True,
    help="Most bytes.",
)
def _diff(session: Session, id: str, limit: int) -> Any:
    """How the code that a job runs from differs from the commit."""
    return _of_code(session.bench.jobs.diff(id, limit=limit), id)


def _of_code(found: Any, id: str) -> Any:
    if found is None:
        raise NotFound(
            f"Job {id} has no code snapshot.",
            "It runs no file of the project.",
            f"mlinfra jobs show {id}",
        )
    return found


@jobs.verb("preview")
@click.argument("notebook")
@click.option(
    "--limit",
    type=click.IntRange(1, PAGE_LIMIT),
    default=50,
    show_default=True,
    help="Most files per list.",
)
def _preview(session: Session, notebook: str, limit: int) -> Any:
    """What the code snapshot of a notebook would contain if it were submitted now."""
    return session.bench.jobs.preview(in_project(session.bench.project.root, notebook), limit=limit)


_several = click.argument("ids", nargs=-1, required=True, metavar="ID…")


def _each(act: Callable[[str], Any], ids: Sequence[str]) -> Any:
    """One job's record, or a list of them. A refusal does not stop the others; the first refusal is
    the outcome.
    """
    if len(ids) == 1:
        return act(ids[0])
    done, refused = [], list[MLInfraError]()
    for id in ids:
        try:
            done.append(act(id))
        except MLInfraError as error:
            refused.append(error)
    if len(refused) == len(ids):
        raise refused[0]
    return Ended(page_of(done, limit=PAGE_LIMIT), error=refused[0] if refused else None)


@jobs.verb("cancel")
@_several
def _cancel(session: Session, ids: tuple[str, ...]) -> Any:
    """Stop jobs and everything that they started; a line reports those that have already ended."""

    def cancel(id: str) -> Any:
        asked = now()
        job = session.bench.jobs.cancel(id)
        if job.state in FINAL and job.ended_at is not None and job.ended_at < asked:
            session.say(f"Job {job.id} had ended before: {job.state}.")
        return job

    return _each(cancel, ids)


@jobs.verb("requeue")
@_several
def _requeue(session: Session, ids: tuple[str, ...]) -> Any:
    """Start jobs again under their ids, from their checkpoints: those that run, failed, were
    cancelled or lost.
    """
    return _each(session.bench.jobs.requeue, ids)


@jobs.verb("restore")
@_several
def _restore(session: Session, ids: tuple[str, ...]) -> Any:
    """Undo the cancel of jobs: they are queued again in their places, and so is everything that was
    cancelled with them.
    """
    return _each(session.bench.jobs.restore, ids)


@jobs.verb("hold")
@_several
def _hold(session: Session, ids: tuple[str, ...]) -> Any:
    """Keep waiting jobs from starting."""
    return _each(session.bench.jobs.hold, ids)


@jobs.verb("release")
@_several
def _release(session: Session, ids: tuple[str, ...]) -> Any:
    """Let held jobs start."""
    return _each(session.bench.jobs.release, ids)


@jobs.verb("priority")
@click.argument("id")
@click.argument("priority", type=click.IntRange(0, 100))
def _priority(session: Session, id: str, priority: int) -> Any:
    """Move a waiting job in the queue: 100 is first."""
    return session.bench.jobs.prioritize(id, priority)


@jobs.verb("clone")
@click.argument("id")
@click.option(
    "-p",
    "--parameter",
    "typed",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter that differs; may be repeated.",
)
@click.option("-r", "--raw", multiple=True, metavar="NAME=TEXT", help="The same, as text.")
@click.option("--same-code", is_flag=True, help="With the code of that time, not the present code.")
@need_options(usual=False, more="0 for none.")
@click.option(
    "--after",
    multiple=True,
    metavar="ID",
    help="Start once this job has succeeded; may be repeated.",
)
@click.option("--name")
def _clone(session: Session, id: str, typed: Any, raw: Any, same_code: bool, **changes: Any) -> Any:
    """Submit another job, or array, like an earlier one; what is not given is as in the
    original.
    """
    changed = {name: value for name, value in changes.items() if value not in (None, ())}
    optional = [need.name for need in needs_of() if need.optional]
    changed |= {name: None for name in optional if changed.get(name) in (0, "")}
    values = parameters(typed, raw)
    if values:
        changed["parameters"] = values
    return session.bench.jobs.clone(id, same_code=same_code, **changed)


@jobs.verb("queue")
@paged
def _queue(session: Session, limit: int, cursor: str | None) -> Any:
    """Running jobs, then waiting jobs in the order in which they may start, and why. With --json
    only waiting ones.
    """
    service = session.bench.jobs
    waiting = service.queue(limit=limit, cursor=cursor)
    if session.json:
        return waiting
    if cursor is None and (running := service.list(state="running", limit=limit)).total:
        click.echo(f"Running\n{session.text(running)}\n\nWaiting")
    if not waiting.total:
        click.echo("Nothing waits.")
        return Ended(waiting, silent=True)
    return waiting


@jobs.verb("attempts")
@click.argument("id")
@paged
def _attempts(session: Session, id: str, **options: Any) -> Any:
    """Every start of a job, newest first."""
    return session.bench.jobs.attempts(id, **options)


@jobs.verb("resources")
@click.argument("id")
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=900.0, show_default=True
)
def _resources(session: Session, id: str, seconds: float) -> Any:
    """What a job used lately: CPU, memory, GPUs."""
    return session.bench.jobs.resources(id, seconds=seconds)


@jobs.verb("wait")
@click.argument("ids", nargs=-1, required=True)
@click.option("--timeout", type=float, metavar="SECONDS")
def _wait(session: Session, ids: tuple[str, ...], timeout: float | None) -> Any:
    """Wait for jobs to end; exit 1 unless all succeeded."""
    found = session.bench.jobs.wait(ids, timeout=timeout)
    return Ended(page_of(found, limit=500), error=_failure(found))


@jobs.verb("compute")
@click.option("--backend", metavar="NAME", help="Default: that of the settings.")
def _compute(session: Session, backend: str | None) -> Any:
    """What a backend has, and who uses it."""
    return session.bench.jobs.compute(backend)


@jobs.verb("parameters")
@click.argument("notebook")
def _parameters(session: Session, notebook: str) -> Any:
    """The parameters that a notebook takes."""
    return list(session.bench.jobs.parameters(in_project(session.bench.project.root, notebook)))


@jobs.verb("values")
@click.argument("id")
def _values(session: Session, id: str) -> Any:
    """The parameters that a job ran with, including defaults."""
    return list(session.bench.jobs.values(id))


@jobs.verb("backends")
def _backends(session: Session) -> Any:
    """Where jobs can run; `--backend` of a submit takes one."""
    return list(session.bench.jobs.backends())


@jobs.verb("supervisor")
@click.argument("action", required=False, type=click.Choice(["start", "stop"]))
def _supervisor(session: Session, action: str | None) -> Any:
    """The process that runs local jobs; a submit starts it automatically."""
    service = session.bench.jobs
    if action == "stop":
        return service.stop()
    return service.start() if action == "start" else service.supervisor()


def _failure(found: Any) -> MLInfraError | None:
    """Why a wait for these jobs failed; None if all succeeded."""
    running = [job.id for job in found if job.state not in FINAL]
    if running:
        return Unavailable(
            f"{len(running)} of {len(found)} jobs have not ended.",
            f"{', '.join(running)}.",
            "Wait longer: jobs wait ID --timeout SECONDS",
        )
    failed = [job for job in found if job.state != "succeeded"]
    if not failed:
        return None
    why = "; ".join(
        f"{job.id} {job.state}: {job.reason.rstrip('.')}" if job.reason else f"{job.id} {job.state}"
        for job in failed
    )
    return Failed(
        f"{len(failed)} of {len(found)} jobs did not succeed.",
        f"{why}.",
        f"mlinfra jobs logs {failed[0].id}",
    )
