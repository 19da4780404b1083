"""`mlinfra deployments …`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..core.errors import BadRequest, NotFound, Unprocessable
from ..core.records import to_json
from .session import Session, assignments, paging, session


@click.group
def deployments() -> None:
    """Versions that answer requests (Seldon)."""


@deployments.command("list")
@paging
@session
def list_(here: Session, limit: int, cursor: str | None) -> None:
    """Deployments by name."""
    here.emit(here.workbench.deployments.list(limit=limit, cursor=cursor), columns={"deployment": "name", "state": "state", "url": "url"})


@deployments.command
@click.argument("name")
@session
def show(here: Session, name: str) -> None:
    """Versions, traffic, address and history of a deployment."""
    found = to_json(here.workbench.deployments.show(name))
    here.emit({**found.pop("deployment"), **found})


@deployments.command
@click.argument("version", metavar="MODEL/VERSION")
@click.option("--name", help="Of the deployment. Default: that of the model.")
@click.option("--canary", "traffic", type=click.IntRange(0, 100), help="Percent of the traffic. Default: 100 for the first version, else 0.")
@click.option("--reason", default="", help="Stays in the history.")
@session
def deploy(here: Session, version: str, name: str | None, traffic: int | None, reason: str) -> None:
    """Build, test and serve a version."""
    deployment = name or version.partition("@")[0].partition("/")[0]
    here.emit(here.workbench.deployments.deploy(deployment, version=version, traffic=traffic, reason=reason, on_progress=here.say))


@deployments.command
@click.argument("name")
@click.argument("shares", nargs=-1, required=True, metavar="VERSION=PERCENT…")
@click.option("--reason", default="")
@session
def traffic(here: Session, name: str, shares: tuple[str, ...], reason: str) -> None:
    """Share the requests between versions: `traffic churn v7=90 v8=10`."""
    wanted = assignments(shares)
    for version, share in wanted.items():
        if not isinstance(share, int) or isinstance(share, bool):
            raise BadRequest(f"{version}={share} is no whole percentage.", fix="For example v7=90 v8=10")
    here.emit(here.workbench.deployments.traffic(name, wanted, reason=reason))


@deployments.command
@click.argument("name")
@click.argument("version")
@click.option("--reason", default="")
@session
def promote(here: Session, name: str, version: str, reason: str) -> None:
    """Give a version all the traffic."""
    here.emit(here.workbench.deployments.promote(name, version, reason=reason))


@deployments.command
@click.argument("name")
@session
def rollback(here: Session, name: str) -> None:
    """Go back to the last healthy traffic, at once."""
    here.emit(here.workbench.deployments.rollback(name))


@deployments.command
@click.argument("name")
@click.argument("version")
@session
def remove(here: Session, name: str, version: str) -> None:
    """Drain and stop a version that has no traffic."""
    here.emit(here.workbench.deployments.remove(name, version))


@deployments.command
@click.argument("name")
@click.option("--rows", required=True, metavar="FILE", help="A request body of Seldon's protocol, or a list of rows; - is standard input.")
@click.option("--version", help="Ask this version, whatever its share.")
@session
def predict(here: Session, name: str, rows: str, version: str | None) -> None:
    """Ask a deployment; the answer names the version that gave it."""
    here.emit(here.workbench.deployments.predict(name, _read(rows), version=version))


@deployments.command
@click.argument("name")
@paging
@session
def history(here: Session, name: str, limit: int, cursor: str | None) -> None:
    """What was changed, when, by whom and why; newest first."""
    columns = {"at": "at", "user": "user", "change": "text", "traffic": "traffic", "reason": "reason"}
    here.emit(here.workbench.deployments.history(name, limit=limit, cursor=cursor), columns=columns)


def _read(path: str) -> Any:
    try:
        text = click.get_text_stream("stdin").read() if path == "-" else Path(path).read_text()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unprocessable(f"{path} cannot be read.", f"{error}.") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unprocessable(f"{path} is not JSON.", f"{error}.", 'For example {"data": {"names": ["a"], "ndarray": [[1.0]]}}') from error
