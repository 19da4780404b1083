"""The options of what a job needs, made from its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .. import needs_of

if TYPE_CHECKING:
    from ..needs import Need

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def need_options(*, usual: bool = True, more: str = "") -> Decorator:
    """The options of a job's needs. usual: what is not said is as usual, else it is None. more:
    added to the help of each number that a job can do without.
    """

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for need in reversed(needs_of()):
            function = click.option(
                need.option,
                need.name,
                type=_type(need),
                metavar=need.metavar or None,
                help=f"{need.sentence} {more if need.kind == 'number' else ''}".strip(),
                default=need.default if usual else None,
                show_default=usual and need.default is not None,
            )(function)
        return function

    return add


def _type(need: Need) -> click.ParamType[Any]:
    if need.kind == "word":
        return click.STRING
    if need.kind == "whole":
        return click.IntRange(need.least, need.most)
    return click.FloatRange(need.least, need.most)
