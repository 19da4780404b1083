"""`mlinfra pipelines …`"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ...core.display import state
from ...core.errors import BadRequest
from ...faces.cli import Noun, paged
from ...faces.parse import parameters
from ...faces.session import Ended, Failed, Session
from ...faces.words import counted
from .texts import texts_in

if TYPE_CHECKING:
    from ..spec import Backfill, StepRun

_typed = click.option(
    "-p",
    "--parameter",
    "typed",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the pipeline; may be repeated.",
)
_raw = click.option(
    "-r",
    "--raw",
    multiple=True,
    metavar="NAME=TEXT",
    help="A parameter that stays text, whatever it looks like.",
)


def _with_parameters[F: Callable[..., Any]](verb: F) -> F:
    """The options by which a verb takes values for parameters."""
    return _typed(_raw(verb))


pipelines = Noun("pipelines", "Notebooks in order: what has not changed is taken from the cache.")


@pipelines.verb("list")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Pipelines by name."""
    return session.bench.pipelines.list(**options)


@pipelines.verb("show")
@click.argument("name")
def _show(session: Session, name: str) -> Any:
    """A pipeline's steps and newest runs."""
    return session.bench.pipelines.show(name)


@pipelines.verb("check")
@click.argument("name")
def _check(session: Session, name: str) -> Any:
    """Whether a pipeline (name or file) could run now."""
    return session.bench.pipelines.check(name)


@pipelines.verb("run")
@click.argument("name")
@_with_parameters
@click.option("--force", is_flag=True, help="Take nothing from the cache.")
@click.option(
    "--from",
    "from_step",
    metavar="STEP",
    help="Run this step and what depends on it; take the last results of the others.",
)
@click.option("--backend", metavar="B", help="Where jobs go whose step names no backend.")
@click.option("--no-wait", is_flag=True, help="Answer at once; it continues on its own.")
def _run(session: Session, name: str, typed: Any, raw: Any, no_wait: bool, **options: Any) -> Any:
    """Run a pipeline (name or file); exit 1 unless it succeeded."""
    say = _teller(session, no_wait)
    return _ended(
        session,
        session.bench.pipelines.run(
            name,
            parameters=_values(session, name, typed, raw),
            wait=not no_wait,
            on_step=say,
            **options,
        ),
    )


def _values(
    session: Session, pipeline: str, typed: Sequence[str], raw: Sequence[str]
) -> dict[str, Any]:
    """The parameters; one whose default in the file is text stays as it was typed, whatever it
    looks like.
    """
    return parameters(typed, raw, texts=texts_in(session.bench.project, pipeline) if typed else ())


def _teller(session: Session, no_wait: bool) -> Callable[[StepRun], None] | None:
    return None if no_wait else lambda step: session.say(_step_line(step))


def _step_line(step: StepRun) -> str:
    """A running step in the words of the table that follows. Why it runs is shown when it
    starts.
    """
    reason = f" ({step.reason})" if step.reason and step.state != "succeeded" else ""
    return f"{step.name}: {state(step.state)}{reason}"


@pipelines.verb("resume")
@click.argument("run")
@click.option("--no-wait", is_flag=True, help="Answer at once; it continues on its own.")
def _resume(session: Session, run: str, no_wait: bool) -> Any:
    """Continue a run whose driver ended."""
    return _ended(session, session.bench.pipelines.resume(run, wait=not no_wait))


@pipelines.verb("repair")
@click.argument("run")
@click.option("--backend", metavar="B", help="Where jobs go; default: where those of the run went.")
@click.option("--no-wait", is_flag=True, help="Answer at once; it continues on its own.")
def _repair(session: Session, run: str, backend: str | None, no_wait: bool) -> Any:
    """Run what failed in a run, and what depends on it, as a new run; the rest is taken from it."""
    return _ended(
        session,
        session.bench.pipelines.repair(
            run, backend=backend, wait=not no_wait, on_step=_teller(session, no_wait)
        ),
    )


@pipelines.verb("explain")
@click.argument("step", metavar="PIPELINE/STEP")
@_with_parameters
def _explain(session: Session, step: str, typed: Any, raw: Any) -> Any:
    """Why a step would run again now, or that it would not."""
    return session.bench.pipelines.explain(
        step, parameters=_values(session, step.rpartition("/")[0], typed, raw)
    )


