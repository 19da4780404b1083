"""`mlinfra features apply` and `define`."""

from __future__ import annotations

from typing import Any, TextIO

import click

from ....faces.session import Ended, Failed, Session
from ...spec import AppliedViews, Defined, Retagged
from .noun import features


@features.verb("apply")
def _apply(session: Session) -> Any:
    """Apply the definitions of the feature repository to the registry; what is broken is left out
    and named, and the exit code is then 1.
    """
    return ended(session.bench.features.apply())


@features.verb("define")
@click.argument("name")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.option("--replace", is_flag=True, help="Views that are no longer defined may be deleted.")
@click.option("--no-apply", "apply", flag_value=False, default=True, help="Only write the file.")
def _define(session: Session, name: str, file: TextIO, replace: bool, apply: bool) -> Any:
    """Write Feast definitions, from FILE or the input, as NAME.py of the feature repository, once
    they were tried; then apply.
    """
    defined = session.bench.features.define(name, file.read(), replace=replace, apply=apply)
    return ended(defined.applied, defined) if defined.applied else defined


def ended(applied: AppliedViews, answer: Defined | Retagged | None = None) -> Any:
    """The answer, with an error if something was left out."""
    if not applied.problems:
        return answer or applied
    first = applied.problems[0]
    others = len(applied.problems) - 1
    what = f"{first.name} was left out" + (f", and {others} more" if others else "")
    return Ended(
        answer or applied, error=Failed(f"{what}.", f"{first.what} {first.why}".strip(), first.fix)
    )
