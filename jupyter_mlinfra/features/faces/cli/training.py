"""`mlinfra features use`."""

from __future__ import annotations

from typing import Any

import click

from ....faces.session import Ended, Session
from .noun import features


@features.verb("use")
@click.argument("refs", nargs=-1, required=True, metavar="VIEW:FEATURE…")
def _use(session: Session, refs: tuple[str, ...]) -> Any:
    """Python code that makes a training set of features."""
    code = session.bench.features.use(refs)
    if not session.json:
        print(code)
    return Ended({"python": code}, silent=True)
