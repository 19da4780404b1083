"""`mlinfra catalog register`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.session import Session
from .ingest import options_of, reading
from .noun import catalog


@catalog.verb("register")
@click.argument("path")
@click.option("--as", "name", required=True, metavar="NS.TABLE", help="The name to read it by.")
@reading
def _register(session: Session, path: str, name: str, **options: Any) -> Any:
    """Read a file, the files of a pattern (in quotes) or a folder, or a Delta table where they are,
    by a name like that of a dataset. Nothing is copied.
    """
    return session.bench.catalog.register(path, name=name, **options_of(options))
