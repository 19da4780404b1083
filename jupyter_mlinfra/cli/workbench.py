"""Verbs without a domain: `mlinfra status`, `search`, `up`, `down`, `init`, and `mlinfra project
…`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from ..core.domains import kind_names
from ..core.errors import MLInfraError
from ..core.records import every, page_of
from ..faces.cli import Noun
from ..faces.session import Ended, Session

top = Noun("mlinfra", "The workbench.")
project = Noun("project", "The project card and its targets.")


@top.verb("status")
def _status(session: Session) -> Any:
    """How much of everything there is."""
    return session.bench.status()


class _KindName(click.ParamType[str]):
    """A kind of references. Its choices are read when it is used: they import the domains of other
    packages.
    """

    name = "kind"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return click.Choice(kind_names()).convert(value, param, ctx)


@top.verb("search")
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=_KindName(),
    metavar="KIND",
    help="Only of this kind; may be repeated.",
)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def _search(session: Session, words: tuple[str, ...], kinds: tuple[str, ...], limit: int) -> Any:
    """Find objects of every domain by name, column, tag, owner or note."""
    return session.bench.search(" ".join(words), kinds=kinds, limit=limit)


@top.verb("up")
def _up(session: Session) -> Any:
    """Start this project's supervisor and deployments."""
    before = session.bench.jobs.supervisor().pid
    session.say("starting the supervisor and the deployments")
    done = session.bench.up()
    if session.json:
        return done
    pid = done["supervisor"]
    supervisor = (
        "none"
        if pid is None
        else f"was running (process {pid})"
        if pid == before
        else f"started (process {pid})"
    )
    return {
        "supervisor": supervisor,
        "deployments": ", ".join(done["deployments"]) or "there are none",
    }


@top.verb("down")
def _down(session: Session) -> Any:
    """Stop everything that this project started."""
    pid, live, running = None, list[str](), list[str]()
    with contextlib.suppress(MLInfraError):  # what cannot be read is stopped too
        pid = session.bench.jobs.supervisor().pid
        live = [item.name for item in every(session.bench.deployments.list) if item.state != "down"]
        running = [
            job.id
            for state in ("starting", "running")
            for job in every(session.bench.jobs.list, state=state)
        ]
    done = session.bench.down()
    if session.json:
        return done | {"stopped": {"supervisor": pid, "deployments": live, "jobs": running}}
    supervisor = "none was running" if pid is None else f"stopped (process {pid})"
    return {
        "supervisor": supervisor,
        "deployments": f"stopped: {', '.join(live)}" if live else "none was running",
        "jobs": f"cancelled: {', '.join(running)}" if running else "none was running",
    }


@top.verb("init")
@click.argument("folder", default=".", type=click.Path(file_okay=False))
def _init(session: Session, folder: str) -> Any:
    """Make a folder a project, with a `mlinfra.toml` that works as it is, and say what to
    do next.
    """
    from ..core.first_steps import NEXT, begin

    root = Path(folder).resolve()
    new = begin(root)
    if session.json:
        return {"root": str(root), "created": new, "next": NEXT}
    return {
        "project": f"{root} {'(created)' if new else '(already there)'}",
        **{f"next {place}": text for place, text in enumerate(NEXT, 1)},
    }


@project.verb("show")
def _show(session: Session) -> Any:
    """The project card."""
    opened = session.bench.project
    card = opened.settings.project
    return {
        "name": opened.name,
        "root": str(opened.root),
        **{name: getattr(card, name) for name in ("title", "goal", "kpi", "owner")},
    }


@project.verb("check")
def _check(session: Session) -> Any:
    """Measure each target of the project card; exit 1 unless every one is met."""
    session.say("measuring each target; a live deployment gets requests for some seconds")
    checks = session.bench.check()
    if not checks and not session.json:
        return {
            "targets": "the project card has none",
            "to add one": (
                "in mlinfra.toml, below [project.targets], for example: requests_per_second = 20"
            ),
        }
    return Ended(
        page_of(checks, limit=500), code=int(any(check.verdict != "met" for check in checks))
    )
