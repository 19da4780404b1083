"""The words of `mlinfra jobs submit`: a notebook, or a command after two dashes; an array in a
file.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ...core.errors import BadRequest


class SubmitCommand(click.Command):
    """`jobs submit OPTIONS -- COMMAND ARGUMENTS…`: everything after `--` is the command."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            dashes = args.index("--")
            ctx.meta["command"] = tuple(args[dashes + 1 :])
            return super().parse_args(ctx, args[:dashes])
        if args and not args[0].startswith("-"):
            check_notebook(args)
        unparsed = super().parse_args(ctx, args)
        if ctx.args:
            check_notebook([ctx.params["notebook"], *ctx.args])
            raise BadRequest(
                f"{ctx.args[0]} is one argument too many.",
                "One notebook is submitted at a time.",
                "mlinfra jobs submit --help",
            )
        return unparsed


def check_notebook(arguments: Sequence[str]) -> None:
    """Raise BadRequest if the words are those of a command."""
    if arguments[0].endswith(".ipynb"):
        return
    program = ["python", *arguments] if arguments[0].endswith(".py") else arguments
    fix = f"Write a command after two dashes: mlinfra jobs submit -- {shlex.join(program)}"
    raise BadRequest(
        f"{arguments[0]} is not a notebook.", "The name of a notebook ends with .ipynb.", fix
    )


def read_array(path: str) -> list[Any]:
    """The elements of an array, from a JSON file."""
    try:
        value = json.loads(Path(path).read_text())
    except OSError as error:
        raise BadRequest(
            f"{path} cannot be read as an array.",
            f"{error.strerror}.",
            f'Write into {path} a list of mappings: [{{"depth": 4}}, {{"depth": 6}}].',
        ) from error
    except ValueError as error:
        raise BadRequest(
            f"{path} cannot be read as an array.",
            str(error),
            'Write a list of mappings: [{"depth": 4}, {"depth": 6}].',
        ) from error
    if not isinstance(value, list) or not value:
        raise BadRequest(
            f"{path} does not hold an array.",
            "It holds no list, or an empty one.",
            'Write a list of mappings: [{"depth": 4}, {"depth": 6}].',
        )
    return value
