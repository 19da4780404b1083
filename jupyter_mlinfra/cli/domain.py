"""A group of verbs. A verb is a function of the workbench that returns a record; how it is printed is the business of `app`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from ..core.records import PAGE_LIMIT
from .session import Session


class Domain(click.Group):
    """One noun of the command line."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__(name, help=help, no_args_is_help=True)

    def verb(self, name: str, *, cls: type[click.Command] = click.Command) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Make `function(session, **options)` the verb `name`; its docstring is the help."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def call(**options: Any) -> Any:
                session = click.get_current_context().find_object(Session)
                return function(session, **options)

            self.add_command(click.command(name, cls=cls)(call))
            return function

        return register


def paged(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every list."""
    function = click.option("--cursor", help="Go on from the `cursor` of the answer before.")(function)
    return click.option("--limit", type=click.IntRange(1, PAGE_LIMIT), default=50, show_default=True, help="Items at most.")(function)
