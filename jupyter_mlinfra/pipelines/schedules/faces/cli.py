"""`mlinfra schedules …`"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ....faces.cli import Noun, paged
from ....faces.parse import moment, parameters, span
from ....faces.paths import in_project, pipeline_in_project
from ....faces.session import Session
from ....jobs import need_options, needs_of
from ...faces.texts import texts_in

schedules = Noun(
    "schedules", "Pipelines and jobs that start on a schedule, with or without a server."
)


class _Command(click.Command):
    """`… OPTIONS -- COMMAND ARGUMENTS…`: everything after `--` is the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["command"] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


def _facts(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a schedule."""
    options = (
        click.option(
            "--cron",
            metavar="TEXT",
            help="Minute, hour, day of the month, month, day of the week: '0 6 * * 1-5'.",
        ),
        click.option("--tz", metavar="ZONE", help="Time zone, such as Europe/Paris. Default: UTC."),
        click.option("--pipeline", metavar="NAME", help="Pipeline (name or file) to run."),
        click.option(
            "--notebook", metavar="PATH", help="Notebook to run as a job, instead of a pipeline."
        ),
        click.option(
            "-p",
            "--parameter",
            "typed",
            multiple=True,
            metavar="NAME=VALUE",
            help="May contain {{ date }} and {{ due }}; may be repeated.",
        ),
        click.option(
            "-r",
            "--raw",
            multiple=True,
            metavar="NAME=TEXT",
            help="A parameter that stays text, whatever it looks like.",
        ),
        click.option(
            "--catchup",
            type=click.Choice(["latest", "all", "none"]),
            help="Which missed due times are run. Default: latest.",
        ),
        click.option(
            "--grace", metavar="SPAN", help="How old those may be: 90s, 30min, 6h, 2d. Default: 6h."
        ),
        click.option(
            "--overlap",
            type=click.Choice(["skip", "queue", "cancel"]),
            help="While the previous run is running. Default: skip.",
        ),
        need_options(usual=False),
    )
    for option in reversed(options):
        function = option(function)
    return function


@schedules.verb("list")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Schedules by name, with their next due times and how many were missed."""
    return session.bench.schedules.list(**options)


@schedules.verb("show")
@click.argument("name")
def _show(session: Session, name: str) -> Any:
    """One schedule."""
    return session.bench.schedules.show(name)


@schedules.verb("create", cls=_Command)
@click.argument("name")
@_facts
def _create(session: Session, name: str, **options: Any) -> Any:
    """A schedule for a pipeline (default: the one of its name), a notebook, or a command after
    `--`.

    Without --cron it is the `schedule:` of the pipeline's file.
    """
    return session.bench.schedules.create(name, **_fields_given(session, name, options))


@schedules.verb("update", cls=_Command)
@click.argument("name")
@_facts
def _update(session: Session, name: str, **options: Any) -> Any:
    """Change the given fields of a schedule; new times count from now on."""
    return session.bench.schedules.update(
        name, **_fields_given(session, _pipeline_of(session, name, options), options)
    )


@schedules.verb("pause")
@click.argument("name")
def _pause(session: Session, name: str) -> Any:
    """Start nothing until `resume`; what runs continues."""
    return session.bench.schedules.pause(name)


@schedules.verb("resume")
@click.argument("name")
def _resume(session: Session, name: str) -> Any:
    """Continue with the next due time; those during the pause are not caught up."""
    return session.bench.schedules.resume(name)


@schedules.verb("run-now")
@click.argument("name")
@click.option(
    "--due",
    metavar="TIME",
    help="For this due time, such as a missed one: ISO 8601; without a zone it is UTC.",
)
def _run_now(session: Session, name: str, due: str | None) -> Any:
    """Start it at once."""
    return session.bench.schedules.run_now(name, due=moment(due))


@schedules.verb("delete")
@click.argument("name")
def _delete(session: Session, name: str) -> Any:
    """Delete a schedule and its history; what it started continues."""
    session.bench.schedules.delete(name)
    return {"deleted": name}


@schedules.verb("history")
@click.argument("name")
@paged
def _history(session: Session, name: str, **options: Any) -> Any:
    """What happened at each due time, newest first."""
    return session.bench.schedules.history(name, **options)


@schedules.verb("preview")
@click.argument("cron")
@click.option("--tz", metavar="ZONE", default="UTC", show_default=True)
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True)
def _preview(session: Session, cron: str, tz: str, count: int) -> Any:
    """The next due times of a cron text, before there is a schedule."""
    return session.bench.schedules.preview(cron, tz=tz, count=count)


def _pipeline_of(session: Session, name: str, options: dict[str, Any]) -> str:
    """What a schedule starts at present, if its parameters must be read."""
    return (
        session.bench.schedules.show(name).pipeline or ""
        if options["typed"] and not options["pipeline"]
        else ""
    )


def _fields_given(session: Session, pipeline: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options as fields of a schedule, without those that were not given."""
    command = click.get_current_context().meta.get("command", ())
    needs = {need.name: options.pop(need.name) for need in needs_of()}
    job = {name: value for name, value in needs.items() if value is not None}
    if notebook := options.pop("notebook"):
        job["notebook"] = in_project(session.bench.project.root, notebook)
    if options["pipeline"]:
        options["pipeline"] = pipeline_in_project(session.bench.project.root, options["pipeline"])
    if command:
        job["command"] = list(command)
    grace = span(options.pop("grace"))
    facts = {
        key: options[key]
        for key in ("cron", "tz", "pipeline", "catchup", "overlap")
        if options[key] is not None
    }
    texts = (
        texts_in(session.bench.project, options["pipeline"] or pipeline)
        if options["typed"] and not job
        else ()
    )
    if values := parameters(options["typed"], options["raw"], texts=texts):
        facts["parameters"] = values
    if grace is not None:
        facts["grace_seconds"] = grace.total_seconds()
    return facts | ({"job": job} if job else {})
