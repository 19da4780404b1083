"""The options of `mlinfra deployments deploy` that say how a version comes to its traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ...faces.parse import span

_DELIVERY = (
    click.option(
        "--shadow",
        is_flag=True,
        help="Give it copies of the requests, whose answers nobody gets, and no traffic.",
    ),
    click.option(
        "--copies",
        type=click.IntRange(1, 100),
        metavar="PERCENT",
        help="Of the requests, for --shadow. Default: 100.",
    ),
    click.option(
        "--steps",
        metavar="PERCENT,…",
        help="Its shares, one after the other, while it does well: 5,25,100.",
    ),
    click.option(
        "--every", metavar="SPAN", help="How long each step lasts, such as 30min. Default: 10min."
    ),
    click.option(
        "--least",
        "least_requests",
        type=click.IntRange(0),
        metavar="REQUESTS",
        help="That a step waits for. Default: 100.",
    ),
    click.option(
        "--goal",
        type=click.Choice(["reward", "kpi", "error"]),
        help="Outcomes by which it is compared: of the feedback, or of its monitor's labels.",
    ),
    click.option(
        "--better",
        type=click.Choice(["higher", "lower"]),
        help="Which outcomes are. Default: lower errors, higher rewards and KPIs.",
    ),
)


def delivered(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Options of how a version comes to its traffic."""
    for option in reversed(_DELIVERY):
        verb = option(verb)
    return verb


def chosen(options: dict[str, Any]) -> dict[str, Any]:
    """All options, with those of the delivery in one value, if any is given."""
    from ..delivery.spec import DeliverySpec, parse_steps

    names = ("shadow", "copies", "steps", "every", "least_requests", "goal", "better")
    asked = {name: options.pop(name) for name in names}
    given = {
        name: value for name, value in asked.items() if value is not None and value is not False
    }
    if not given:
        return options
    copies = given.pop("copies", None)
    if given.pop("shadow", False):
        given["shadow"] = copies or 100
    elif copies:
        raise click.UsageError("--copies is of --shadow.")
    if "steps" in given:
        given["steps"] = parse_steps(given["steps"])
    elif set(given) - {"shadow"}:
        raise click.UsageError("--every, --least, --goal and --better are of --steps.")
    if length := span(given.pop("every", None)):
        given["every_seconds"] = length.total_seconds()
    return options | {"delivery": DeliverySpec(**given)}
