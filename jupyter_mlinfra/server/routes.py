"""All routes, by path below `/mlinfra/api`; a part in braces is one part of the path."""

from __future__ import annotations

import re

from . import (
    catalog,
    deployments,
    experiments,
    features,
    jobs,
    monitoring,
    pipelines,
    schedules,
    workbench,
)
from .handler import Handler

PREFIX = "/mlinfra/api/"

ROUTES: dict[str, type[Handler]] = {
    path: handler
    for module in (
        catalog,
        features,
        jobs,
        pipelines,
        schedules,
        experiments,
        deployments,
        monitoring,
        workbench,
    )
    for path, handler in module.ROUTES.items()
}


def handlers() -> list[tuple[str, type[Handler]]]:
    """The routes for Tornado; the last one answers every other address."""
    return [
        *((PREFIX + _pattern(path), handler) for path, handler in ROUTES.items()),
        (PREFIX + "(?P<path>.*)", workbench.Missing),
    ]


def _pattern(path: str) -> str:
    """Each part in braces as a named group: a handler reads it in `path_kwargs`, and its method
    takes it by that name.
    """
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
