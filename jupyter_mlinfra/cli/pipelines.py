"""`mlinfra pipelines …`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..core.display import state
from .domain import Domain, paged
from .parse import parameters
from .session import Ended, Failed, Session

if TYPE_CHECKING:
    from ..pipelines.spec import StepRun

pipelines = Domain("pipelines", "Notebooks in order: what has not changed is taken from the cache.")


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
@click.option("-p", "--parameter", "typed", multiple=True, metavar="NAME=VALUE", help="A parameter of the pipeline; may be repeated.")
@click.option("-r", "--raw", multiple=True, metavar="NAME=TEXT", help="A parameter that stays text, whatever it looks like.")
@click.option("--force", is_flag=True, help="Take nothing from the cache.")
@click.option("--no-wait", is_flag=True, help="Answer at once; it goes on by itself.")
def _run(session: Session, name: str, typed: Any, raw: Any, force: bool, no_wait: bool) -> Any:
    """Run a pipeline (name or file); exit 1 unless it succeeded."""
    say = None if no_wait else lambda step: session.say(_told(step))
    return _ended(session.bench.pipelines.run(name, parameters=parameters(typed, raw), force=force, wait=not no_wait, on_step=say))


def _told(step: StepRun) -> str:
    """A step on its way, in the words of the table that follows. Why it ran is told when it begins."""
    return f"{step.name}: {state(step.state)}{f' ({step.reason})' if step.reason and step.state != 'succeeded' else ''}"


@pipelines.verb("resume")
@click.argument("run")
@click.option("--no-wait", is_flag=True, help="Answer at once; it goes on by itself.")
def _resume(session: Session, run: str, no_wait: bool) -> Any:
    """Go on with a run whose driver ended."""
    return _ended(session.bench.pipelines.resume(run, wait=not no_wait))


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


def _ended(run: Any) -> Ended:
    if run.state in ("succeeded", "running"):
        return Ended(run)
    failed = [step for step in run.steps if step.state == "failed"]
    why = "; ".join(f"{step.name}: {step.reason}" for step in failed) or run.reason
    fix = f"mlinfra jobs logs {failed[0].job}" if failed and failed[0].job else f"mlinfra pipelines show {run.pipeline}"
    return Ended(run, error=Failed(f"Pipeline {run.pipeline} ended {run.state}.", f"{why.rstrip('.')}." if why else "", fix))
