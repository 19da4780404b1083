"""What every verb has: the project, and one way to answer, as JSON for scripts or as text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import click

from ..core.errors import MLInfraError
from ..core.records import to_json
from ..workbench import Workbench, current
from . import render


@dataclass
class Session:
    """One call of the command line. tail: the words after `--`."""

    as_json: bool = False
    project: str | None = None
    tail: Sequence[str] = field(default=())

    @cached_property
    def workbench(self) -> Workbench:
        """The project of `--project`, MLINFRA_PROJECT or the working directory."""
        return current(self.project)

    def emit(self, value: Any, *, columns: Mapping[str, str] | None = None) -> None:
        """Answer with a record, a page of records or a plain value. columns: heading to dotted path, for a table."""
        plain = to_json(value)
        if self.as_json:
            click.echo(json.dumps(plain, ensure_ascii=False))
        else:
            click.echo(render.text(plain, columns))

    def say(self, line: str) -> None:
        """A line of progress, for people only."""
        if not self.as_json:
            click.echo(line, err=True)

    def refuse(self, error: MLInfraError) -> None:
        """Say what, why and how to fix it: JSON on standard output, or three lines on standard error."""
        if self.as_json:
            click.echo(json.dumps({"error": error.to_json()}, ensure_ascii=False))
        else:
            click.echo(render.error(error), err=True)


session = click.make_pass_decorator(Session)


def assignments(words: Sequence[str]) -> dict[str, Any]:
    """`name=value` words as a mapping; a value that is JSON (7, 0.5, true, [1, 2]) is taken as such, else as text.

    Raises BadRequest on a word without `=`.
    """
    from ..core.errors import BadRequest

    found: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise BadRequest(f"{word!r} gives no value.", "The form is NAME=VALUE.", "For example -p depth=6")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def paging(function: Any) -> Any:
    """The options of every list."""
    function = click.option("--cursor", help="Go on where the last page ended.")(function)
    return click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Items in a page.")(function)
