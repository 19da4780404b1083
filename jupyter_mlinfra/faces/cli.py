"""A group of verbs. A verb is a function of the workbench that returns a record; `app`
prints it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import click

from ..core.errors import BadRequest
from ..core.records import PAGE_LIMIT
from .session import Session

_WHOLE = 1000
"""Longer than any first sentence of a help text."""


class Words(click.Group):
    """A group of commands: its list is never cut, and an unknown word is answered with similar
    ones.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is not None or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if name == "help" and len(args) == 1:
            click.echo(ctx.get_help())
            ctx.exit()
        if name == "help":
            return self.resolve_command(ctx, [*args[1:], "--help"])
        path, commands = ctx.command_path, self.list_commands(ctx)
        suggestions = [
            *(f"{path} {word}" for word in get_close_matches(name, commands, n=2)),
            *self.elsewhere(name),
        ]
        fix = f"Perhaps: {', '.join(suggestions)}." if suggestions else f"{path} --help"
        raise BadRequest(
            f"There is no command {f'{path} {name}'!r}.",
            f"{path} takes one of: {', '.join(sorted(commands))}.",
            fix,
        )

    def elsewhere(self, name: str) -> list[str]:  # noqa: ARG002
        """Commands of that name in other groups."""
        return []

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = {
            name: command
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None
        }
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence(command)) for name, command in found.items()])


def sentence(command: click.Command) -> str:
    """The first sentence of its help, complete."""
    return command.get_short_help_str(_WHOLE)


class Noun(Words):
    """One noun of the command line."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__(name, help=help, no_args_is_help=True)

    def verb(
        self, name: str, *, cls: type[click.Command] = click.Command
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Make `function(session, **options)` the verb `name`; its docstring is the help."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def call(**options: Any) -> Any:
                session = click.get_current_context().find_object(Session)  # type: ignore[type-abstract]
                return function(session, **options)

            self.add_command(click.command(name, cls=cls)(call))
            return function

        return register


def paged(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every list."""
    function = click.option("--cursor", help="Continue from the `cursor` of the previous answer.")(
        function
    )
    return click.option(
        "--limit",
        type=click.IntRange(1, PAGE_LIMIT),
        default=50,
        show_default=True,
        help="Most items.",
    )(function)