@pipelines.verb("backfill")
@click.argument("name")
@click.option(
    "--from", "first", required=True, metavar="DATE", help="First date, such as 2026-11-01."
)
@click.option("--to", "last", required=True, metavar="DATE", help="Last date, included.")
@click.option(
    "--every", type=click.Choice(["day", "week", "month"]), default="day", show_default=True
)
@_with_parameters
@click.option(
    "--parallel",
    type=click.IntRange(1, 100),
    default=4,
    show_default=True,
    help="Most dates at the same time, if they write different things.",
)
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Answer at once; it continues on its own.")
def _backfill(
    session: Session,
    name: str,
    typed: Any,
    raw: Any,
    dry_run: bool,
    yes: bool,
    no_wait: bool,
    **options: Any,
) -> Any:
    """Run a pipeline once for each date of a range; a date that succeeded and has not changed is
    skipped.
    """
    service, values = session.bench.pipelines, _values(session, name, typed, raw)
    if dry_run:
        return service.backfill(name, parameters=values, dry_run=True, **options)
    if not yes and not session.json:
        plan = service.backfill(name, parameters=values, dry_run=True, **options)
        if plan.runs:
            _ask(session, plan)
    say = (
        None
        if no_wait
        else lambda run: session.say(f"{run.date}: {state(run.state)} (run {run.run})")
    )
    done = service.backfill(name, parameters=values, wait=not no_wait, on_run=say, **options)
    failed = [item for item in done.dates if item.state in ("failed", "cancelled")]
    if no_wait or not failed:
        return done
    why = (
        f"{len(failed)} of {counted(done.runs, 'date')}:"
        f" {', '.join(item.date for item in failed[:5])}{' …' if len(failed) > 5 else ''}."
    )
    return Ended(
        done,
        error=Failed(
            f"The backfill of {done.pipeline} did not succeed.",
            why,
            f"mlinfra pipelines repair {failed[0].run}",
        ),
    )


def _ask(session: Session, plan: Backfill) -> None:
    """Ask for confirmation. Raises BadRequest if nobody can answer, and click's Abort for a no."""
    work = (
        f"{plan.runs} of {counted(len(plan.dates), 'date')}, {counted(plan.steps, 'step')} to run"
        f" and {plan.cached} from the cache"
    )
    if not sys.stdin.isatty():
        raise BadRequest(
            f"The backfill would run {work}.",
            "Nobody can be asked here.",
            "Use --yes, or only count with --dry-run.",
        )
    session.say(f"The backfill of {plan.pipeline} runs {work}. {plan.note}".strip())
    click.confirm("Start?", abort=True, err=True)


@pipelines.verb("export")
@click.argument("name")
@click.option("--to", type=click.Choice(["argo"]), default="argo", show_default=True)
@click.option("--image", help="Container image with papermill and what the notebooks import.")
@click.option(
    "--secret",
    metavar="NAME",
    help="Kubernetes Secret that holds the pipeline's secrets. Default: PIPELINE-secrets.",
)
@click.option(
    "--schedule",
    metavar="NAME",
    help=(
        "A CronWorkflow of this schedule: one of `schedules list`, or the pipeline's own name for"
        " that of its file."
    ),
)
@click.option("--output", metavar="FILE", help="Write it there instead of printing it.")
def _export(session: Session, name: str, **options: Any) -> Any:
    """A pipeline as a Workflow of Argo, or as a CronWorkflow."""
    return session.bench.pipelines.export(name, **options)


@pipelines.verb("propose")
@click.argument("notebooks", nargs=-1, required=True, metavar="NOTEBOOK…")
@click.option("--name", help="Of the pipeline; default that of their folder.")
@click.option("--save", is_flag=True, help="Write the file; without this it is only printed.")
def _propose(session: Session, notebooks: tuple[str, ...], name: str | None, save: bool) -> Any:
    """A first pipeline file for some notebooks: one step each, connected by what their code takes
    and makes.
    """
    return session.bench.pipelines.propose(notebooks, name=name, save=save)


@pipelines.verb("runs")
@click.argument("name", required=False)
@paged
def _runs(session: Session, name: str | None, **options: Any) -> Any:
    """Runs of a pipeline, or of all, newest first."""
    return session.bench.pipelines.runs(name, **options)


@pipelines.verb("status")
@click.argument("run")
def _status(session: Session, run: str) -> Any:
    """One run and its steps."""
    return session.bench.pipelines.show_run(run)


@pipelines.verb("cancel")
@click.argument("run")
def _cancel(session: Session, run: str) -> Any:
    """Stop a run and the jobs of its steps."""
    return session.bench.pipelines.cancel(run)


_ENDS = {"cancelled": "was cancelled"}


def _ended(session: Session, run: Any) -> Ended:
    if run.state in ("succeeded", "running"):
        return Ended(run)
    failed = [step for step in run.steps if step.state == "failed"]
    why = "; ".join(f"{step.name}: {step.reason}" for step in failed) or run.reason
    fix = (
        _where_to_look(session, failed[0])
        if failed and failed[0].job
        else f"mlinfra pipelines show {run.pipeline}"
    )
    return Ended(
        run,
        error=Failed(
            f"Pipeline {run.pipeline} {_ENDS.get(run.state, run.state)}.",
            f"{why.rstrip('.')}." if why else "",
            fix,
        ),
    )


def _where_to_look(session: Session, step: StepRun) -> str:
    """Where to look: the log of a job that succeeded does not say what its step failed to make."""
    if session.bench.jobs.show(str(step.job)).state == "succeeded":
        return (
            f"Write it there in the notebook of step {step.name}, or remove it from `out` in the"
            " pipeline's file."
        )
    return f"mlinfra jobs logs {step.job}"
