"""The verbs of `mlinfra deployments` that are about who may use them."""

from __future__ import annotations

from typing import Any

import click

from ...core.errors import BadRequest
from ...faces.cli import paged
from ...faces.session import Session
from ..access.verbs import GRACE_HOURS
from .cli import deployments


@deployments.verb("keys")
@click.argument("name")
@click.argument("action", type=click.Choice(["list", "create", "rotate", "revoke"]), default="list")
@click.argument("key", required=False)
@click.option("--name", "label", help="Of a new key: who will use it. Default: key-1, key-2 …")
@click.option("--days", type=float, help="Until a new key expires. Default: never.")
@click.option(
    "--grace-hours",
    type=float,
    default=GRACE_HOURS,
    show_default=True,
    help="How long a key that is rotated stays valid.",
)
@click.option("--reason", default="", help="Of a revocation; recorded in the audit log.")
@paged
def _keys(session: Session, name: str, action: str, key: str | None, **options: Any) -> Any:
    """Keys that requests carry: `keys flights create app` shows a new one, once."""
    bench = session.bench.deployments
    if action == "list":
        return bench.keys(name, limit=options["limit"], cursor=options["cursor"])
    if action == "create":
        return bench.create_key(name, options["label"] or key or "", days=options["days"])
    if not key:
        raise BadRequest(
            f"Which key of {name}?",
            f"{action} needs its id or its name.",
            f"mlinfra deployments keys {name} list",
        )
    if action == "rotate":
        return bench.rotate_key(name, key, grace_hours=options["grace_hours"], days=options["days"])
    return bench.revoke_key(name, key, reason=options["reason"])


@deployments.verb("audit")
@click.argument("name", required=False)
@paged
def _audit(session: Session, name: str | None, **options: Any) -> Any:
    """Who changed what, newest first, also of deployments that are gone."""
    return session.bench.deployments.audit(name, **options)
