"""`mlinfra catalog delete`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.session import Ended, Session
from .noun import catalog


@catalog.verb("delete")
@click.argument("name")
@click.option(
    "--yes", is_flag=True, required=True, help="Its earlier states cannot be read any more."
)
@click.option("--force", is_flag=True, help="Even if views, runs or datasets were made from it.")
def _delete(session: Session, name: str, yes: bool, force: bool) -> Any:  # noqa: ARG001
    """Remove a dataset from the catalog; its files stay, and the answer says where."""
    return Ended({"deleted": name, "files": session.bench.catalog.delete(name, force=force)})
