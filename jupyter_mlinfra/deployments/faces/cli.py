"""`mlinfra deployments …`"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ...core.records import page_of, to_json
from ...faces.cli import Noun, paged
from ...faces.parse import rows as rows_of
from ...faces.parse import weights
from ...faces.session import Ended, Session
from ..batch.spec import AT, MAX_ERRORS
from .delivery_options import chosen, delivered

if TYPE_CHECKING:
    from ..spec import Deployment

deployments = Noun("deployments", "Deployments: model versions that answer requests.")

_reason = click.option("--reason", default="", help="Why; recorded in the history.")
_missing = click.option(
    "--missing",
    type=click.Choice(["error", "null", "default"]),
    help="What a feature becomes that is absent or past its ttl. Default: error.",
)
_defaults = click.option(
    "--default",
    "defaults",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Of a feature that is missing; may be repeated.",
)


@deployments.verb("list")
@paged
def _list(session: Session, **options: Any) -> Any:
    """Deployments by name."""
    return session.bench.deployments.list(**options)


@deployments.verb("show")
@click.argument("name")
def _show(session: Session, name: str) -> Any:
    """A deployment: versions, traffic, history."""
    detail = session.bench.deployments.show(name, compared=True)
    if not session.json:
        return detail
    # Scripts rely on the deployment's own fields at the top.
    return to_json(detail.deployment) | {
        key: value for key, value in to_json(detail).items() if key != "deployment"
    }


@deployments.verb("deploy")
@click.argument("version", metavar="MODEL/VERSION")
@click.option("--name", help="Of the deployment; default: the model's, in lower case with hyphens.")
@click.option(
    "--traffic",
    "--canary",
    type=click.IntRange(0, 100),
    metavar="PERCENT",
    help="Default: all for the first version, none for a further one.",
)
@click.option(
    "--answers",
    type=click.Choice(["classes", "probabilities"]),
    help="Of a classifier. Default: what its own pyfunc answers.",
)
@click.option(
    "--runtime",
    metavar="NAME",
    help="What carries its processes: seldon-core, mlserver or open-inference. Default: as settings"
    " say.",
)
@click.option(
    "--target",
    type=click.Choice(["local", "kubernetes"]),
    default="local",
    show_default=True,
    help="With kubernetes, what passes its tests here then goes to the clusters of the settings.",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes. Default: as settings say.")
@click.option(
    "--features",
    multiple=True,
    metavar="VIEW",
    help="Read these inputs from the online store: VIEW or VIEW:FEATURE; may be repeated.",
)
@_missing
@_defaults
@click.option(
    "--override",
    default="",
    metavar="REASON",
    help="Give it traffic even if tests fail; the reason stays in the history.",
)
@delivered
@_reason
def _deploy(
    session: Session,
    version: str,
    name: str | None,
    features: tuple[str, ...],
    defaults: tuple[str, ...],
    **options: Any,
) -> Any:
    """Package a version, test it, and only then give it traffic."""
    from .. import name_for
    from ..gate_list import Stopped

    name = name or name_for(version)
    try:
        record = session.bench.deployments.deploy(
            name,
            version=version,
            features=features or None,
            defaults=_values(defaults, "--default COLUMN=VALUE") or None,
            on_progress=session.say,
            **chosen(options),
        )
    except Stopped as error:
        if not session.json:
            raise
        record = session.bench.deployments.show(name).deployment
        return Ended(_for_scripts(session, record, version), error=error)
    return _for_scripts(session, record, version) if session.json else record


def _for_scripts(session: Session, record: Deployment, version: str) -> dict[str, Any]:
    """Scripts rely on the version that was deployed and its tests at the top."""
    label = _label(session, version)
    tests = [
        {"name": gate.name, "passed": gate.passed, "value": gate.measured, "limit": gate.limit}
        for item in record.versions
        if item.version == label
        for gate in item.gates
    ]
    found: dict[str, Any] = to_json(record)
    return found | {"version": label, "gates": tests}


def _values(pairs: tuple[str, ...], form: str) -> dict[str, Any]:
    """Values by name. form: of the option. Raises UsageError for one without a name."""
    found: dict[str, Any] = {}
    option, _, written = form.partition(" ")
    for item in pairs:
        name, equals, text = item.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} {item} is not {written}.")
        try:
            found[name] = json.loads(text)  # a number, true or false
        except ValueError:
            found[name] = text
    return found


def _label(session: Session, version: str) -> str:
    """What a model version is called in a deployment: `v3` for `flights/3`."""
    number = version.rpartition("/")[2].removeprefix("v")
    if not number.isdecimal():
        number = str(session.bench.experiments.version(version).version)
    return f"v{number}"


@deployments.verb("batch")
@click.argument("version", metavar="MODEL/VERSION")
@click.option("--from", "source", required=True, metavar="DATASET", help="Rows to score.")
@click.option("--into", required=True, metavar="DATASET", help="Gets them with predictions.")
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Of the source, in the result; may be repeated. Default: all.",
)
@click.option(
    "--answers",
    type=click.Choice(["classes", "probabilities"]),
    help="Of a classifier. Default: what its own pyfunc answers.",
)
@click.option(
    "--max-errors",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    default=MAX_ERRORS,
    show_default=True,
    help="Of rows that may be refused.",
)
@click.option("--replace", is_flag=True, help="Replace the rows that the target has.")
@click.option("--again", is_flag=True, help="Add predictions that the target has already.")
@click.option("--new", is_flag=True, help="Only rows added since the last batch into the target.")
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Processes. Default: as many as a version has."
)
@click.option(
    "--features",
    multiple=True,
    metavar="VIEW",
    help="Read these inputs from VIEW or VIEW:FEATURE, as known at the time of each row; may be"
    " repeated. Default: those of its deployment, if the dataset lacks inputs.",
)
@_missing
@_defaults
@click.option(
    "--at", metavar="COLUMN", default=AT, show_default=True, help="Time of a row, for features."
)
def _batch(
    session: Session,
    version: str,
    keep: tuple[str, ...],
    replace: bool,
    features: tuple[str, ...],
    defaults: tuple[str, ...],
    **options: Any,
) -> Any:
    """Score a dataset into another one, as a job."""
    return session.bench.deployments.batch(
        version,
        keep=keep or None,
        mode="replace" if replace else "append",
        features=features or None,
        defaults=_values(defaults, "--default COLUMN=VALUE") or None,
        **options,
    )


@deployments.verb("compare")
@click.argument("name")
@click.argument("version", metavar="MODEL/VERSION")
def _compare(session: Session, name: str, version: str) -> Any:
    """A version beside the one that is live: what a deploy would change."""
    return session.bench.deployments.compare(name, version)


@deployments.verb("traffic")
@click.argument("name")
@click.argument("shares", nargs=-1, required=True, metavar="VERSION=PERCENT…")
@_reason
def _traffic(session: Session, name: str, shares: tuple[str, ...], reason: str) -> Any:
    """Share the requests between versions: `deployments traffic flights v1=90 v2=10`."""
    return session.bench.deployments.traffic(name, weights(shares), reason=reason)


@deployments.verb("promote")
@click.argument("name")
@click.argument("version", required=False)
@_reason
def _promote(session: Session, name: str, version: str | None, reason: str) -> Any:
    """Give a version, by default the canary, all of the traffic. Moves no alias: that is
    `models promote`.
    """
    return session.bench.deployments.promote(name, version, reason=reason)


@deployments.verb("rollback")
@click.argument("name")
@_reason
def _rollback(session: Session, name: str, reason: str) -> Any:
    """Restore the last healthy traffic, at once."""
    return session.bench.deployments.rollback(name, reason=reason)


@deployments.verb("remove")
@click.argument("name")
@click.argument("version")
@_reason
def _remove(session: Session, name: str, version: str, reason: str) -> Any:
    """Stop a version without traffic and remove it."""
    return session.bench.deployments.remove(name, version, reason=reason)


_ROWS = click.option(
    "--rows",
    required=True,
    metavar="FILE",
    help="JSON (objects, or a body of Seldon's protocol), CSV or Parquet; - for standard input.",
)


@deployments.verb("predict")
@click.argument("name")
@_ROWS
@click.option("--version", help="Use this one, whatever the traffic.")
@click.option(
    "--param",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the model's signature; may be repeated.",
)
def _predict(
    session: Session, name: str, rows: str, version: str | None, param: tuple[str, ...]
) -> Any:
    """Send a request through the gateway; the answer names the version that gave it."""
    params = _values(param, "--param NAME=VALUE")
    return session.bench.deployments.predict(name, rows_of(rows), version=version, params=params)


@deployments.verb("explain")
@click.argument("name")
@_ROWS
@click.option("--version", help="Use this one, whatever the traffic.")
def _explain(session: Session, name: str, rows: str, version: str | None) -> Any:
    """What each input contributed to the answers to some rows, at most 100."""
    return session.bench.deployments.explain(name, rows_of(rows), version=version)


@deployments.verb("history")
@click.argument("name")
@paged
def _history(session: Session, name: str, **options: Any) -> Any:
    """Changes, newest first."""
    return session.bench.deployments.history(name, **options)


@deployments.verb("up")
@click.argument("name", required=False)
def _up(session: Session, name: str | None) -> Any:
    """Start a deployment, or all."""
    return page_of(session.bench.deployments.up(name, on_progress=session.say), limit=500)


@deployments.verb("down")
@click.argument("name", required=False)
def _down(session: Session, name: str | None) -> Any:
    """Stop a deployment, or all; `up` restores the same traffic."""
    return page_of(session.bench.deployments.down(name), limit=500)


@deployments.verb("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, required=True, help="It cannot be undone.")
def _delete(session: Session, name: str, yes: bool) -> Any:  # noqa: ARG001
    """Stop a deployment and delete it with its history; its payload log stays."""
    session.bench.deployments.delete(name)
    return Ended({"deleted": name})


from . import (  # noqa: E402  # their verbs are of the same noun
    access_verbs,  # noqa: F401
    cluster_verbs,  # noqa: F401
    delivery_verbs,  # noqa: F401
    request_verbs,  # noqa: F401
)
